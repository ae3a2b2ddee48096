"""Things: what they are (models), where they stand (places), how they prove themselves, what they send, whether they
are there.

Vocabulary: a *device* is a registered thing with its own name; a *model* (物模型) says what a kind of thing has and
can do; a *place* is a node of the equipment tree (ISA-95, IEC 62264-1); a *credential* opens the door to one device; an
*arrival* is a device that made contact and is not registered; *presence* is whether a device is connected now; an
*edge node* is a Sparkplug gateway with *Sparkplug devices* below it.

Invariants: a device is known by its credential, never by the topic it names; no secret is stored, only its digest; a
model's version never changes; every change that a cache may hold moves ``devices_revision`` in the same transaction.

Standards: MQTT 3.1.1, Sparkplug B 3.0, UCUM 2.1, ISA-95. The listener is in ``mqtt``, decoding in ``telemetry`` and
``sparkplug``, what could not be read in ``dead_letters``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.access import Access
    from millwright.devices.arrivals import (
        Adoption,
        Arrival,
        ArrivalService,
        ArrivalStore,
        ArrivalWorker,
        ChildContact,
        SparkplugContact,
    )
    from millwright.devices.changes import EVERY, Changes
    from millwright.devices.credentials import Credential, CredentialStore, Issued, NewCredential
    from millwright.devices.directory import DeviceDirectory
    from millwright.devices.models import Model, ModelDocument, ModelStore, PropertySpec
    from millwright.devices.permissions import Principal
    from millwright.devices.places import NewPlace, Place, PlaceChange
    from millwright.devices.presence import PresenceStore, PresenceWorker
    from millwright.devices.properties import DeviceProperty
    from millwright.devices.registry import (
        Device,
        DeviceChange,
        DeviceCounts,
        DevicePage,
        DeviceQuery,
        DeviceStore,
        ForeignAddress,
        ImportReport,
        NewDevice,
        SparkplugBinding,
    )
    from millwright.devices.service import DevicesService
    from millwright.devices.settings import DevicesSettings
    from millwright.devices.watch import ChangeWatch

__getattr__ = exports(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
"""Where the domain's schema revisions are."""

__all__ = [
    "EVERY",
    "MIGRATIONS",
    "Access",
    "Adoption",
    "Arrival",
    "ArrivalService",
    "ArrivalStore",
    "ArrivalWorker",
    "ChangeWatch",
    "Changes",
    "ChildContact",
    "Credential",
    "CredentialStore",
    "Device",
    "DeviceChange",
    "DeviceCounts",
    "DeviceDirectory",
    "DevicePage",
    "DeviceProperty",
    "DeviceQuery",
    "DeviceStore",
    "DevicesService",
    "DevicesSettings",
    "ForeignAddress",
    "ImportReport",
    "Issued",
    "Model",
    "ModelDocument",
    "ModelStore",
    "NewCredential",
    "NewDevice",
    "NewPlace",
    "Place",
    "PlaceChange",
    "PresenceStore",
    "PresenceWorker",
    "Principal",
    "PropertySpec",
    "SparkplugBinding",
    "SparkplugContact",
]
