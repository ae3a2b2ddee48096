"""A parent's commands and guards in the records of both ends, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from millwright import certificates, devices, parties
from millwright.devices import DeviceStore, NewDevice
from millwright.devices.commands import CommandStore, GuardStore
from millwright.devices.commands.composition import online_in
from millwright.devices.commands.handing import Handover
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.interlocks import DeviceOnline, NewInterlock, ValueHolds
from millwright.devices.commands.judging import Judge
from millwright.devices.commands.model import Command, Lock, Outcome
from millwright.devices.commands.routes.mqtt import MqttRoute
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.tables import command_events, commands
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.worker import CommandWorker
from millwright.devices.edge import EdgeStore
from millwright.devices.edge.desired import DesiredApplier, DesiredBuilder
from millwright.devices.edge.down.command_desk import CommandInbox
from millwright.devices.edge.down.command_way import HeardCommands
from millwright.devices.edge.down.wire import TakeCommand, Told
from millwright.devices.models.store import ModelStore
from millwright.engines.sql import Records
from millwright.kernel import Conflict, ManualClock, NotFound, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from support.bus import LocalBus
from support.sqlite import migrated

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Records]:
    made = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    yield made
    made.close()


def row(command_id: str, device_id: str = "dev_1") -> dict[str, Any]:
    return {
        "id": command_id,
        "device_id": device_id,
        "kind": "call",
        "name": "restart",
        "value": None,
        "inputs": {},
        "unit": None,
        "tolerance": None,
        "confirm": "any",
        "reason": "",
        "by_id": "usr_1",
        "by_name": "Ada",
        "asked_ms": 1,
        "expires_ms": 1000,
        "timeout_s": 5.0,
    }


def taken(command_id: str, left_s: float = 10.0, device_id: str = "dev_1") -> TakeCommand:
    fields = {key: value for key, value in row(command_id, device_id).items() if key in TakeCommand.__struct_fields__}
    return TakeCommand(**fields, left_s=left_s)


def test_a_command_is_taken_once_and_its_states_are_told_until_they_are_heard(edge: Records) -> None:
    DeviceStore(edge).insert("dev_1", NewDevice(name="press"), 1)
    inbox, store = CommandInbox(edge, 100), CommandStore(edge)
    assert inbox.take(taken("cmd_1"), 50_000)
    assert not inbox.take(taken("cmd_1"), 50_000)
    assert not inbox.take(taken("cmd_1", left_s=-5), 90_000), "it is here: that its time is over is no news"
    command = store.find("cmd_1")
    assert command is not None
    assert (command.state, command.expires_ms, command.by_name) == ("queued", 60_000, "Ada")
    with pytest.raises(Conflict) as late:
        inbox.take(taken("cmd_2", left_s=0), 50_000)
    assert late.value.code == "commands.expired"
    with pytest.raises(NotFound):
        inbox.take(taken("cmd_3", device_id="dev_2"), 50_000)
    assert [(each.id, each.state) for each in inbox.untold()] == [("cmd_1", "queued")]
    told = inbox.untold()
    done = Outcome(code="commands.answered", text="Done.")
    store.move("cmd_1", ("queued",), "confirmed", 55_000, done, outputs={"done": True})
    inbox.heard(told)
    assert [(each.id, each.state, each.at_ms) for each in inbox.untold()] == [("cmd_1", "confirmed", 55_000)]
    inbox.heard(inbox.untold())
    assert inbox.untold() == []
    # What was asked at the edge itself is not the parent's.
    store.insert(row("cmd_own"), key=None, most=100, supersede=False)
    assert inbox.untold() == []


def test_an_edge_speaks_for_what_was_handed_to_it_and_is_heard_late(records: Records) -> None:
    everything = records.scoped(EVERYTHING)
    DeviceStore(everything).insert("dev_1", NewDevice(name="press"), 1)
    store, heard = CommandStore(everything), HeardCommands(everything)
    for number in (1, 2):
        store.insert(row(f"cmd_{number}"), key=None, most=100, supersede=False)
    store.move("cmd_1", ("queued",), "sending", 2, route="edge", attempt={"edge_id": "edge_1"}, attempts=1)
    done = Told(id="cmd_1", state="confirmed", at_ms=7, outcome=Outcome(code="x", text="Done."), outputs={"done": True})
    assert heard.hear("edge_2", done, 3) is None, "another edge's"
    assert heard.hear("edge_1", Told(id="cmd_2", state="confirmed", at_ms=7), 3) is None, "never handed over"
    assert heard.hear("edge_1", Told(id="cmd_9", state="confirmed", at_ms=7), 3) is None, "unknown"
    assert heard.hear("edge_1", Told(id="cmd_1", state="queued", at_ms=7), 3) is None
    moved = heard.hear("edge_1", done, 4)
    assert moved is not None
    assert (moved.state, moved.outputs, moved.outcome.detail["edge_id"]) == ("confirmed", {"done": True}, "edge_1")  # type: ignore[union-attr]
    assert heard.hear("edge_1", done, 5) is None, "told twice"
    store.move("cmd_2", ("queued",), "sending", 2, route="edge", attempt={"edge_id": "edge_1"}, attempts=1)
    store.move("cmd_2", ("sending",), "timed_out", 3)
    assert heard.hear("edge_1", Told(id="cmd_2", state="failed", at_ms=7), 6) is None
    assert "after the time was over: failed" in store.history("cmd_2")[-1].text


async def test_guards_come_down_with_the_devices(records: Records, edge: Records) -> None:
    everything = records.scoped(EVERYTHING)
    EdgeStore(everything).insert("edge_1", "cabin", None, b"1" * 32, 10, 1)
    registry = DeviceStore(everything)
    registry.insert("dev_1", NewDevice(name="press", edge_id="edge_1"), 1)
    registry.insert("dev_2", NewDevice(name="pump"), 1)
    guards = GuardStore(everything)
    slow = ValueHolds(property="speed", op="<", value=5)
    guards.insert("int_1", NewInterlock(name="standstill", device_id="dev_1", conditions=[slow]), 1, 100)
    other = DeviceOnline(device_id="dev_2")
    guards.insert("int_2", NewInterlock(name="pump runs", device_id="dev_1", conditions=[other]), 1, 100)
    guards.insert("int_3", NewInterlock(name="elsewhere", device_id="dev_2", conditions=[slow]), 1, 100)
    lock = guards.place(Lock(id="lck_1", device_id="dev_1", by_id="usr_1", by_name="Ada", reason="repair", placed_ms=5))
    builder, applier, there = DesiredBuilder(everything), DesiredApplier(edge, "edge_1"), GuardStore(edge)
    for _ in range(2):
        await applier.apply(await builder.of("edge_1"))
        assert [each.id for each in there.list("dev_1")] == ["int_1"], "what looks elsewhere is judged at the parent"
        assert [each.id for each in there.locks("dev_1")] == [lock.id]
    there.insert("int_own", NewInterlock(name="own", device_id="dev_1", conditions=[slow]), 1, 100)
    guards.release("lck_1", "Ada", 9)
    guards.delete("int_1")
    await applier.apply(await builder.of("edge_1"))
    assert [each.id for each in there.list("dev_1")] == ["int_own"]
    assert there.locks("dev_1") == []


class Kept(LocalBus):
    """A bus that keeps what the ledger is told."""

    async def append(self, *_: Any, **__: Any) -> None:
        """Kept."""


class Way:
    """The link to an edge, with the edge's own records at its end."""

    def __init__(self, inbox: CommandInbox, clock: ManualClock) -> None:
        self.inbox, self.clock, self.cut = inbox, clock, False
        self.asked: list[str] = []

    async def is_there(self, _edge_id: str) -> bool:
        return not self.cut

    async def hand_over(self, _edge_id: str, command: Command, left_s: float) -> None:
        self.asked.append(command.id)
        if self.cut:
            raise Unavailable("It is cut.", code="devices.edge_away")
        fields = {name: getattr(command, name) for name in TakeCommand.__struct_fields__ if name != "left_s"}
        self.inbox.take(TakeCommand(**fields, left_s=left_s), self.clock.now_ms())


