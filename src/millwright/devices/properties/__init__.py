"""The properties of a device: those its model declares, and those it was seen to send."""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.properties.model import DeviceProperty, LatestValue, SeenProperty
    from millwright.devices.properties.service import PropertyService
    from millwright.devices.properties.store import PropertyStore

__getattr__ = exports(__name__)

__all__ = ["DeviceProperty", "LatestValue", "PropertyService", "PropertyStore", "SeenProperty"]
