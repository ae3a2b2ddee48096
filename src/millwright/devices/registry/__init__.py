"""The registry: every device that is known, found again by name, tag, place, model, state."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.registry.addresses import Dialect, ForeignAddress
    from millwright.devices.registry.bulk import DeviceRow, ImportReport
    from millwright.devices.registry.model import (
        Device,
        DeviceChange,
        DeviceCounts,
        DevicePage,
        DeviceQuery,
        Kind,
        NewDevice,
        PresenceState,
        SparkplugBinding,
        Status,
    )
    from millwright.devices.registry.service import Registry
    from millwright.devices.registry.store import DeviceStore

__getattr__ = exports(__name__)

__all__ = [
    "Device",
    "DeviceChange",
    "DeviceCounts",
    "DevicePage",
    "DeviceQuery",
    "DeviceRow",
    "DeviceStore",
    "Dialect",
    "ForeignAddress",
    "ImportReport",
    "Kind",
    "NewDevice",
    "PresenceState",
    "Registry",
    "SparkplugBinding",
    "Status",
]
