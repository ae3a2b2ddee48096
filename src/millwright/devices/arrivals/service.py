"""Use cases of arrivals: noting contacts, adopting, dismissing."""

from __future__ import annotations

import asyncio
import builtins
import logging
from collections.abc import Sequence

from millwright.devices.arrivals.model import Adoption, Arrival, ChildContact, RefusedContact, SparkplugContact
from millwright.devices.arrivals.store import ArrivalStore, Contact, mqtt_identity, sparkplug_identity
from millwright.devices.changes import Changes
from millwright.devices.errors import invalid
from millwright.devices.registry.addresses import ForeignAddress
from millwright.devices.registry.model import Device, Kind, NewDevice, SparkplugBinding, check
from millwright.devices.registry.store import DeviceStore
from millwright.devices.settings import DevicesSettings
from millwright.kernel import Bus, Clock, Conflict, MillwrightError, new_id
from millwright.ledger import note

EVENT = "events.devices.arrivals"
"""Published, empty, when the list of arrivals changed."""

_PENDING = 10_000

logger = logging.getLogger(__name__)


class ArrivalService:
    """Lists, adopts and dismisses arrivals; gathers contacts until :meth:`flush` writes them."""

    def __init__(
        self,
        store: ArrivalStore,
        devices: DeviceStore,
        changes: Changes,
        bus: Bus,
        clock: Clock,
        settings: DevicesSettings,
    ) -> None:
        self._store = store
        self._devices = devices
        self._changes = changes
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._pending: dict[str, Contact] = {}
        self._born: dict[str, SparkplugContact] = {}

    async def list(self) -> builtins.list[Arrival]:
        """Every arrival, the latest heard first."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, arrival_id: str) -> Arrival:
        """One arrival. Raises ``NotFound``."""
        return await asyncio.to_thread(self._store.get, arrival_id)

    async def count(self) -> int:
        """How many arrivals wait."""
        return await asyncio.to_thread(self._store.count)

    async def adopt(self, arrival_id: str, adoption: Adoption) -> Device:
        """Register the arrival: the device is let in as it is, with the credential it presented.

        Raises ``NotFound``, ``Invalid``, ``Conflict`` (name, address, credential) or ``LimitExceeded``.
        """
        arrival = await self.get(arrival_id)
        now_ms, limit = self._clock.now_ms(), self._settings.credentials_per_device
        if adoption.device_id is not None:
            if arrival.kind != "mqtt":
                raise invalid("Only an MQTT arrival can be adopted into a registered device.", "/device_id")
            device_id = adoption.device_id
            await asyncio.to_thread(self._store.adopt_into, arrival_id, device_id, now_ms, limit)
        else:
            device_id = new_id("dev")
            new = check(_new_device(arrival, adoption))
            await asyncio.to_thread(self._store.adopt, arrival_id, device_id, new, now_ms, limit)
        await self._changes.announce(device_id)
        await self._tell()
        device = await asyncio.to_thread(self._devices.get, device_id)
        adopted = {"arrival": arrival_id, "username": arrival.username, "device": device.name}
        note("device", device_id, device.name, after=adopted)
        return device

    async def dismiss(self, arrival_id: str) -> None:
        """Forget an arrival; it comes back at its next contact. Raises ``NotFound``."""
        await asyncio.to_thread(self._store.dismiss, arrival_id)
        note("arrival", arrival_id)
        await self._tell()

    def record(self, contact: RefusedContact | SparkplugContact | ChildContact) -> None:
        """Note a contact; written by the next :meth:`flush`. Cheap, bounded, never raises."""
        if isinstance(contact, RefusedContact):
            if self._settings.arrivals == "list":
                self._gather(_refused(contact))
            return
        if isinstance(contact, ChildContact):
            if self._settings.arrivals == "list":
                self._gather(_below(contact))
            return
        if self._settings.adopt_sparkplug:
            if len(self._born) < _PENDING:
                self._born[sparkplug_identity(contact)] = contact
        elif self._settings.arrivals == "list":
            self._gather(_unborn(contact))

    async def flush(self) -> builtins.list[str]:
        """Write what was noted; returns the ids of Sparkplug devices that were registered by it.

        Raises ``Unavailable`` when the records are away; what was noted is kept.
        """
        adopted = await self._adopt_born()
        pending, self._pending = self._pending, {}
        if pending:
            try:
                new = await self._write(builtins.list(pending.values()))
            except MillwrightError:
                self._pending = pending | self._pending
                raise
            if new:
                await self._tell()
        return adopted

    async def age(self) -> None:
        """Forget arrivals that were not heard of for too long. Raises ``Unavailable``."""
        await self._write([])

    async def _write(self, contacts: Sequence[Contact]) -> bool:
        oldest_ms = self._clock.now_ms() - round(self._settings.arrivals_age_h * 3_600_000)
        limit = self._settings.arrivals_limit
        return await asyncio.to_thread(self._store.record, contacts, limit=limit, oldest_ms=oldest_ms)

    async def _adopt_born(self) -> builtins.list[str]:
        born, self._born = self._born, {}
        adopted: builtins.list[str] = []
        for identity, contact in born.items():
            try:
                device_id = await asyncio.to_thread(self._register, contact)
            except Conflict as error:
                logger.debug("%s is registered already: %s", identity, error.message)
            except MillwrightError as error:
                logger.warning("the Sparkplug device %s was not registered: %s", contact.device, error.message)
                self._gather(_unborn(contact))
            else:
                adopted.append(device_id)
        for device_id in adopted:
            await self._changes.announce(device_id)
        return adopted

    def _register(self, contact: SparkplugContact) -> str:
        edge = self._devices.get(contact.edge_id)
        binding = _binding(contact)
        device_id = new_id("dev")
        for name in (contact.device, f"{edge.name}/{contact.device}"[:128], f"{contact.device} {device_id[-6:]}"):
            if not self._devices.has_name(name, edge.organisation_id):
                break
        new = NewDevice(
            name=name, kind="sparkplug_device", parent_id=edge.id, sparkplug=binding, place_id=edge.place_id
        )
        self._store.adopt_born(contact, device_id, check(new), self._clock.now_ms())
        return device_id

    def _gather(self, contact: Contact) -> None:
        known = self._pending.get(contact.identity)
        if known is not None:
            contact.attempts += known.attempts
            contact.first_ms = known.first_ms
        elif len(self._pending) >= _PENDING:
            return
        self._pending[contact.identity] = contact

    async def _tell(self) -> None:
        try:
            await self._bus.publish(EVENT, b"{}")
        except MillwrightError as error:
            logger.debug("arrivals were not told: %s", error.message)


def _new_device(arrival: Arrival, adoption: Adoption) -> NewDevice:
    given = arrival.sparkplug.device_id if arrival.sparkplug else arrival.address.name if arrival.address else None
    name = adoption.name or given
    if not name:
        raise invalid("A name is missing.", "/name", code="devices.name_invalid")
    if arrival.address is not None and adoption.sparkplug is not None:
        raise invalid("A gateway's device has no Sparkplug address.", "/sparkplug")
    binding = arrival.sparkplug or adoption.sparkplug
    kind: Kind = "sparkplug_device" if arrival.sparkplug else "sparkplug_edge" if binding else "device"
    if arrival.address is not None:
        kind = "gateway_device"
    return NewDevice(
        name=name,
        title=adoption.title,
        model_id=adoption.model_id,
        place_id=adoption.place_id,
        tags=adoption.tags,
        kind=kind,
        address=arrival.address,
        parent_id=arrival.parent_id,
        sparkplug=binding,
    )


def _binding(contact: SparkplugContact) -> SparkplugBinding:
    return SparkplugBinding(group_id=contact.group_id, edge_node_id=contact.edge_node_id, device_id=contact.device)


def _refused(contact: RefusedContact) -> Contact:
    return Contact(
        identity=mqtt_identity(contact.digest),
        kind="mqtt",
        first_ms=contact.at_ms,
        last_ms=contact.at_ms,
        username=contact.username[:128],
        client_id=contact.client_id[:128],
        peer=contact.peer[:64],
        digest=contact.digest,
        reason=contact.reason[:40],
        device_id=contact.device_id,
    )


def _below(contact: ChildContact) -> Contact:
    address = ForeignAddress(
        dialect=contact.dialect, product_key=contact.product or None, name=contact.name[:255] or "?"
    )
    return Contact(
        identity=f"gateway:{contact.gateway_id}:{contact.dialect}:{contact.product[:255]}:{contact.name[:255]}",
        kind="gateway",
        first_ms=contact.at_ms,
        last_ms=contact.at_ms,
        parent_id=contact.gateway_id,
        address=address,
        username=contact.name[:128],
    )


def _unborn(contact: SparkplugContact) -> Contact:
    return Contact(
        identity=sparkplug_identity(contact),
        kind="sparkplug",
        first_ms=contact.at_ms,
        last_ms=contact.at_ms,
        parent_id=contact.edge_id,
        sparkplug=_binding(contact),
        properties=contact.properties,
    )
