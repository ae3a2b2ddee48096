"""The host against peers that die, hang, lie and come back, on a real broker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from millwright.devices import DeviceChange
from millwright.devices.connectors import Catalogue, Connectors, ConnectorsSettings
from millwright.devices.connectors.contract import BAD, Sample
from millwright.devices.connectors.model import (
    BrowseRequest,
    ConnectionChange,
    Draft,
    NewConnection,
    NewThing,
    ReadRequest,
    Tag,
)
from millwright.devices.connectors.rpc import HostClient
from millwright.devices.connectors.tables import connections
from millwright.devices.connectors.taking import Taking
from millwright.devices.connectors.things import Scopes
from millwright.kernel import ROOT, Conflict, Denied, Invalid, NotFound, SystemClock, Unavailable, Unsupported
from millwright.kernel.scope import EVERYTHING, Scope, within
from support.connectors import Peer, peers
from support.field import FieldHost
from support.intake import stored_runs
from support.mqtt import until
from support.nats import RunningNats


async def values(nats: RunningNats, device_id: str, name: str) -> list[Any]:
    """What of a property is in INTAKE, in order."""
    return [
        entry["values"][name]
        for run in await stored_runs(nats.url)
        if run.device_id == device_id
        for entry in map(json.loads, run.payloads)
        if name in entry["values"]
    ]


async def test_values_take_the_durable_way_and_presence_follows_them(
    field: FieldHost, nats: RunningNats, peer: Peer
) -> None:
    connection = await field.connect()
    device_id = await field.feed(connection, t="tag-1", p="tag-2")
    await until(lambda: sorted(peer.points) == ["tag-1", "tag-2"])
    peer.samples.put_nowait([Sample("tag-1", 20.5, 1_700_000_000_000), Sample("tag-2", 7)])
    await until(lambda: field.presence.get(device_id) is True)
    peer.samples.put_nowait([Sample("tag-1", None, None, BAD), Sample("tag-2", None, None, BAD)])
    await until(lambda: field.presence.get(device_id) is False)
    await until(lambda: not field.delivery.outbox.waiting_bytes)
    assert await values(nats, device_id, "t") == [20.5, None]
    health = field.health(connection)
    assert (health.points, health.points_good, health.points_bad, health.samples) == (2, 0, 2, 4)
    live = {each.point_id: each for each in await field.connectors.live(connection.id)}
    assert all(each.quality == BAD for each in live.values())


async def test_a_lost_peer_is_connected_again_and_said_once(
    field: FieldHost, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    connection = await field.connect()
    await field.feed(connection, t="tag-1")
    await field.until_state(connection, "running")
    peer.alive = False
    peer.lost.set()
    await field.until_state(connection, "lost")
    await until(
        lambda: (field.health(connection).error or Draft()) and field.health(connection).error.code == "test.nobody"
    )  # type: ignore[union-attr]
    await asyncio.sleep(0.5)
    peer.lost.clear()
    peer.alive = True
    await field.until_state(connection, "running")
    peer.samples.put_nowait([Sample("tag-1", 1.0)])
    await until(lambda: field.health(connection).error is None)
    said = [record.message for record in caplog.records if record.name.endswith("connectors.runner")]
    assert len([line for line in said if line.startswith("plc: ")]) == 1, said
    assert said.count("plc is back") == 1
    assert field.health(connection).reconnects == 1
    assert field.health(connection).error is None


async def test_another_connection_is_not_disturbed_by_changes(field: FieldHost, peer: Peer) -> None:
    one, other = await field.connect("one"), await field.connect("other", settings={"peer": "b"})
    await field.feed(one, "x", t="tag-1")
    await field.feed(other, "y", t="tag-1")
    await field.until_state(one, "running")
    await field.until_state(other, "running")
    await field.feed(one, "x", u="tag-2")
    await until(lambda: peer.points == ["tag-1", "tag-2"])
    assert peer.opened == 1, "other points need no new session"
    await field.connectors.change(one.id, ConnectionChange(name="uno"))
    await field.connectors.change(one.id, ConnectionChange(settings={"timeout_s": 0.3}))
    await until(lambda: peer.opened == 2)
    await field.connectors.change(one.id, ConnectionChange(enabled=False))
    await until(lambda: field.health(one).state == "stopped")
    await field.connectors.delete(one.id)
    assert peers["b"].opened == 1
    assert field.health(other).state == "running"


async def test_a_device_that_is_disabled_or_removed_is_fed_no_more(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    device_id = await field.feed(connection, "press", t="tag-1")
    await field.feed(connection, "pump", t="tag-2")
    await until(lambda: peer.points == ["tag-1", "tag-2"])
    await field.devices.registry.change(device_id, DeviceChange(disabled=True))
    await until(lambda: peer.points == ["tag-2"])
    await field.devices.registry.change(device_id, DeviceChange(disabled=False))
    await until(lambda: peer.points == ["tag-1", "tag-2"])
    await field.devices.registry.delete(device_id)
    await until(lambda: peer.points == ["tag-2"])
    assert (await field.connectors.get(connection.id)).points == 1
    assert peer.opened == 1


async def test_a_session_that_hangs_is_ended_and_opened_again(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    await field.feed(connection, t="tag-1")
    peer.hangs = True
    await until(lambda: field.health(connection).state == "lost" or peer.opened > 1, 20)
    peer.hangs = False
    await until(lambda: peer.opened > 1 and field.health(connection).state == "running", 20)
    assert not field.health(connection).problems


async def test_a_session_that_will_not_end_is_abandoned_and_said(field: FieldHost, peer: Peer) -> None:
    connection, other = await field.connect(), await field.connect("other", settings={"peer": "b"})
    await field.feed(connection, t="tag-1")
    device_id = await field.feed(other, "pump", t="tag-1")
    peer.hangs = peer.stubborn = True
    await until(lambda: any(each.code == "connectors.abandoned" for each in field.health(connection).problems), 20)
    peers["b"].samples.put_nowait([Sample("tag-1", 1.0)])
    await until(lambda: field.presence.get(device_id) is True, 20)
    peer.stubborn = peer.hangs = False
    await until(lambda: not field.health(connection).problems, 20)


async def test_what_a_connector_raises_by_mistake_ends_nothing(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    await field.feed(connection, t="tag-1")
    await field.until_state(connection, "running")
    peer.raises = ZeroDivisionError("of the connector")
    peer.samples.put_nowait([])
    await until(lambda: getattr(field.health(connection).error, "code", "") == "connectors.failed")
    peer.raises = None
    await field.until_state(connection, "running")


async def test_a_broker_that_goes_away_costs_no_value_and_slows_the_source(
    field: FieldHost, nats: RunningNats, peer: Peer
) -> None:
    connection = await field.connect()
    device_id = await field.feed(connection, t="tag-1")
    await field.until_state(connection, "running")
    sent = 0
    for _ in range(3):
        sent += 1
        peer.samples.put_nowait([Sample("tag-1", sent, 1_700_000_000_000 + sent)])
    await until(lambda: field.delivery.outbox.frames > 0)
    await nats.kill()
    text = "x" * 500
    for _ in range(6_000):  # three times what the buffer holds
        sent += 1
        peer.samples.put_nowait([Sample("tag-1", f"{sent} {text}", 1_700_000_000_000 + sent)])
    await until(lambda: field.delivery.outbox.paused)
    await asyncio.sleep(1.5)
    assert peer.samples.qsize() > 1_000, "a full buffer holds the source back"
    assert field.health(connection).state == "running", "waiting for room is no silence"
    assert field.host.stats()["problems"], "it says that values wait"
    await nats.start()
    await until(lambda: peer.samples.empty() and not field.delivery.outbox.waiting_bytes, 60)
    found = await values(nats, device_id, "t")
    assert [int(str(each).split()[0]) for each in found] == list(range(1, sent + 1))


async def test_another_program_must_be_acknowledged_by_a_person(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    await field.feed(connection, t="tag-1")
    await field.until_state(connection, "running")
    await until(lambda: _known(field, connection.id) == "p1")
    peer.fingerprint = "p2"
    peer.lost.set()
    await field.until_state(connection, "lost")
    peer.lost.clear()
    await until(lambda: any(each.code == "connectors.program_changed" for each in field.health(connection).problems))
    assert (await field.connectors.get(connection.id)).program_changed
    await field.connectors.acknowledge(connection.id)
    await until(lambda: not field.health(connection).problems)
    assert not (await field.connectors.get(connection.id)).program_changed


def _known(field: FieldHost, connection_id: str) -> Any:
    with field.records.read() as connection:
        return connection.scalar(connections.select().with_only_columns(connections.c.program_now))


async def test_a_process_that_grows_ends_itself_once_and_says_why(field: FieldHost) -> None:
    field.sizes.append(10_000.0)
    field.host._watch_size()
    field.host._watch_size()
    assert field.restarts == [1]
    (problem,) = field.host.stats()["problems"]
    assert "memory_mb" in problem["message"]


async def test_secrets_are_sealed_and_kept_when_left_out(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect(settings={"password": "hush-hush"})
    assert connection.settings == {}
    assert connection.secrets == ["password"]
    with field.records.read() as reading:
        row = reading.execute(connections.select()).one()
    assert "hush" not in repr(row)
    await until(lambda: peer.passwords == ["hush-hush"])
    await field.connectors.change(connection.id, ConnectionChange(settings={"timeout_s": 0.5}))
    await until(lambda: peer.passwords == ["hush-hush", "hush-hush"])
    tested = await field.connectors.test(Draft(connection_id=connection.id, settings={"timeout_s": 0.4}))
    assert tested.identity.product == "peer"
    assert peer.passwords[-1] == "hush-hush"
    removed = await field.connectors.change(connection.id, ConnectionChange(settings={"password": None}))
    assert removed.secrets == ()
    await until(lambda: peer.passwords[-1] == "")


async def test_secrets_given_for_one_peer_are_not_sent_to_another(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect(settings={"password": "hush-hush"})
    await until(lambda: peer.passwords == ["hush-hush"])
    elsewhere = {"peer": "evil"}
    for attempt in (
        field.connectors.test(Draft(connection_id=connection.id, settings=elsewhere)),
        field.connectors.read(ReadRequest(connection_id=connection.id, settings=elsewhere, addresses=["a"])),
        field.connectors.change(connection.id, ConnectionChange(settings=elsewhere)),
    ):
        with pytest.raises(Invalid) as refused:
            await attempt
        assert (refused.value.code, refused.value.detail["secrets"]) == ("connectors.secrets_needed", ["password"])
    assert peer.passwords == ["hush-hush"]
    await field.connectors.change(connection.id, ConnectionChange(settings={"peer": "a", "timeout_s": 0.3}))
    await until(lambda: peer.passwords == ["hush-hush"] * 2)


async def test_what_an_enterprise_may_reach_is_the_operators_to_say(field: FieldHost) -> None:
    own = field.connectors
    closed = Connectors(
        own._store, own._vault, Catalogue(), own._devices, own._host, field.bus, SystemClock(), ConnectorsSettings()
    )
    opened = Connectors(
        own._store, own._vault, Catalogue(), own._devices, own._host, field.bus, SystemClock(),
        ConnectorsSettings(enterprises=True), keep_out=Path("/srv/node"),
    )  # fmt: skip
    tcp, serial = {"host": "127.0.0.1"}, {"transport": "rtu", "serial_port": "/dev/ttyS0"}

    async def refusal(service: Connectors, kind: str, settings: dict[str, Any]) -> str | None:
        try:
            await service.create(NewConnection(name=f"{kind} {settings}", kind=kind, settings=settings, enabled=False))
        except Denied as error:
            return error.code
        return None

    with within(Scope(frozenset({"org_works"}), home="org_works")):
        assert await refusal(closed, "modbus", tcp) == "connectors.enterprises_closed"
        assert await refusal(opened, "modbus", serial) == "connectors.node_only"
        with pytest.raises(Denied, match="only the organisation"):
            await closed.discover("opcua", 1.0)
    with within(Scope(frozenset({ROOT}), home=ROOT)):
        assert await refusal(closed, "modbus", tcp) is None
        assert await refusal(closed, "modbus", serial) is None
        for url in ("sqlite:////srv/node/records.db", "sqlite:////srv/x/../node/records.db"):
            assert await refusal(opened, "sql_poll", {"url": url, "query": "SELECT 1"}) == "connectors.node_data"
        assert (
            await refusal(opened, "file_drop", {"folder": "/srv/node/x", "time_column": "t"}) == "connectors.node_data"
        )
        assert await refusal(opened, "file_drop", {"folder": "/srv/other", "time_column": "t"}) is None


async def test_questions_find_a_session_or_say_why_not(field: FieldHost, peer: Peer) -> None:
    found = await field.connectors.read(ReadRequest(kind="scripted", settings={}, addresses=["tag-1", "tag-2"]))
    assert [each.address for each in found] == ["tag-1", "tag-2"]
    with pytest.raises(Unsupported):
        await field.connectors.browse(BrowseRequest(kind="scripted"))
    assert peer.opened == 1, "the session is kept for the next question"
    peer.alive = False
    with pytest.raises(Unavailable, match="nobody there"):
        await field.connectors.test(Draft(kind="scripted", settings={"timeout_s": 1.0}))
    with pytest.raises(Invalid, match="Name a connection"):
        await field.connectors.test(Draft())
    page = await field.connectors.browse(BrowseRequest(kind="simulator", settings={"tags": 150}, parent="sine"))
    assert (len(page.items), page.next) == (100, "101")


async def test_what_was_opened_to_look_around_makes_way_for_the_connection(field: FieldHost, peer: Peer) -> None:
    await field.connectors.read(ReadRequest(kind="scripted", settings={"peer": "a"}, addresses=["tag-1"]))
    await field.connectors.read(ReadRequest(kind="scripted", settings={"peer": "b"}, addresses=["tag-1"]))
    assert (peer.opened, peer.closed) == (1, 0), "it is kept for the next question"
    connection = await field.connect()  # the same settings, by their defaults
    await field.until_state(connection, "running")
    assert (peer.opened, peer.closed) == (2, 1), "a machine that serves one client is free for it"
    assert peers["b"].closed == 0


async def test_commands_find_their_point_and_write_raw_values(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    device_id = await field.feed(connection, t="tag-1")
    (point,) = (await field.connectors.points(connection.id, None, 10)).items
    await field.connectors.change_point(connection.id, point.id, _change(scale=0.1, offset=5.0))
    await field.until_state(connection, "running")
    found = await field.route.find(device_id, "t")
    assert found == (connection.id, "tag-1", True)
    written = await field.route.write(connection.id, "tag-1", 25.0, 5.0)
    assert peer.written == [("tag-1", 200.0)]
    assert written.accepted
    assert isinstance(written.read_back, float)
    called = await field.route.call(connection.id, "reset", {"to": 1}, 5.0)
    assert (called.accepted, called.outputs) == (True, {"of": "reset", "to": 1})
    await field.connectors.change_point(connection.id, point.id, _change(writable=False))
    with pytest.raises(Unsupported, match="not be written"):
        await field.route.write(connection.id, "tag-1", 1.0, 5.0)
    assert await field.route.find(device_id, "other") is None


async def test_points_at_one_address_with_different_scales_are_not_written(field: FieldHost, peer: Peer) -> None:
    connection = await field.connect()
    await field.feed(connection, raw="tag-1", percent="tag-1")
    by_name = {each.property: each for each in (await field.connectors.points(connection.id, None, 10)).items}
    await field.until_state(connection, "running")
    peer.says_nothing = True
    written = await field.route.write(connection.id, "tag-1", 40.0, 5.0)
    assert (written.accepted, written.read_back) == (True, None), "what answers nothing was written all the same"
    await field.connectors.change_point(connection.id, by_name["percent"].id, _change(scale=0.0025))
    with pytest.raises(Conflict) as refused:
        await field.route.write(connection.id, "tag-1", 50.0, 5.0)
    assert refused.value.code == "connectors.scale_ambiguous"
    await field.connectors.change_point(connection.id, by_name["raw"].id, _change(writable=False))
    await field.route.write(connection.id, "tag-1", 50.0, 5.0)
    assert peer.written == [("tag-1", 40.0), ("tag-1", 20_000.0)]


async def test_a_device_that_changed_is_not_forgotten_when_the_records_cannot_be_read(
    field: FieldHost, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await field.connect()
    device_id = await field.feed(connection, t="tag-1")
    await until(lambda: peer.points == ["tag-1"])
    reads, feeds = [0], field.host._store.feeds

    def fail_at_first(connection_id: str) -> Any:
        reads[0] += 1
        if reads[0] == 1:
            raise Unavailable("The records are away.", code="test.away")
        return feeds(connection_id)

    monkeypatch.setattr(field.host._store, "feeds", fail_at_first)
    field.host.device_changed(device_id)
    await until(lambda: reads[0] == 2, timeout_s=20)


def _change(**values: Any) -> Any:
    from millwright.devices.connectors.model import PointChange

    return PointChange(**values)


async def test_a_property_has_one_source_and_a_failed_mapping_leaves_nothing(field: FieldHost) -> None:
    connection = await field.connect(enabled=False)
    await field.feed(connection, t="tag-1")
    with pytest.raises(Conflict, match="feeds t already"):
        await field.feed(connection, t="tag-9")
    with pytest.raises(Invalid):
        await field.feed(connection, u="no address")
    scopes = Scopes(EVERYTHING, EVERYTHING)
    tags = [Tag(address="tag-1", unit="Cel"), Tag(address="tag-2", unit="°C", type="number")]
    wanted = NewThing(tags=tags, device_name="mixer", model_name="Mixer")
    made = await field.things.make(connection.id, wanted, scopes)
    model = await field.devices.models.get(made.model_id or "")
    assert [(each.name, each.unit) for each in model.properties] == [("tag-1", "Cel"), ("tag-2", None)]
    bad = NewThing(tags=[Tag(address="no address")], device_name="other", model_name="Other")
    with pytest.raises(Invalid):
        await field.things.make(connection.id, bad, scopes)
    assert await field.devices.registry.find_by_name("other") is None
    assert [each.name for each in await field.devices.models.list()] == ["Mixer"]


async def test_many_points_come_and_go_as_a_file(field: FieldHost) -> None:
    connection = await field.connect(enabled=False)
    await field.feed(connection, "press", t="tag-1")
    rows = "address,device,property\ntag-2,press,u\ntag-3,press,t\ntag-4,ghost,x\nno address,press,y\ntag-5,press,u\n"
    tried = await field.connectors.import_points(connection.id, rows.encode(), dry_run=True)
    assert (await field.connectors.get(connection.id)).points == 1
    report = await field.connectors.import_points(connection.id, rows.encode())
    assert report.created == 1
    assert [(each.row, each.code) for each in report.refused] == [
        (2, "connectors.property_taken"),
        (3, "devices.device_unknown"),
        (4, "test.address"),
        (5, "connectors.property_taken"),
    ]
    assert tried.created >= report.created
    text = "".join([part async for part in field.connectors.export_points(connection.id)])
    assert text.splitlines()[1:] == ["tag-1,press,t,1000,0,,,true", "tag-2,press,u,1000,0,,,false"]
    assert await field.connectors.remove_points(connection.id, None) == 2
    with pytest.raises(NotFound):
        await field.connectors.points("con_none", None, 10)


async def test_a_document_handed_over_twice_is_taken_once(field: FieldHost, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bytes] = []

    async def take(_runner: Any, asked: Any) -> int:
        taken.append(asked.body)
        return len(taken)

    monkeypatch.setattr(field.host, "_receive", take)
    client = HostClient(field.bus, "test", patience_s=1.0)
    assert [await client.receive("con_1", b"a", "", 5.0, "id-1") for _ in range(2)] == [1, 1]
    assert [await client.receive("con_1", b"b", "", 5.0) for _ in range(2)] == [2, 3], "who names none sends another"
    assert taken == [b"a", b"b", b"b"]


async def test_a_document_whose_host_died_before_it_answered_is_stored_once(
    field: FieldHost, nats: RunningNats, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Durable, and nobody heard so: it is handed over again to a host that knows nothing of it."""
    connection = await field.connect()
    one, two = [await field.feed(connection, name, t=name) for name in ("press", "mill")]
    await field.until_state(connection, "running")
    await until(lambda: len(field.host._runners[connection.id].mapper._feeds) == 2)
    runner = field.host._runners[connection.id]
    points = [each.id for each in (await field.connectors.points(connection.id, None, 10)).items]

    async def receive(content: bytes, _content_type: str) -> int:
        await asyncio.sleep(0)
        await runner._deliver([Sample(point, content.decode(), None) for point in points])
        return len(points)

    monkeypatch.setattr(runner.session, "receive", receive)
    client = HostClient(field.bus, "test", patience_s=1.0)

    async def stored() -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {one: [], two: []}
        for run in await stored_runs(nats.url):
            for entry in map(json.loads, run.payloads):
                if run.device_id in found and isinstance(entry["values"].get("t"), str):
                    found[run.device_id].append((entry["values"]["t"], run.received_ms))
        return found

    first_ms = 1_800_000_000_000
    for name in ("id-1", "id-1", "id-2"):  # another one that says the same is another one
        monkeypatch.setattr(field.host, "_taking", Taking())
        assert await client.receive(connection.id, b"a", "", 5.0, name, first_ms) == 2
    expected = [("a", first_ms)] * 2
    assert await stored() == {one: expected, two: expected}
    large = b"x" * 300_000  # more than a frame takes
    for _ in range(2):
        monkeypatch.setattr(field.host, "_taking", Taking())
        await client.receive(connection.id, large, "", 5.0, "id-3", first_ms)
    assert [len(each) for each in (await stored()).values()] == [3, 3]
