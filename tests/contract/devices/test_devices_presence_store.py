"""Presence and its worker over both databases."""

from __future__ import annotations

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import (
    DeviceQuery,
    DevicesService,
    NewDevice,
    PresenceStore,
    PresenceWorker,
    SparkplugBinding,
)
from millwright.devices.mqtt.presence import PresenceReport
from millwright.devices.presence.model import KEPT_EVENTS, PresenceEvent, PresenceRow
from millwright.engines.sql import Records
from millwright.kernel import ManualClock, NotFound, Unavailable
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(records: Records, bus: LocalBus, clock: ManualClock) -> DevicesService:
    return DevicesService(records, bus, clock)


def report(clock: ManualClock, sequence: int, *connected: str, gone: tuple[str, ...] = ()) -> bytes:
    now_ms = clock.now_ms()
    return msgspec.msgpack.encode(
        PresenceReport(
            "l1",
            sequence,
            now_ms,
            sequence == 1,
            [(device, now_ms, now_ms) for device in connected],
            [(device, now_ms, "client closed") for device in gone],
        )
    )


async def test_the_last_changes_of_a_device_are_kept(service: DevicesService) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    store = service.presence_store
    for number in range(KEPT_EVENTS + 7):
        store.write([], [PresenceEvent(device.id, number % 2 == 0, number, None), PresenceEvent("gone", True, 1, None)])
    kept = await service.presence.events(device.id)
    assert [event.at_ms for event in kept] == list(range(KEPT_EVENTS + 6, 6, -1))
    assert store.write([PresenceRow("gone", True, 1, 1, None)], []) == {"gone"}
    with pytest.raises(NotFound):
        await service.presence.events("gone")


async def test_the_worker_writes_tells_and_recovers(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock
) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    other = await service.registry.create(NewDevice(name="e"))
    worker = PresenceWorker(PresenceStore(records), bus, clock)
    await worker.start()
    assert bus.sent("presence.ask") == [b""]
    await bus.publish("presence.l1", report(clock, 1, device.id, other.id))
    await bus.publish("presence.l1", b"\xc1 no report")
    await worker.tick()
    told = msgspec.json.decode(bus.sent("events.devices.presence")[0])
    assert [(row["device_id"], row["online"], row["reason"]) for row in told] == [
        (device.id, True, "connected"),
        (other.id, True, "connected"),
    ]
    clock.advance(2)
    worker.touch({device.id: clock.now_ms()})
    await worker.tick()
    found = await service.registry.get(device.id)
    assert (found.presence.online, found.presence.last_seen_ms) == (True, clock.now_ms())
    assert [d.id for d in (await service.registry.list(DeviceQuery(status="online"))).items] == [device.id, other.id]
    await worker.stop()
    counts = await service.count()
    assert (counts.total, counts.online, counts.offline, counts.never) == (2, 2, 0, 0)

    again = PresenceWorker(PresenceStore(records), bus, clock)
    await again.start()
    await bus.publish("presence.l1", report(clock, 1, device.id))
    for sequence in range(2, 9):
        clock.advance(1.9)
        await bus.publish("presence.l1", report(clock, sequence))
        await again.tick()
    await again.stop()
    assert [event.reason for event in await service.presence.events(other.id)] == ["listener_lost", "connected"]
    assert len(await service.presence.events(device.id)) == 1


async def test_what_cannot_be_written_is_written_later(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock
) -> None:
    device = await service.registry.create(NewDevice(name="d"))

    class Failing(PresenceStore):
        away = True

        def write(self, rows: object, events: object) -> set[str]:
            if self.away:
                raise Unavailable("away", code="test.away")
            return super().write(rows, events)  # type: ignore[arg-type]

    store = Failing(records)
    worker = PresenceWorker(store, bus, clock)
    await worker.start()
    await bus.publish("presence.l1", report(clock, 1, device.id))
    clock.advance(3)
    await worker.tick()
    assert (await service.registry.get(device.id)).presence.online is False
    store.away = False
    await worker.stop()
    assert (await service.registry.get(device.id)).presence.online is True
    assert len(await service.presence.events(device.id)) == 1


async def test_a_device_adopted_a_moment_ago_is_linked_to_its_edge_node(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock
) -> None:
    edge = await service.registry.create(
        NewDevice(name="gw", kind="sparkplug_edge", sparkplug=SparkplugBinding(group_id="G", edge_node_id="E"))
    )
    worker = PresenceWorker(PresenceStore(records), bus, clock)
    await worker.start()
    await bus.publish("presence.l1", report(clock, 1, edge.id))
    worker.sparkplug_state(edge.id, True, clock.now_ms(), "NBIRTH")
    await worker.tick()
    binding = SparkplugBinding(group_id="G", edge_node_id="E", device_id="D")
    child = await service.registry.create(
        NewDevice(name="drive", kind="sparkplug_device", parent_id=edge.id, sparkplug=binding)
    )
    worker.sparkplug_state(child.id, True, clock.now_ms(), "DBIRTH")
    await worker.tick()
    clock.advance(1)
    await worker.tick()
    assert worker.online == 2
    clock.advance(1)
    await bus.publish("presence.l1", report(clock, 2, gone=(edge.id,)))
    await worker.tick()
    assert worker.online == 0
    await worker.stop()
    assert [event.reason for event in await service.presence.events(child.id)] == ["edge_node_offline", "DBIRTH"]
