"""The host of connectors in this process: real records, a real broker, connectors that do as they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from millwright import certificates, devices, parties
from millwright.devices import Changes, ChangeWatch, DevicesService, NewDevice
from millwright.devices.connectors import (
    ConnectionStore,
    ConnectorRoute,
    Connectors,
    ConnectorsSettings,
    Delivery,
    Desk,
    Host,
    HostClient,
    Things,
    Vault,
)
from millwright.devices.connectors.model import ConnectionHealth, FieldConnection, NewConnection, NewPoint
from millwright.devices.mqtt import JetStreamIntake
from millwright.devices.mqtt.presence import PresenceReport
from millwright.engines import secrets as secrets_domain
from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Migrations, Records
from millwright.kernel import Lifecycle, SystemClock
from millwright.kernel.scope import EVERYTHING
from support.connectors import catalogue
from support.mqtt import until
from support.sealing import sealing

QUICK = ConnectorsSettings(
    enterprises=True, silence_s=1.0, cancel_s=0.3, first_retry_s=0.05, most_retry_s=0.2, buffer_mb=1
)


@dataclass
class FieldHost:
    """A host at work, and those who ask it."""

    records: Records
    bus: NatsConnection
    connectors: Connectors
    devices: DevicesService
    things: Things
    route: ConnectorRoute
    host: Host
    delivery: Delivery
    sizes: list[float]
    restarts: list[int]
    presence: dict[str, bool] = field(default_factory=dict)

    async def connect(self, name: str = "plc", **values: Any) -> FieldConnection:
        """A connection to the scripted peer."""
        wanted = {"name": name, "kind": "scripted", **values}
        return await self.connectors.create(msgspec.convert(wanted, NewConnection))

    async def feed(self, connection: FieldConnection, device: str = "press", **addresses: str) -> str:
        """A device with a point for each property=address; returns its id."""
        found = await self.devices.registry.find_by_name(device)
        made = found or await self.devices.registry.create(NewDevice(name=device))
        points = [
            NewPoint(address=address, device_id=made.id, property=name, writable=True)
            for name, address in addresses.items()
        ]
        await self.connectors.add_points(connection.id, points)
        return made.id

    def health(self, connection: FieldConnection) -> ConnectionHealth:
        """How the connection does."""
        found = [each for each in self.host.health() if each.connection_id == connection.id]
        return found[0] if found else ConnectionHealth(connection_id=connection.id)

    async def until_state(self, connection: FieldConnection, state: str) -> None:
        """Wait until the connection is in a state."""
        await until(lambda: self.health(connection).state == state)


@asynccontextmanager
async def running_host(folder: Path, nats_url: str, settings: ConnectorsSettings = QUICK) -> AsyncIterator[FieldHost]:
    """A host on a broker."""
    records = Records.in_folder(folder, EVERYTHING)
    Migrations(
        records, [secrets_domain.MIGRATIONS, parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
    ).upgrade(folder / "backups")
    clock = SystemClock()
    bus = NatsConnection(nats_url, "test host")
    service = DevicesService(records, bus, clock)
    vault, known, store = Vault(sealing(records, clock)), catalogue(), ConnectionStore(records)
    stream = JetStreamIntake(bus, "test-connectors")
    delivery = Delivery(
        stream, stream.newest, JetStreamIntake(bus, "test-connectors-documents"), bus, clock, settings,
        listener_id="test-connectors", folder=folder / "outbox",
    )  # fmt: skip
    desk = Desk(known, clock, settings.cancel_s)
    sizes, restarts = [1.0], list[int]()
    host = Host(
        store, vault, known, delivery, desk, bus, clock, settings, node="test",
        restart=lambda: restarts.append(1), size_mb=lambda: sizes[-1],
    )  # fmt: skip
    client = HostClient(bus, "test", patience_s=1.0)
    connectors = Connectors(store, vault, known, service.device_store, client, bus, clock, settings)
    watch = ChangeWatch(bus, Changes(records, bus), host.device_changed)
    made = FieldHost(
        records, bus, connectors, service, Things(connectors, service), ConnectorRoute(store, client), host,
        delivery, sizes, restarts,
    )  # fmt: skip

    async def hear(_subject: str, payload: bytes) -> None:
        report = msgspec.msgpack.decode(payload, type=PresenceReport)
        made.presence |= {device_id: True for device_id, _, _ in report.connected}
        made.presence |= {device_id: False for device_id, _, _ in report.disconnected}

    async with Lifecycle(bus, stream, delivery, desk, host, watch):
        await bus.subscribe("presence.test-connectors", hear)
        yield made
    records.close()
