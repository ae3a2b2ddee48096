"""Who judges changes from the parent to an edge and back: never nobody, and an alarm lives on at the other end."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from millwright import cases, operations
from millwright.cases import Actor
from millwright.engines.sql import Records
from millwright.kernel import Lifecycle, ManualClock
from millwright.kernel.scope import EVERYTHING
from millwright.operations import AlarmFilter, Alarms, Limit, RuleStore
from millwright.operations.at_edges import AlarmsTeller, EdgeAlarms, EdgeRules, Outbox, RuleApplier, take_in
from millwright.operations.model import Stale
from millwright.operations.worker import AlarmWorker
from support.bus import LocalBus
from support.operations import NOW_MS, History, Plant, readings, rule, subject
from support.sqlite import migrated

MIGRATIONS = [cases.MIGRATIONS, operations.MIGRATIONS]
LI = Actor("per_li", "Li", frozenset({"alarms:acknowledge"}))


class Node:
    """A parent and its edge, each with the worker that judges there."""

    def __init__(self, records: Records, own: Records) -> None:
        self.clock = ManualClock(NOW_MS)
        self.rules, self.plant = RuleStore(records), Plant(subject())
        self.rules.insert(rule())
        self.alarms = Alarms(records, LocalBus(), self.clock)
        self.hearing = EdgeAlarms(records, Plant(subject()), lambda _edge: {"d1"}, LocalBus(), self.clock)
        self.parent = AlarmWorker(records, LocalBus(), History(), self.plant, self.clock, has_edges=True)
        self._chosen, self._own = EdgeRules(records, Plant(subject())), own
        self.edge = self.new_edge(own)

    def new_edge(self, own: Records) -> AlarmWorker:
        """The worker at the edge, that begins with what its records say."""
        self._own = own
        return AlarmWorker(own, LocalBus(), History(), Plant(subject()), self.clock, keep=Outbox().keep)

    async def request(self, _subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The link."""
        del timeout_s
        return await self.hearing.take("edge_1", payload)

    async def apply(self, *wanted: str) -> None:
        """The edge brings these rules about; it has not said so yet."""
        chosen = [each for each in self._chosen.read(["d1"]) if each["id"] in wanted]
        RuleApplier(self._own).apply(chosen)
        await self.edge.reload()

    async def said(self, *devices: str, by: set[str] | None = None) -> None:
        """The parent hears what is in force there."""
        self.plant.let_judge(*devices, by=by)
        await self.parent.reload()
        await self.parent.flush()

    async def tell(self) -> None:
        """The edge tells what it has to."""
        await AlarmsTeller(self._own, self).tell()  # type: ignore[arg-type]  # what it asks of the link

    async def at_edge(self, *values: tuple[float, Any], tell: bool = True) -> None:
        """Readings at the edge."""
        self.edge.evaluate(readings(*values))
        await self.edge.flush()
        if tell:
            await self.tell()

    async def at_parent(self, *values: tuple[float, Any]) -> None:
        """Readings at the parent: the edge forwards them, or the device connects there."""
        self.parent.evaluate(readings(*values))
        await self.parent.flush()

    async def both(self, *values: tuple[float, Any]) -> None:
        """Readings at the edge, that it forwards."""
        await self.at_edge(*values)
        await self.at_parent(*values)

    async def acknowledge(self) -> None:
        """A person sees what there is."""
        await self.alarms.acknowledge([each.id for each in (await self.alarms.page(AlarmFilter())).items], LI)

    async def seen(self) -> list[tuple[str, int, str | None]]:
        """The alarms, the latest first: state, occurrences, judge."""
        return [(each.state, each.occurrences, each.edge_id) for each in (await self.alarms.page(AlarmFilter())).items]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Records]:
    made = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    yield made
    made.close()


@asynccontextmanager
async def running(records: Records, own: Records) -> AsyncIterator[Node]:
    node = Node(records, own)
    async with Lifecycle(node.parent), Lifecycle(node.edge):
        yield node


