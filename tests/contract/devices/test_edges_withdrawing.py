"""Commands that an edge has are taken back, or it is too late, and the parent says truly which; also over a cut."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import DeviceStore, NewDevice
from millwright.devices.commands.composition import online_in
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.handing import Handover
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.judging import Judge
from millwright.devices.commands.model import Command, Outcome, State, Write
from millwright.devices.commands.routes.mqtt import MqttRoute
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.service import Commands
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.withdrawing import Wishes, Withdrawer, Withdrawn
from millwright.devices.commands.worker import CommandWorker
from millwright.devices.edge import EdgeStore
from millwright.devices.edge.down.command_desk import CommandInbox
from millwright.devices.edge.down.command_way import HeardCommands
from millwright.devices.edge.down.wire import TakeCommand, Told, WithdrawCommand
from millwright.devices.models.model import ModelDocument
from millwright.devices.models.store import ModelStore
from millwright.engines.sql import Records
from millwright.kernel import Conflict, ManualClock, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Actor, Recorder
from support.bus import LocalBus
from support.sqlite import migrated

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
MODEL = {"name": "press", "properties": [{"name": "force", "type": "number", "writable": True}]}
ADA = Actor("usr_1", "Ada")
NOW_MS = 1_800_000_000_000


class Kept(LocalBus):
    """A bus that keeps what the ledger is told."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = ""

    async def append(self, *told: Any, **__: Any) -> None:
        """Kept."""
        self.ledger += repr(told)


class Way:
    """The link to an edge, with the edge's own records at its end. ``deaf``: what is asked arrives, no answer does."""

    def __init__(self, inbox: CommandInbox, clock: ManualClock) -> None:
        self.inbox, self.clock, self.cut, self.deaf = inbox, clock, False, False
        self.asked: list[str] = []

    async def is_there(self, _edge_id: str) -> bool:
        return not self.cut

    def _pass(self, what: str, *, back: bool) -> None:
        self.asked.append(what) if not back else None
        if self.cut or (back and self.deaf):
            raise Unavailable("It is cut.", code="devices.edge_away")

    def _taken(self, command: Command, left_s: float) -> TakeCommand:
        fields = {name: getattr(command, name) for name in TakeCommand.__struct_fields__ if name != "left_s"}
        return TakeCommand(**fields, left_s=left_s)

    async def hand_over(self, _edge_id: str, command: Command, left_s: float) -> None:
        self._pass("take", back=False)
        self.inbox.take(self._taken(command, left_s), self.clock.now_ms())
        self._pass("take", back=True)

    async def withdraw(self, _edge_id: str, command: Command, state: State, outcome: Outcome) -> Withdrawn:
        self._pass("withdraw", back=False)
        asked = WithdrawCommand(command=self._taken(command, 0.0), state=state, outcome=outcome)
        answer, _ = self.inbox.withdraw(asked, self.clock.now_ms())
        self._pass("withdraw", back=True)
        return answer


class Plant:
    """A parent whose device is at an edge, and asleep there."""

    def __init__(self, records: Records, edge: Records) -> None:
        everything = records.scoped(EVERYTHING)
        EdgeStore(everything).insert("edge_1", "cabin", None, b"1" * 32, 10, 1)
        models = ModelStore(everything)
        model = models.insert("mod_1", msgspec.convert(MODEL, ModelDocument), 1)
        for registry, edge_id in ((DeviceStore(everything), "edge_1"), (DeviceStore(edge), None)):
            more = {"model_id": model.id} if edge_id else {}
            registry.insert("dev_1", NewDevice(name="press", edge_id=edge_id, **more), 1)
        self.clock, self.bus, self.store = ManualClock(NOW_MS), Kept(), CommandStore(everything)
        self.inbox, self.there = CommandInbox(edge, 100), CommandStore(edge)
        self.way, self.heard = Way(self.inbox, self.clock), HeardCommands(everything)

        async def nothing(*_: Any) -> list[Any]:
            return []

        judge = Judge(GuardStore(everything), self.clock, nothing, online_in(everything), nothing)  # type: ignore[arg-type]
        settings, wishes = CommandsSettings(), Wishes(everything)
        self.commands = Commands(
            self.store, DeviceStore(everything), models, judge, self.bus, self.clock, settings, wishes
        )
        self.worker = CommandWorker(
            self.store,
            Sender(self.store, judge, nothing, self.clock),
            Hearing(self.store, models, self.bus, self.clock),
            Teller(self.store, Recorder(self.bus), self.clock),
            self.bus,
            self.clock,
            settings,
            mqtt=MqttRoute(self.bus, self.clock),
            sparkplug=SparkplugRoute(self.bus, self.clock, {}),  # type: ignore[arg-type]
        )
        handover = Handover(self.store, judge, self.way, self.clock)
        self.worker.use_edges(handover, Withdrawer(self.store, wishes, self.way, self.clock))

    async def ask(self, value: float, **more: Any) -> str:
        return (await self.commands.write("dev_1", Write(property="force", value=value, **more), ADA)).id

    def states(self, command_id: str) -> tuple[str, str | None]:
        here, there = self.store.find(command_id), self.there.find(command_id)
        assert here is not None
        return here.state, None if there is None else there.state

    async def until(self, command_id: str, *wanted: str | None) -> None:
        async with asyncio.timeout(20):
            while self.states(command_id) != wanted:
                await self.work()

    async def work(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            await self.worker._look()
            await self.worker.tick()
            await asyncio.sleep(0.01)

    async def cancel(self, command_id: str) -> Command:
        """As somebody does whose request waits a while for the edge."""
        asked = asyncio.create_task(self.commands.cancel(command_id, ADA))
        async with asyncio.timeout(20):
            while not asked.done():
                await self.work()
                self.clock.advance(0.5)
        return await asked

    def tell(self) -> None:
        """The edge tells, twice."""
        for _ in range(2):
            for told in self.inbox.untold():
                self.heard.hear("edge_1", told, self.clock.now_ms())
        self.inbox.heard(self.inbox.untold())


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Records]:
    made = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    yield made
    made.close()


