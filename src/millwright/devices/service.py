"""The domain's use cases under one roof, as the web and the composition root use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import structs

from millwright.devices.changes import Changes
from millwright.devices.credentials import CredentialService, CredentialStore
from millwright.devices.models import ModelService, ModelStore
from millwright.devices.places import PlaceService, PlaceStore
from millwright.devices.presence.service import PresenceService
from millwright.devices.presence.store import PresenceStore
from millwright.devices.properties import PropertyService, PropertyStore
from millwright.devices.registry import Device, DeviceCounts, DevicePage, DeviceQuery, DeviceStore, Registry
from millwright.devices.registry.bulk import BulkStore
from millwright.devices.registry.store import remove_all
from millwright.devices.settings import DevicesSettings
from millwright.engines.sql import Records
from millwright.kernel import Bus, Clock
from millwright.parties import Organisations

CountAlarms = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
"""How many alarms are active on each of these devices; those without any may be absent."""


class DevicesService:
    """Places, models, the registry, credentials, properties and presence over one database.

    It holds no state of its own; build one in each process that needs it. ``count_alarms`` fills
    ``alarms_active``, for alarms live on a floor above; ``everybody`` sees every organisation, for what is the node's.
    """

    def __init__(
        self,
        records: Records,
        bus: Bus,
        clock: Clock,
        settings: DevicesSettings | None = None,
        *,
        count_alarms: CountAlarms | None = None,
        everybody: Records | None = None,
    ) -> None:
        settings = settings or DevicesSettings()
        self._count_alarms = count_alarms
        self._clock = clock
        self.changes = Changes(records, bus)
        self.device_store = DeviceStore(records)
        self.model_store = ModelStore(records)
        self.credential_store = CredentialStore(records)
        self.presence_store = PresenceStore(records)
        self.places = PlaceService(PlaceStore(records), self.changes, clock)
        self.models = ModelService(self.model_store, self.changes, clock)
        self.registry = Registry(self.device_store, BulkStore(records), self.model_store, self.changes, clock, settings)
        everyones = CredentialStore(everybody or records)
        self.credentials = CredentialService(self.credential_store, self.changes, clock, settings, everyones)
        self.properties = PropertyService(PropertyStore(records), self.device_store, self.model_store, clock)
        self.presence = PresenceService(self.presence_store, self.device_store)

    def follow(self, organisations: Organisations) -> None:
        """Let devices go with their organisation, and caches know when one was suspended, moved or removed."""
        now_ms = self._clock.now_ms
        organisations.store.leaving.append(
            lambda connection, organisation_id: remove_all(connection, organisation_id, now_ms())
        )
        organisations.changed.append(self.changes.touch)

    async def count(self) -> DeviceCounts:
        """How many devices there are, by presence."""
        return await self.registry.count()

    async def page(self, query: DeviceQuery, *, cursor: str | None = None, limit: int = 100) -> DevicePage:
        """A page of devices with their active alarms counted. Raises ``Invalid`` for a foreign cursor."""
        found = await self.registry.list(query, cursor=cursor, limit=limit)
        return DevicePage(items=await self._with_alarms(found.items), next=found.next)

    async def device(self, device_id: str) -> Device:
        """One device with its active alarms counted. Raises ``NotFound``."""
        return (await self._with_alarms([await self.registry.get(device_id)]))[0]

    async def _with_alarms(self, devices: list[Device]) -> list[Device]:
        if self._count_alarms is None or not devices:
            return devices
        counts = await self._count_alarms([device.id for device in devices])
        return [structs.replace(device, alarms_active=counts.get(device.id, 0)) for device in devices]
