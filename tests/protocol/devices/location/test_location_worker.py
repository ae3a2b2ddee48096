"""The tracker over a real broker and real records: nothing lost, nothing doubled, whenever it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from millwright.devices.location import Held, LocationSettings, LocationStore, TrackStore
from millwright.devices.location.keeper import NO_LIMIT
from millwright.devices.location.model import Antenna, Corner, NewFloorPlan, NewZone, ReaderForm, TagForm
from millwright.kernel import LimitExceeded, ManualClock
from support.located import Located, located
from support.mqtt import until


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Located]:
    async with located(tmp_path) as found:
        yield found


async def gate(place: Located) -> tuple[str, int]:
    """A reader with a zone, and a time that lies after it was made."""
    device_id = await place.device("gate")
    place.store.set_reader(device_id, ReaderForm(silence_s=3600), place.clock.now_ms() - 600_000)
    place.store.add_zone("z1", NewZone(name="Gate", antennas=[Antenna(device_id=device_id)], exit_s=5, dwell_s=10))
    return device_id, place.clock.now_ms() - 120_000


async def test_beacons_become_stays(place: Located) -> None:
    device_id, begin_ms = await gate(place)
    worker = place.worker()
    await worker.start()
    try:
        for second in range(40):
            tags = [{"tag": "aa:01", "rssi": -50}] if second < 20 else []
            at_ms = begin_ms + second * 1000
            await place.say(device_id, {"ts": at_ms, "sightings": tags}, received_ms=at_ms)
        events = await place.told(3)
    finally:
        await worker.stop()
    assert [(event.kind, event.tag, event.time_ms - begin_ms) for event in events] == [
        ("enter", "AA:01", 0),
        ("dwell", "AA:01", 10_000),
        ("exit", "AA:01", 19_000),
    ]
    assert events[-1].stay_ms == 19_000


async def test_zones_and_tags_of_an_organisation_are_bounded(place: Located) -> None:
    device_id = await place.device("gate")
    store = LocationStore(place.records, LocationSettings(most_zones=1, most_tags=2))
    zone = NewZone(name="Gate", antennas=[Antenna(device_id=device_id)])
    store.add_zone("z1", zone)
    with pytest.raises(LimitExceeded, match="1 zones"):
        store.add_zone("z2", msgspec.structs.replace(zone, name="Dock"))
    assert [each.id for each in store.zones()] == ["z1"]
    store.set_tags([("A", TagForm()), ("B", TagForm())])
    store.set_tags([("A", TagForm(name="a"))])
    with pytest.raises(LimitExceeded, match="2 tags"):
        store.set_tags([("A", TagForm(name="x")), ("C", TagForm())])
    assert [(each.tag, each.name) for each in store.tags()] == [("A", "a"), ("B", "")]


async def test_values_of_a_positioning_system_count(place: Located) -> None:
    device_id = await place.device("rtls")
    place.store.add_plan("p1", NewFloorPlan(name="Hall", width_m=50, height_m=20))
    form = ReaderForm(plan_id="p1", tag_property="who", x_property="pos.x", y_property="pos.y")
    place.store.set_reader(device_id, form, place.clock.now_ms() - 600_000)
    square = [Corner(0, 0), Corner(5, 0), Corner(5, 5), Corner(0, 5)]
    place.store.add_zone("z1", NewZone(name="Cell", plan_id="p1", polygon=square, exit_s=1))
    begin_ms = place.clock.now_ms() - 60_000
    worker = place.worker()
    await worker.start()
    try:
        for second in range(20):
            at_ms = begin_ms + second * 1000
            values = {"who": "agv-1", "pos": {"x": second - 3, "y": 2.5}}
            document = {"ts": at_ms, "values": values}
            await place.say(device_id, document, received_ms=at_ms, topic="millwright/v1/telemetry")
        events = await place.told(2)
    finally:
        await worker.stop()
    assert [event.kind for event in events] == ["enter", "exit"]
    assert 3000 <= events[0].time_ms - begin_ms <= 5000
    assert 7000 <= events[1].time_ms - begin_ms <= 10_000


async def test_stopped_at_any_moment_it_tells_everything_once(place: Located) -> None:
    """Killed (a task that is cancelled keeps nothing) again and again while messages come; the events are those of a
    tracker that was never stopped."""
    device_id, begin_ms = await gate(place)

    async def speak() -> None:
        for second in range(400):
            present = [f"t{tag}" for tag in range(6) if (second // (5 + tag * 3)) % 2 == 0]
            sightings = [{"tag": tag, "rssi": -50} for tag in present]
            at_ms = begin_ms + second * 250
            await place.say(device_id, {"ts": at_ms, "sightings": sightings}, received_ms=at_ms)
            await asyncio.sleep(0.005)

    speaking = asyncio.create_task(speak())
    kills = 0
    while not speaking.done():
        worker = place.worker()
        await worker.start()
        await asyncio.sleep(0.2 + 0.07 * (kills % 5))
        await worker.stop()
        kills += 1
    await speaking
    worker = place.worker()
    await worker.start()
    await place.taken()
    await worker.stop()
    broken = [(event.kind, event.tag, event.time_ms) for event in place.events()]

    with place.records.begin() as connection:
        for name in ("events", "tag_states", "reader_states", "stays", "positions", "trail"):
            connection.exec_driver_sql(f"DELETE FROM devices_location_{name}")
    worker = place.worker()
    await worker.start()
    await place.taken()
    await worker.stop()
    whole = [(event.kind, event.tag, event.time_ms) for event in place.events()]
    assert kills > 3
    assert len(whole) > 20
    assert sorted(broken) == sorted(whole)


async def test_the_broker_goes_and_comes_back(place: Located) -> None:
    device_id, begin_ms = await gate(place)
    worker = place.worker()
    await worker.start()
    try:
        for second in range(3):
            at_ms = begin_ms + second * 1000
            await place.say(device_id, {"ts": at_ms, "sightings": [{"tag": "A"}]}, received_ms=at_ms)
        await place.told(1)
        await place.nats.kill()
        await place.nats.start()
        await until(lambda: place.bus.connected, 20)
        for second in range(3, 20):
            at_ms = begin_ms + second * 1000
            await place.say(device_id, {"ts": at_ms, "sightings": []}, received_ms=at_ms)
        events = await place.told(2)
    finally:
        await worker.stop()
    assert [event.kind for event in events] == ["enter", "exit"]


async def test_an_hour_without_the_tracker_is_not_an_hour_of_absence(place: Located) -> None:
    """Messages waited; the clock on the wall went on. The tag was seen all the time, so it never left."""
    device_id, _ = await gate(place)
    begin_ms = place.clock.now_ms() - 500_000
    for second in range(480):
        at_ms = begin_ms + second * 1000
        await place.say(device_id, {"ts": at_ms, "sightings": [{"tag": "A"}]}, received_ms=at_ms)
    worker = place.worker()
    await worker.start()
    try:
        await place.taken()
    finally:
        await worker.stop()
    assert [event.kind for event in place.events()] == ["enter", "dwell"]


async def test_the_intake_waits_for_the_tracker_to_a_limit(place: Located) -> None:
    clock, wanted = ManualClock(), LocationStore(place.records).wanted
    held = Held(place.bus, TrackStore(place.records), wanted, clock, backlog_mb=16)
    assert await held.may_go() == NO_LIMIT, "nobody needs anything"
    device_id, begin_ms = await gate(place)
    clock.advance(5)
    worker = place.worker()
    await worker.start()
    for second in range(100):
        at_ms = begin_ms + second * 10
        await place.say(device_id, {"ts": at_ms, "sightings": [{"tag": "A"}]}, received_ms=at_ms)
    await place.taken()
    await worker.stop()
    await place.say(device_id, {"sightings": []})
    assert await held.may_go() == 100
    full = Held(place.bus, TrackStore(place.records), wanted, clock, backlog_mb=0)
    assert await full.may_go() == NO_LIMIT, "beyond its share it is not waited for"


async def test_what_cannot_be_read_stops_nothing(place: Located) -> None:
    device_id, begin_ms = await gate(place)
    worker = place.worker()
    await worker.start()
    try:
        await place.bus.append("intake.test", b"not a frame", message_id="bad")
        for nonsense in ({"sightings": [{"tag": 1}]}, [], 7, {"ts": 1, "sightings": [{"tag": "A", "ts": "x"}]}):
            await place.say(device_id, nonsense, received_ms=begin_ms)
        for second in range(3):
            at_ms = begin_ms + second * 1000
            await place.say(device_id, {"ts": at_ms, "sightings": [{"tag": "A"}]}, received_ms=at_ms)
        events = await place.told(1)
    finally:
        await worker.stop()
    assert [event.kind for event in events] == ["enter"]