@pytest.fixture
def plant(records: Records, edge: Records) -> Plant:
    return Plant(records, edge)


async def test_what_waits_at_the_edge_is_cancelled_there(plant: Plant) -> None:
    command_id = await plant.ask(1.0)
    await plant.until(command_id, "sent", "queued")
    cancelled = await plant.cancel(command_id)
    assert (cancelled.state, cancelled.withdrawal) == ("cancelled", None)
    assert cancelled.outcome is not None
    assert cancelled.outcome.text == "Ada cancelled it."
    assert plant.states(command_id) == ("cancelled", "cancelled")
    plant.tell()
    assert plant.states(command_id) == ("cancelled", "cancelled")
    await plant.work()
    assert plant.store.untold() == []
    assert "cancelled" in plant.bus.ledger, "the ledger is told how it ended"
    with pytest.raises(Conflict) as again:
        await plant.commands.cancel(command_id, ADA)
    assert again.value.code == "commands.not_waiting"


async def test_what_the_edge_has_sent_cannot_be_called_back(plant: Plant) -> None:
    command_id = await plant.ask(1.0)
    await plant.until(command_id, "sent", "queued")
    plant.there.move(command_id, ("queued",), "sending", NOW_MS, attempts=1)
    plant.there.move(command_id, ("sending",), "confirmed", NOW_MS, Outcome(code="x", text="The press says so."))
    with pytest.raises(Conflict) as late:
        await plant.cancel(command_id)
    assert late.value.code == "commands.too_late"
    assert "confirmed. The press says so." in plant.store.history(command_id)[-1].text
    plant.tell()
    assert plant.states(command_id) == ("confirmed", "confirmed")
    assert (await plant.commands.get(command_id)).withdrawal is None


@pytest.mark.parametrize("then", ["waits", "carried out", "never had it"])
async def test_over_a_cut_the_edge_is_asked_until_it_answers(plant: Plant, then: str) -> None:
    command_id = await plant.ask(1.0)
    if then == "never had it":
        plant.way.cut = True
        plant.store.move(
            command_id, ("queued",), "sending", NOW_MS, route="edge", attempt={"edge_id": "edge_1"}, sent_ms=NOW_MS,
            deadline_ms=NOW_MS + 10**9,
        )  # fmt: skip
    else:
        await plant.until(command_id, "sent", "queued")
        plant.way.cut = True
    wanted = await plant.cancel(command_id)
    assert wanted.state in ("sending", "sent")
    assert wanted.withdrawal is not None
    assert wanted.withdrawal.by_name == "Ada"
    if then == "carried out":
        plant.there.move(command_id, ("queued",), "sending", NOW_MS, attempts=1)
        plant.there.move(command_id, ("sending",), "failed", NOW_MS, Outcome(code="x", text="It is stuck."))
    plant.way.cut, plant.way.deaf = False, True  # it hears us, and we do not hear it
    plant.clock.advance(60)
    await plant.work(20)
    assert plant.states(command_id)[0] in ("sending", "sent")
    plant.way.deaf = False
    for _ in range(10):
        plant.clock.advance(60)
        await plant.work(5)
    if then == "carried out":
        plant.tell()
        assert plant.states(command_id) == ("failed", "failed")
    else:
        assert plant.states(command_id) == ("cancelled", "cancelled")
    # What was on its way to the edge all the time does nothing there.
    command = plant.store.find(command_id)
    assert command is not None
    assert not plant.inbox.take(plant.way._taken(command, 100.0), plant.clock.now_ms())
    plant.tell()
    assert plant.inbox.untold() == []


async def test_a_newer_write_takes_the_place_of_one_that_waits_at_the_edge(plant: Plant) -> None:
    first = await plant.ask(1.0)
    await plant.until(first, "sent", "queued")
    second = await plant.ask(2.0)
    await plant.until(first, "superseded", "superseded")
    command = plant.store.find(first)
    assert command is not None
    assert command.superseded_by == second
    await plant.until(second, "sent", "queued")
    third = await plant.ask(3.0, supersede=False)
    await plant.work(30)
    assert [plant.states(each) for each in (second, third)] == [("sent", "queued"), ("queued", None)]
    # Told by the edge before its answer came: the same.
    fourth = await plant.ask(4.0)
    assert plant.states(third) == ("superseded", None)
    plant.heard.hear("edge_1", Told(id=second, state="superseded", at_ms=NOW_MS), NOW_MS)
    command = plant.store.find(second)
    assert command is not None
    assert (command.state, command.superseded_by) == ("superseded", fourth)


async def test_a_newer_write_waits_for_one_that_the_edge_has_sent(plant: Plant) -> None:
    first = await plant.ask(1.0)
    await plant.until(first, "sent", "queued")
    plant.there.move(first, ("queued",), "sending", NOW_MS, attempts=1)
    second = await plant.ask(2.0)
    await plant.work(30)
    assert [plant.states(each) for each in (first, second)] == [("sent", "sending"), ("queued", None)]
    plant.there.move(first, ("sending",), "confirmed", NOW_MS)
    plant.tell()
    await plant.until(second, "sent", "queued")