async def test_a_command_that_its_edge_lost_ends_and_frees_its_property(records: Records, edge: Records) -> None:
    everything = records.scoped(EVERYTHING)
    EdgeStore(everything).insert("edge_1", "cabin", None, b"1" * 32, 10, 1)
    for registry, edge_id in ((DeviceStore(everything), "edge_1"), (DeviceStore(edge), None)):
        registry.insert("dev_1", NewDevice(name="press", edge_id=edge_id), 1)
    clock, bus, store = ManualClock(1_800_000_000_000), Kept(), CommandStore(everything)
    way = Way(CommandInbox(edge, 100), clock)

    async def nothing(*_: Any) -> list[Any]:
        return []

    judge = Judge(GuardStore(everything), clock, nothing, online_in(everything), nothing)  # type: ignore[arg-type]
    worker = CommandWorker(
        store,
        Sender(store, judge, nothing, clock),
        Hearing(store, ModelStore(everything), bus, clock),
        Teller(store, Recorder(bus), clock),
        bus,
        clock,
        CommandsSettings(),
        mqtt=MqttRoute(bus, clock),
        sparkplug=SparkplugRoute(bus, clock, {}),  # type: ignore[arg-type]
    )
    worker.use_edges(Handover(store, judge, way, clock))
    expires_ms = clock.now_ms() + 3_600_000

    def state(command_id: str) -> str:
        found = store.find(command_id)
        assert found is not None
        return found.state

    async def until(command_id: str, wanted: str) -> None:
        async with asyncio.timeout(20):
            while state(command_id) != wanted:
                await worker._look()
                await worker.tick()
                await asyncio.sleep(0.01)

    async def rounds() -> None:
        asked = len(way.asked)
        async with asyncio.timeout(20):
            while len(way.asked) == asked or worker._active:
                await worker.tick()
                await asyncio.sleep(0.01)

    store.insert(row("cmd_1") | {"expires_ms": expires_ms}, key=None, most=100, supersede=False)
    await until("cmd_1", "sent")
    store.insert(row("cmd_2") | {"expires_ms": expires_ms}, key=None, most=100, supersede=False)
    clock.advance(10)
    await worker._look()
    await worker.tick()
    assert way.asked == ["cmd_1"], "it has time to tell"
    # An edge that has it waits for its device as long as it likes; one that is cut off is waited for.
    clock.advance(20)
    await rounds()
    way.cut = True
    clock.advance(700)
    await rounds()
    assert (state("cmd_1"), state("cmd_2")) == ("sent", "queued")
    # Its records are put back to before the command.
    with edge.begin() as connection:
        connection.execute(sa.delete(command_events))
        connection.execute(sa.delete(commands))
    way.cut = False
    clock.advance(700)
    await until("cmd_1", "timed_out")
    lost = store.find("cmd_1")
    assert lost is not None
    assert lost.outcome is not None
    assert lost.outcome.code == "commands.edge_lost"
    assert CommandStore(edge).find("cmd_1") is None, "it is not carried out a second time"
    await until("cmd_2", "sent")
    await worker.stop()
