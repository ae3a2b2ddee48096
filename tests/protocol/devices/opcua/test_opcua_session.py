"""The OPC UA connector against asyncua's server: what a session does while nothing goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Node, Point, Session
from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings
from millwright.kernel import Denied, Invalid
from support.opcua import RunningServer, Taken, until

HERE = "nsu=urn:example:plant;s="


def point(name: str, interval_ms: int = 50, deadband: float = 0.0) -> Point:
    return Point(id=name, address=HERE + name, interval_ms=interval_ms, deadband=deadband)


@pytest.fixture
async def session(plant: RunningServer, connector: OpcUaConnector) -> AsyncIterator[Session]:
    opened = await connector.open(OpcUaSettings(url=plant.url))
    yield opened
    await opened.close()


async def by_name(session: Session, parent: str | None = None) -> dict[str, Node]:
    found: list[Node] = []
    cursor = None
    while True:
        page = await session.browse(parent, cursor)
        found += page.items
        if (cursor := page.next) is None:
            return {node.name: node for node in found}


async def test_browsing_tells_type_unit_and_rights(session: Session) -> None:
    top = await by_name(session)
    assert top["Line1"].kind == "folder"
    assert top["Line1"].has_children
    line = await by_name(session, top["Line1"].address)
    assert line["Temperature"].address == HERE + "Temperature"
    assert (line["Temperature"].type, line["Temperature"].unit, line["Temperature"].writable) == (
        "number",
        "Cel",
        False,
    )
    assert (line["Count"].type, line["Count"].writable) == ("integer", True)
    assert (line["Running"].type, line["Running"].value) == ("boolean", True)
    assert (line["Name"].type, line["Name"].value) == ("string", "第一线")
    assert line["Add"].kind == "method"
    properties = await by_name(session, line["Temperature"].address)
    assert "EngineeringUnits" in properties
    elements = await by_name(session, line["Temperatures"].address)
    assert [node.value for node in elements.values()] == [1.5, 2.5, 3.5, 4.5]
    assert elements["[2]"].address == f"index=2;{HERE}Temperatures"
    assert elements["[2]"].type == "number"
    assert (await session.browse(elements["[2]"].address)).items == []


async def test_many_children_come_in_pages(session: Session) -> None:
    folder = (await by_name(session))["Tags"].address
    first = await session.browse(folder)
    assert first.next is not None
    assert 0 < len(first.items) < 300
    tags = await by_name(session, folder)
    assert set(tags) == {f"Tag{number}" for number in range(300)}
    await session.browse(folder, first.next)
    with pytest.raises(Exception, match="not kept any more"):
        await session.browse(folder, first.next)


async def test_browsing_what_is_not_there(session: Session) -> None:
    with pytest.raises(Invalid) as caught:
        await session.browse(HERE + "Nowhere")
    assert caught.value.code == "connectors.opcua_node_unknown"
    with pytest.raises(Invalid):
        await session.browse("nsu=urn:nobody;s=Nowhere")


async def test_values_of_every_kind_are_read(session: Session) -> None:
    wanted = {
        "Temperature": 20.5, "Level": 0.5, "Big": 1 << 40, "Started": "2026-03-01T06:30:00Z", "Label": "oven",
        "Raw": "AQI=", "Temperatures": "[1.5,2.5,3.5,4.5]",
    }  # fmt: skip
    found = await session.read([HERE + name for name in wanted])
    assert [sample.point_id for sample in found] == [HERE + name for name in wanted]
    assert [sample.value for sample in found] == list(wanted.values())
    assert {sample.quality for sample in found} == {GOOD}
    assert found[0].time_ms is not None
    assert abs(time.time() * 1000 - 3_600_000 - found[0].time_ms) < 3_000_000, "the source's own time, an hour ago"


async def test_quality_comes_from_the_status_code(session: Session) -> None:
    doubtful, broken, endless, nothing, foreign, element, outside = await session.read(
        [
            HERE + "Doubtful", HERE + "Broken", HERE + "Endless", HERE + "Nothing", "nsu=urn:nobody;s=X",
            f"index=1;{HERE}Temperatures", f"index=9;{HERE}Temperatures",
        ]
    )  # fmt: skip
    assert (doubtful.value, doubtful.quality, doubtful.note) == (1.0, UNCERTAIN, "UncertainLastUsableValue")
    assert (broken.value, broken.quality, broken.note) == (None, BAD, "BadSensorFailure")
    assert (endless.value, endless.quality, endless.note) == (None, BAD, "the value is inf")
    assert (nothing.value, nothing.quality, nothing.note) == (None, BAD, "BadNodeIdUnknown")
    assert (foreign.value, foreign.quality) == (None, BAD)
    assert "urn:nobody" in foreign.note
    assert (element.value, element.quality) == (2.5, GOOD)
    assert (outside.value, outside.quality) == (None, BAD)


async def test_following_delivers_each_once_and_then_changes(session: Session, plant: RunningServer) -> None:
    taken = Taken()
    points = [point("Setpoint"), point("Nothing"), point("Broken", 200), point("Running", 1000)]
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: {sample.point_id for sample in taken.samples} == {one.id for one in points}, running)
    plant.do("set", name="Setpoint", value=61.5)
    await taken.until(lambda: 61.5 in taken.values("Setpoint"), running)
    plant.do("set", name="Setpoint", value=50.0, status=0x40930000)
    await taken.until(lambda: len(taken.of("Setpoint")) == 3, running)
    assert (taken.of("Setpoint")[2].quality, taken.of("Setpoint")[2].note) == (UNCERTAIN, "UncertainSensorNotAccurate")
    plant.do("set", name="Setpoint", value=50.0)
    assert taken.of("Nothing")[0].note == "BadNodeIdUnknown"
    assert len(taken.of("Nothing")) == 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_session_can_follow_again(session: Session, plant: RunningServer) -> None:
    for name in ("Setpoint", "Level"):
        taken = Taken()
        running = asyncio.create_task(session.run([point(name)], taken))
        await taken.until(lambda name=name, taken=taken: taken.of(name), running)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_bursts_between_two_publications_are_not_lost(session: Session, plant: RunningServer) -> None:
    taken = Taken()
    running = asyncio.create_task(session.run([point("Count", 500)], taken))
    await taken.until(lambda: taken.of("Count"), running)
    for number in range(100, 160):
        plant.do("set", name="Count", value=number)
    await taken.until(lambda: 159 in taken.values("Count"), running)
    assert taken.values("Count")[1:] == list(range(100, 160))
    times = [sample.time_ms for sample in taken.of("Count")[1:]]
    assert times == sorted(times)  # type: ignore[type-var]
    plant.do("set", name="Count", value=7)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_deadbands_are_kept_by_the_server_or_here(session: Session, plant: RunningServer) -> None:
    taken = Taken()
    element = Point(id="element", address=f"index=0;{HERE}Temperatures", interval_ms=50, deadband=1.0)
    text = point("Name", deadband=5.0)
    running = asyncio.create_task(session.run([point("Setpoint", 50, 2.0), element, text], taken))
    await taken.until(lambda: len({sample.point_id for sample in taken.samples}) == 3, running)
    for value in (50.5, 51.0, 60.0):
        plant.do("set", name="Setpoint", value=value)
    for first in (1.6, 1.7, 9.0):
        plant.do("set", name="Temperatures", value=[first, 2.5, 3.5, 4.5])
    plant.do("set", name="Name", value="第二线")
    await taken.until(
        lambda: (
            60.0 in taken.values("Setpoint") and 9.0 in taken.values("element") and "第二线" in taken.values("Name")
        ),
        running,
    )
    assert taken.values("Setpoint") == [50.0, 60.0]
    assert taken.values("element") == [1.5, 9.0]
    plant.do("set", name="Setpoint", value=50.0)
    plant.do("set", name="Temperatures", value=[1.5, 2.5, 3.5, 4.5])
    plant.do("set", name="Name", value="第一线")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_appears_later_is_found_and_what_vanishes_is_bad(
    session: Session, plant: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millwright.devices.connectors.opcua.follower.RETRY_S", 0.3)
    taken = Taken()
    running = asyncio.create_task(session.run([point("Later")], taken))
    await taken.until(lambda: taken.of("Later"), running)
    assert taken.of("Later")[0].quality == BAD
    plant.do("add", name="Later", value=3.5)
    await taken.until(lambda: 3.5 in taken.values("Later"), running)
    plant.do("remove", name="Later")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_nothing_is_lost_while_nobody_takes(session: Session, plant: RunningServer) -> None:
    taken = Taken()
    running = asyncio.create_task(session.run([point("Count", 20)], taken))
    await taken.until(lambda: taken.of("Count"), running)
    taken.open.clear()
    for number in range(200, 260):
        plant.do("set", name="Count", value=number)
        await asyncio.sleep(0.01)
    taken.open.set()
    await taken.until(lambda: 259 in taken.values("Count"), running)
    assert taken.values("Count")[1:] == list(range(200, 260))
    plant.do("set", name="Count", value=7)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_writing_takes_the_type_of_the_node(session: Session, plant: RunningServer) -> None:
    new = {
        "Count": 65_535,
        "Setpoint": 3,
        "Running": False,
        "Name": "二",
        "Started": "2026-05-01T00:00:00Z",
        "Raw": "AwQ=",
    }
    for name, value in new.items():
        (old,) = await session.read([HERE + name])
        await session.write(HERE + name, value)
        (now,) = await session.read([HERE + name])
        assert now.value == value, name
        await session.write(HERE + name, old.value)


@pytest.mark.parametrize(
    ("name", "value", "error", "code"),
    [
        ("Count", 65_536, Invalid, "connectors.opcua_value"),
        ("Count", -1, Invalid, "connectors.opcua_value"),
        ("Count", 1.5, Invalid, "connectors.opcua_value"),
        ("Count", "many", Invalid, "connectors.opcua_value"),
        ("Setpoint", "warm", Invalid, "connectors.opcua_value"),
        ("Setpoint", None, Invalid, "connectors.opcua_value"),
        ("Running", 2, Invalid, "connectors.opcua_value"),
        ("Started", "yesterday", Invalid, "connectors.opcua_value"),
        ("Temperatures", 1.0, Invalid, "connectors.opcua_value"),
        ("Temperature", 1.0, Denied, "connectors.opcua_refused"),
        ("Nothing", 1.0, Invalid, "connectors.opcua_node_unknown"),
    ],
)
async def test_writing_what_does_not_fit(
    session: Session, name: str, value: object, error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as caught:
        await session.write(HERE + name, value)  # type: ignore[arg-type]
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert caught.value.hint  # type: ignore[attr-defined]


async def test_an_element_is_not_written_where_ranges_are_ignored(session: Session) -> None:
    """asyncua's server takes no notice of index ranges: it would put one element in the place of the whole array."""
    with pytest.raises(Exception, match="ignores index ranges"):
        await session.write(f"index=1;{HERE}Temperatures", 9.5)
    (now,) = await session.read([HERE + "Temperatures"])
    assert now.value == "[1.5,2.5,3.5,4.5]"