async def test_the_parent_judges_by_a_new_rule_until_the_edge_has_it(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1", by={"r1"})
        node.rules.insert(rule(Limit(high=50), id="r2", name="Warm"))
        await node.parent.reload()
        await node.both((0, 60.0))  # r2 is not at the edge yet, which judges by r1 alone
        assert await node.seen() == [("unacknowledged", 1, None)]
        await node.acknowledge()
        await node.apply("r1", "r2")
        await node.said("d1", by={"r1", "r2"})
        assert await node.seen() == [("acknowledged", 1, "edge_1")], "it goes on; nobody says that it ended"
        await node.at_edge((1, 61.0))
        assert await node.seen() == [("acknowledged", 1, "edge_1")]
        await node.at_edge((2, 20.0))
        assert await node.seen() == [("normal", 1, "edge_1")]
        await node.at_edge((3, 20.0))
        assert await node.seen() == [("normal", 1, "edge_1")]


async def test_what_ended_before_the_edge_saw_it_ends(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        await node.at_parent((0, 90.0))
        await node.apply("r1")
        await node.said("d1")
        # Within the deadband: an alarm that is active stays, and one that is not does not begin.
        await node.at_edge((1, 77.0))
        assert await node.seen() == [("unacknowledged", 1, "edge_1")]
        await node.at_edge((2, 70.0))
        assert await node.seen() == [("returned_unacknowledged", 1, "edge_1")]


@pytest.mark.parametrize("first", ["edge", "parent"])
async def test_while_both_judge_nothing_is_counted_twice(records: Records, own: Records, first: str) -> None:
    async with running(records, own) as node:
        await node.apply("r1")  # the parent does not know it yet
        for start in (0, 10):
            beyond, back = (start, 90.0), (start + 1, 20.0)
            if first == "edge":
                await node.at_edge(beyond, back)
                await node.acknowledge()
                await node.at_parent(beyond, back)
            else:
                await node.at_edge(beyond, back, tell=False)
                await node.at_parent(beyond, back)
                await node.acknowledge()
                await node.tell()
        assert [each[:2] for each in await node.seen()] == [("normal", 1), ("normal", 1)]
        await node.said("d1")
        await node.at_edge((20, 90.0))
        assert [each[:2] for each in await node.seen()] == [("unacknowledged", 1), ("normal", 1), ("normal", 1)]


async def test_what_the_parent_raises_behind_the_edge_is_not_ended_by_what_came_before(
    records: Records, own: Records
) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.at_edge((0, 90.0), (1, 20.0), tell=False)
        await node.at_parent((0, 90.0), (1, 20.0), (2, 91.0))
        await node.tell()
        assert await node.seen() == [("unacknowledged", 2, None)]


async def test_taken_back_an_alarm_lives_on(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1")
        await node.at_edge((0, 90.0))
        await node.acknowledge()
        await node.apply()  # the edge has it no more, and tells that before anybody judges at the parent
        await node.edge.flush()
        await node.tell()
        assert await node.seen() == [("acknowledged", 1, "edge_1")]
        await node.said()
        await node.at_parent((1, 91.0))
        assert [each[:2] for each in await node.seen()] == [("acknowledged", 1)]
        await node.at_parent((2, 20.0))
        assert [each[:2] for each in await node.seen()] == [("normal", 1)]


async def test_what_the_edge_ends_while_it_is_taken_back_can_begin_again(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1")
        await node.at_edge((0, 90.0))
        await node.said()  # the parent goes on with it
        await node.at_edge((1, 20.0))  # and does not see this
        assert [each[:2] for each in await node.seen()] == [("returned_unacknowledged", 1)]
        await node.apply()
        await node.edge.flush()
        await node.tell()
        await node.at_parent((2, 95.0))
        assert [each[:2] for each in await node.seen()] == [("unacknowledged", 2)]


async def test_a_rule_that_is_gone_ends_its_alarm_though_the_edge_is_away(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1")
        await node.at_edge((0, 90.0))
        assert node.rules.delete("r1")
        await node.parent.reload()
        await node.parent.flush()
        assert await node.seen() == [("returned_unacknowledged", 1, "edge_1")]
        await node.at_edge((1, 20.0), (2, 91.0))
        assert await node.seen() == [("returned_unacknowledged", 1, "edge_1")]


async def test_a_silent_device_is_handed_over_too(records: Records, own: Records) -> None:
    async with running(records, own) as node:
        node.rules.insert(rule(Stale(after_s=5), id="r3", name="Silent"))
        await node.parent.reload()
        await node.apply("r1", "r3")
        node.clock.advance(6)
        node.parent.tick()
        await node.parent.flush()
        assert await node.seen() == [("unacknowledged", 1, None)]
        await node.said("d1")
        assert await node.seen() == [("unacknowledged", 1, "edge_1")]
        node.edge.tick()
        await node.edge.flush()
        await node.tell()
        assert await node.seen() == [("unacknowledged", 1, "edge_1")]
        await node.at_edge((6.5, 20.0))
        assert await node.seen() == [("returned_unacknowledged", 1, "edge_1")]


async def test_an_edge_that_lost_its_records_says_how_things_are(
    records: Records, own: Records, tmp_path: Path
) -> None:
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1")
        await node.at_edge((0, 90.0))
    new = migrated(tmp_path / "new", MIGRATIONS, EVERYTHING)
    try:
        node.edge = node.new_edge(new)
        async with Lifecycle(node.edge):
            await node.apply("r1")
            node.clock.advance(2)
            await node.at_edge((1, 20.0))
            assert await node.seen() == [("returned_unacknowledged", 1, "edge_1")]
            await node.at_edge((2, 20.0))
        node.edge = node.new_edge(new)
        async with Lifecycle(node.edge):  # it is known now: nothing more is told
            await node.at_edge((3, 20.0), tell=False)
            with new.read() as connection:
                assert connection.exec_driver_sql("select count(*) from operations_untold").scalar() == 0
    finally:
        new.close()


@pytest.mark.parametrize("before", ["normal", "active"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("after", [20.0, 95.0], ids=["back", "beyond"])
async def test_what_an_upgrades_trial_said_is_neither_lost_nor_left_hanging(
    records: Records, own: Records, tmp_path: Path, before: str, told: bool, after: float
) -> None:
    """The records are put back to those from before the trial, in which an alarm began, or ended and began again."""
    trial_file, settled = tmp_path / "records-trial.db", 1
    async with running(records, own) as node:
        await node.apply("r1")
        await node.said("d1")
        await node.at_edge((0, 20.0))
        if before == "active":
            await node.at_edge((1, 90.0))
            settled = 2
    own.close()
    trial = tmp_path / "trial"
    trial.mkdir()
    shutil.copyfile(tmp_path / "edge" / "records.db", trial / "records.db")
    trying = Records.in_folder(trial, EVERYTHING)
    node.edge = node.new_edge(trying)
    async with Lifecycle(node.edge):
        if before == "active":
            await node.at_edge((2, 20.0), tell=told)
        await node.at_edge((3, 91.0), tell=told)
    with trying.read() as connection:
        assert bool(connection.scalar(sa.text("select count(*) from operations_untold"))) is not told
    trying.close()
    shutil.copyfile(trial / "records.db", trial_file)
    back = Records.in_folder(tmp_path / "edge", EVERYTHING)
    try:
        expected = 0 if told else settled
        assert (take_in(back, trial_file), trial_file.exists()) == (expected, False)
        assert take_in(back, trial_file) == 0
        node.edge = node.new_edge(back)
        node.clock.advance(5)
        async with Lifecycle(node.edge):
            await node.at_edge((4, after))
            assert await node.seen() == [
                ("unacknowledged" if after > 80 else "returned_unacknowledged", settled, "edge_1")
            ]
            await node.at_edge((5, 20.0), (6, 92.0))
            assert await node.seen() == [("unacknowledged", settled + 1, "edge_1")]
    finally:
        back.close()


async def test_the_records_of_a_strange_trial_hold_up_nothing(own: Records, tmp_path: Path) -> None:
    for content in (b"no database", b""):
        strange = tmp_path / "records-trial.db"
        strange.write_bytes(content)
        assert (take_in(own, strange), strange.exists()) == (0, False)
