"""The domain's use cases under one roof, as the web and the composition root use them."""

from __future__ import annotations

from millwright.devices.changes import Changes
from millwright.devices.credentials import CredentialService, CredentialStore
from millwright.devices.models import ModelService, ModelStore
from millwright.devices.places import PlaceService, PlaceStore
from millwright.devices.presence.service import PresenceService
from millwright.devices.presence.store import PresenceStore
from millwright.devices.properties import PropertyService, PropertyStore
from millwright.devices.registry import DeviceStore, Registry
from millwright.devices.registry.bulk import BulkStore
from millwright.devices.settings import DevicesSettings
from millwright.engines.sql import Records
from millwright.kernel import Bus, Clock


class DevicesService:
    """Places, models, the registry, credentials, properties and presence over one database.

    It holds no state of its own; build one in each process that needs it.
    """

    def __init__(self, records: Records, bus: Bus, clock: Clock, settings: DevicesSettings | None = None) -> None:
        settings = settings or DevicesSettings()
        self.changes = Changes(records, bus)
        self.device_store = DeviceStore(records)
        self.model_store = ModelStore(records)
        self.credential_store = CredentialStore(records)
        self.presence_store = PresenceStore(records)
        self.places = PlaceService(PlaceStore(records), self.changes, clock)
        self.models = ModelService(self.model_store, self.changes, clock)
        self.registry = Registry(self.device_store, BulkStore(records), self.model_store, self.changes, clock, settings)
        self.credentials = CredentialService(self.credential_store, self.changes, clock, settings)
        self.properties = PropertyService(PropertyStore(records), self.device_store, self.model_store, clock)
        self.presence = PresenceService(self.presence_store, self.device_store)