async def test_calling_a_method(session: Session) -> None:
    assert await session.call(HERE + "Add", {"a": 1.5, "b": 2}) == {"sum": 3.5}
    for inputs in ({"a": 1.5}, {"a": 1.5, "b": 2, "c": 3}, {"a": 1.5, "b": 40_000}, {"a": "x", "b": 1}):
        with pytest.raises(Invalid):
            await session.call(HERE + "Add", inputs)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as caught:
        await session.call(HERE + "Count", {})
    assert caught.value.code == "connectors.opcua_no_method"


async def test_history_is_read_in_order_and_within_its_bounds(session: Session, plant: RunningServer) -> None:
    plant.do("count", interval_s=0.005)

    async def enough() -> bool:
        (now,) = await session.read([HERE + "Counter"])
        return isinstance(now.value, int) and now.value > 60

    await until(enough)
    last = plant.do("halt")
    now_ms = int(time.time() * 1000) + 1000
    found = await session.history(HERE + "Counter", now_ms - 600_000, now_ms)
    values = [sample.value for sample in found if sample.value]
    assert 60 <= len(values) <= last, "the last ones may be on their way into the server's history"
    assert values == list(range(1, len(values) + 1))
    assert found[10].time_ms is not None
    assert found[20].time_ms is not None
    part = await session.history(HERE + "Counter", found[10].time_ms, found[20].time_ms)
    assert {sample.value for sample in part} >= {found[11].value, found[19].value}
    assert all(found[10].time_ms <= (sample.time_ms or 0) < found[20].time_ms for sample in part)
    assert len(await session.history(HERE + "Counter", now_ms - 600_000, now_ms, limit=5)) == 5
    assert await session.history(HERE + "Counter", now_ms, now_ms) == []


async def test_identity(session: Session) -> None:
    identity = await session.identify()
    assert (identity.vendor, identity.product, identity.version) == ("Example Works", "Press 4000", "1.2 (77)")
    assert "state Running" in identity.note
    assert identity.fingerprint == (await session.identify()).fingerprint


async def test_closing_leaves_nothing_at_the_server(plant: RunningServer, connector: OpcUaConnector) -> None:
    before = plant.do("subscriptions")
    session = await connector.open(OpcUaSettings(url=plant.url))
    taken = Taken()
    running = asyncio.create_task(session.run([point("Count"), point("Level", 500)], taken))
    await taken.until(lambda: len(taken.samples) == 2, running)
    assert plant.do("subscriptions") == before + 2
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await session.close()
    await session.close()
    assert plant.do("subscriptions") == before
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(Exception, match="closed"):
        await session.read([HERE + "Count"])
