"""Connections in the desired state: from a parent's records on SQLite and PostgreSQL to an edge's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices import DeviceStore, NewDevice
from millwright.devices.connectors import Catalogue, ConnectionStore
from millwright.devices.connectors.contract import NodePage
from millwright.devices.connectors.model import LiveValue
from millwright.devices.connectors.rpc import Ask
from millwright.devices.connectors.tables import connections, points
from millwright.devices.edge import EdgeStore
from millwright.devices.edge.desired import DesiredApplier, DesiredBuilder
from millwright.devices.edge.down.connections import ConnectionApplier, ConnectionRow
from millwright.devices.edge.down.field import FieldDesk
from millwright.devices.edge.down.policy import EdgePolicy
from millwright.devices.edge.down.wire import FieldQuestion
from millwright.devices.edge.settings import EdgeSettings
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Denied, NotFound
from millwright.kernel.scope import EVERYTHING
from support.sqlite import migrated

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


def new(connection_id: str, name: str, edge_id: str | None, **more: Any) -> dict[str, Any]:
    values = {
        "id": connection_id,
        "name": name,
        "kind": "simulator",
        "settings": {},
        "secrets": None,
        "enabled": True,
        "place_id": None,
        "created_ms": 1,
        "edge_id": edge_id,
    }
    return values | more


def point(point_id: str, connection_id: str, device_id: str, name: str) -> dict[str, Any]:
    return {
        "id": point_id,
        "connection_id": connection_id,
        "address": "sine/1",
        "device_id": device_id,
        "property": name,
        "interval_ms": 100,
        "deadband": 0.0,
        "scale": 2.0,
        "offset": None,
        "writable": True,
    }


def parent_of(records: Records) -> tuple[Records, ConnectionStore]:
    everything = records.scoped(EVERYTHING)
    for number in (1, 2):
        EdgeStore(everything).insert(f"edge_{number}", f"cabin {number}", None, bytes([number]) * 32, 10, 1)
    registry = DeviceStore(everything)
    registry.insert("dev_1", NewDevice(name="press", edge_id="edge_1"), 1)
    registry.insert("dev_2", NewDevice(name="pump"), 1)
    return everything, ConnectionStore(everything)


async def test_each_connection_comes_down_or_is_refused_by_itself(records: Records, tmp_path: Path) -> None:
    everything, store = parent_of(records)
    store.insert(new("con_1", "line", "edge_1", edge_secrets={"token": "box 1"}))
    store.insert(new("con_2", "forbidden", "edge_1"))
    store.insert(new("con_3", "elsewhere", "edge_2"))
    store.insert(new("con_4", "taken", "edge_1"))
    store.insert(new("con_5", "here", None))
    store.add_points("con_1", [point("pnt_1", "con_1", "dev_1", "speed")])
    builder = DesiredBuilder(everything)
    edge = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    own = ConnectionStore(edge, "edge_1")
    own.insert(new("con_own", "Taken", None))
    sealed: list[str] = []

    def judge(row: ConnectionRow) -> None:
        if row.name == "forbidden":
            raise Denied("Not here.", code="connectors.edge_policy", hint="Elsewhere.")

    def seal(row: ConnectionRow) -> str | None:
        sealed.append(row.id)
        return f"sealed {row.secrets['token']}" if row.secrets else None

    connection = ConnectionApplier(edge, "edge_1", judge, seal)
    applier = DesiredApplier(edge, "edge_1", connection)
    try:
        await applier.apply(await builder.of("edge_1"))
        assert {each.id for each in own.enabled()} == {"con_1", "con_own"}
        assert [each.secrets for each in own.enabled() if each.id == "con_1"] == ["sealed box 1"]
        feed = own.feeds("con_1")[0]
        assert (feed.device_id, feed.property, feed.scale) == ("dev_1", "speed", 2.0)
        said = next(each for each in applier.sections if each.name == "connections")
        assert (said.desired, said.in_force) == (3, 1)
        assert {each.what: each.code for each in said.refused} == {
            "forbidden": "connectors.edge_policy",
            "taken": "devices.edge_connection_clash",
        }
        # What did not change is not touched: a session that runs is not disturbed, nothing is sealed anew.
        before, sealed[:] = own.revision(), []
        await applier.apply(await builder.of("edge_1"))
        assert "con_1" not in sealed
        assert own.revision() == before
        store.update("con_1", {"edge_secrets": {"token": "box 2"}, "name": "line 1"}, None)
        await applier.apply(await builder.of("edge_1"))
        assert sealed.count("con_1") == 1
        row = next(each for each in own.enabled() if each.id == "con_1")
        assert (row.name, row.secrets) == ("line 1", "sealed box 2")
        store.remove_points("con_1", None)
        store.delete("con_1", None)
        await applier.apply(await builder.of("edge_1"))
        assert {each.id for each in own.enabled()} == {"con_own"}
        with edge.read() as found:
            assert found.execute(sa.select(points.c.id)).all() == []
    finally:
        edge.close()
    assert {each.id for each in store.enabled()} == {"con_5"}, "the parent runs its own alone"


def test_a_connection_at_an_edge_feeds_devices_that_are_there(records: Records) -> None:
    everything, store = parent_of(records)
    store.insert(new("con_1", "line", "edge_1"))
    with pytest.raises(Conflict) as refused:
        store.add_points("con_1", [point("pnt_1", "con_1", "dev_2", "speed")])
    assert refused.value.code == "connectors.device_elsewhere"
    store.add_points("con_1", [point("pnt_1", "con_1", "dev_1", "speed")])
    with pytest.raises(Conflict) as refused:
        store.update("con_1", {"edge_id": "edge_2"}, None)
    assert refused.value.code == "connectors.device_elsewhere"
    assert store.find_target("dev_1", "speed") is None, "a command does not go by the parent's own host"
    with pytest.raises(NotFound) as unknown:
        store.insert(new("con_2", "nowhere", "edge_9"))
    assert unknown.value.code == "devices.edge_unknown"
    with pytest.raises(Conflict) as used:
        EdgeStore(everything).delete("edge_1")
    assert used.value.detail["connections"] == 1
    store.update("con_1", {"edge_id": None}, None)
    assert store.find_target("dev_1", "speed") is not None


async def test_points_of_a_device_that_left_the_edge_go_with_it(records: Records) -> None:
    everything, store = parent_of(records)
    store.insert(new("con_1", "line", "edge_1"))
    store.add_points("con_1", [point("pnt_1", "con_1", "dev_1", "speed")])
    builder = DesiredBuilder(everything)
    before = await builder.of("edge_1")
    DeviceStore(everything).update("dev_1", {"edge_id": None}, None)
    after = await builder.of("edge_1")
    assert before.version != after.version
    with everything.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(connections)) == 1


class Host:
    """Answers whatever it is asked."""

    async def browse(self, asked: Ask) -> NodePage:
        return NodePage(items=[], next=asked.cursor)

    async def live(self, _connection_id: str) -> list[LiveValue]:
        return []


async def test_the_parent_asks_by_its_own_connections_as_far_as_the_edges_keeper_lets_it(
    records: Records, tmp_path: Path
) -> None:
    everything, _ = parent_of(records)
    store = ConnectionStore(everything, "edge_1")
    store.insert(new("con_own", "of the edge", None, kind="modbus"))
    store.insert(new("con_1", "of its parent", "edge_1", kind="modbus"))

    async def nothing_new() -> None:
        return

    def desk(reaches: Literal["nothing", "network"]) -> FieldDesk:
        settings = EdgeSettings(parent_reaches=reaches)
        policy = EdgePolicy(Catalogue(), settings, "org_1", tmp_path, enterprises=False)
        return FieldDesk(None, Host(), store, policy, "edge_1", "", nothing_new)  # type: ignore[arg-type]  # not started

    async def ask(at: FieldDesk, asked: Ask) -> bytes:
        return await at._answer(msgspec.msgpack.encode(FieldQuestion(asked, "org_1")))

    for op in ("browse", "live"):
        open_, closed = desk("network"), desk("nothing")
        await ask(open_, Ask(op=op, connection_id="con_1"))  # type: ignore[arg-type]  # one of them
        with pytest.raises(NotFound) as unknown:
            await ask(open_, Ask(op=op, connection_id="con_own"))  # type: ignore[arg-type]  # one of them
        assert unknown.value.code == "devices.connection_unknown"
        with pytest.raises(Denied) as refused:
            await ask(closed, Ask(op=op, connection_id="con_1"))  # type: ignore[arg-type]  # one of them
        assert refused.value.code == "connectors.edge_policy"
