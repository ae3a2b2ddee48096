"""Alarms from the evaluator through the writer to the people, over each database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from millwright import cases, operations
from millwright.cases import Actor
from millwright.engines.sql import Records
from millwright.historian import ReadingBatch
from millwright.kernel import Denied, Invalid, ManualClock, NotFound, Unavailable
from millwright.operations import EVENTS, Alarm, AlarmFilter, Alarms, Limit, OperationsSettings, Scope, Stale
from millwright.operations.evaluation import Evaluator, Plan
from millwright.operations.evidence import EvidenceCollector
from millwright.operations.store import load_watches
from millwright.operations.writer import AlarmWriter
from support.bus import LocalBus
from support.operations import NOW_MS, History, readings, rule, subject

MIGRATIONS = [cases.MIGRATIONS, operations.MIGRATIONS]

LI = Actor("per_li", "Li", frozenset({"alarms:acknowledge"}))
ANY = AlarmFilter()


class Node:
    """Evaluator and writer over a database, as the worker joins them."""

    def __init__(self, records: Records, clock: ManualClock, plan: Plan | None = None) -> None:
        self.records = records
        self.clock = clock
        self.bus = LocalBus()
        self.alarms = Alarms(records, self.bus, clock)
        self.evaluator = Evaluator(clock)
        self.plan = plan or Plan([rule()], [subject()])
        self.published: list[Alarm] = []
        self.writer = AlarmWriter(self.alarms.cases, clock, self._publish)

    async def _publish(self, alarms: Sequence[Alarm]) -> None:
        self.published += alarms

    async def __aenter__(self) -> Node:
        self.evaluator.adopt(self.plan)
        self.evaluator.restore(load_watches(self.records))
        await self.writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.writer.stop()

    async def feed(self, *batches: ReadingBatch) -> None:
        for batch in batches:
            self.writer.put(self.evaluator.evaluate(batch), self.evaluator.take_dirty())
        await self.writer.flush()

    async def one(self) -> Alarm:
        (alarm,) = (await self.alarms.page(ANY)).items
        return alarm


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
async def node(records: Records, clock: ManualClock) -> AsyncIterator[Node]:
    async with Node(records, clock) as running:
        yield running


async def test_the_four_states_of_isa_18_2(node: Node, clock: ManualClock) -> None:
    await node.feed(readings((1, 85.0)))
    alarm = await node.one()
    assert (alarm.state, alarm.active, alarm.acknowledged, alarm.raised_ms) == (
        "unacknowledged", True, False, NOW_MS + 1000
    )  # fmt: skip
    assert alarm.message == "temperature of D1 is 85 °C, beyond its limit 80 °C"
    clock.advance(5)
    ((acknowledged,), skipped) = await node.alarms.acknowledge([alarm.id, "alm_none"], LI, comment="on my way")
    assert skipped == ["alm_none"]
    assert (acknowledged.state, acknowledged.acknowledged_by, acknowledged.acknowledged_ms) == (
        "acknowledged", "Li", NOW_MS + 5000
    )  # fmt: skip
    assert len(node.bus.sent(EVENTS)) == 1
    await node.feed(readings((2, 70.0)))
    alarm = await node.one()
    assert (alarm.state, alarm.active, alarm.acknowledged, alarm.returned_ms) == ("normal", False, True, NOW_MS + 2000)
    assert [each.state for each in node.published] == ["unacknowledged", "normal"]
    kinds = [(entry.transition, entry.comment) for entry in await node.alarms.history(alarm.id)]
    assert kinds == [("open", ""), ("acknowledge", "on my way"), ("return", "")]


async def test_returned_and_then_acknowledged_is_normal(node: Node) -> None:
    await node.feed(readings((1, 85.0), (2, 70.0)))
    alarm = await node.one()
    assert alarm.state == "returned_unacknowledged"
    await node.alarms.acknowledge([alarm.id], LI)
    assert (await node.one()).state == "normal"
    _, skipped = await node.alarms.acknowledge([alarm.id], LI)
    assert skipped == [alarm.id]


async def test_a_repeated_cause_counts_until_it_was_normal(node: Node) -> None:
    await node.feed(readings((1, 85.0), (2, 70.0)))
    await node.feed(readings((3, 90.0), (4, 70.0)), readings((5, 95.0)))
    alarm = await node.one()
    assert (alarm.occurrences, alarm.state, alarm.raised_ms) == (3, "unacknowledged", NOW_MS + 1000)
    assert (alarm.trigger_value, alarm.last_occurrence_ms, alarm.returned_ms) == (95.0, NOW_MS + 5000, None)
    await node.alarms.acknowledge([alarm.id], LI)
    await node.feed(readings((6, 70.0)), readings((7, 85.0)))
    newest, oldest = (await node.alarms.page(ANY)).items
    assert (newest.occurrences, newest.raised_ms, oldest.state) == (1, NOW_MS + 7000, "normal")


async def test_a_restart_neither_repeats_nor_forgets(records: Records, clock: ManualClock) -> None:
    steps = [readings((1, 85.0)), readings((2, 70.0)), readings((3, 85.0))]
    async with Node(records, clock) as node:
        await node.feed(*steps)
    async with Node(records, clock) as node:
        await node.feed(*steps)  # evaluated again
        assert (await node.one()).occurrences == 2
        await node.feed(readings((4, 70.0)))  # it returned while the node was down
        alarm = await node.one()
        assert (alarm.state, alarm.returned_ms) == ("returned_unacknowledged", NOW_MS + 4000)
        await node.alarms.acknowledge([alarm.id], LI)
    async with Node(records, clock) as node:
        await node.feed(*steps, readings((4, 70.0)))
        assert (await node.one()).state == "normal"


async def test_states_lost_with_the_process_do_not_double_an_alarm(records: Records, clock: ManualClock) -> None:
    async with Node(records, clock) as node:
        node.writer.put(node.evaluator.evaluate(readings((1, 85.0))), [])
        await node.writer.flush()
    async with Node(records, clock) as node:
        await node.feed(readings((1, 85.0)))
        assert (await node.one()).occurrences == 1
        await node.feed(readings((2, 70.0)))
        assert (await node.one()).state == "returned_unacknowledged"


async def test_a_flood_is_written_whole_and_never_waited_for(
    records: Records, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [subject(f"d{number}") for number in range(10_000)]
    plan = Plan([rule(scope=Scope(model_id="pump"))], devices)
    flood = ReadingBatch.concatenate([readings((1, 99.0), device_id=each.id) for each in devices])
    async with Node(records, clock, plan) as node:
        queued = threading.Event()
        write = node.writer.write

        def write_once_all_is_queued(*arguments: Any) -> list[Alarm]:
            assert queued.wait(10), "queueing waited for the database"
            return write(*arguments)

        monkeypatch.setattr(node.writer, "write", write_once_all_is_queued)
        node.writer.put(node.evaluator.evaluate(flood), node.evaluator.take_dirty())
        queued.set()
        await node.writer.flush()
        assert (await node.alarms.summary()).active == 10_000
        assert len({alarm.device_id for alarm in node.published}) == 10_000
        assert len(load_watches(records)) == 10_000
        assert await node.alarms.active_by_device(["d7", "x"]) == {"d7": 1}


async def test_while_the_database_is_away_changes_wait_counted(
    node: Node, monkeypatch: pytest.MonkeyPatch, clock: ManualClock
) -> None:
    write = node.writer.write

    def refuse(*_: object) -> list[Alarm]:
        raise Unavailable("no database", code="engines.sql_unavailable")

    monkeypatch.setattr(node.writer, "write", refuse)
    node.writer.put(node.evaluator.evaluate(readings((0, 85.0))), node.evaluator.take_dirty())
    for _ in range(500):
        if node.writer.problem is not None:
            break
        await asyncio.sleep(0.01)
    for second in range(1, 1001):
        value = 70.0 if second % 2 else 85.0
        node.writer.put(node.evaluator.evaluate(readings((second, value))), node.evaluator.take_dirty())
    assert node.writer.pending <= 8
    assert node.writer.problem is not None
    assert node.writer.problem["code"] == "operations.alarms_waiting"
    monkeypatch.setattr(node.writer, "write", write)
    await asyncio.wait_for(node.writer.flush(), 10)
    assert node.writer.problem is None
    alarm = await node.one()
    assert (alarm.occurrences, alarm.last_occurrence_ms, alarm.active) == (501, NOW_MS + 1_000_000, True)


async def test_a_chattering_cause_keeps_its_beginning(node: Node) -> None:
    for second in range(101):  # nothing is awaited: all of it waits to be written
        value = 70.0 if second % 2 else 85.0
        node.writer.put(node.evaluator.evaluate(readings((second, value))), node.evaluator.take_dirty())
    await asyncio.wait_for(node.writer.flush(), 10)
    alarm = await node.one()
    assert (alarm.raised_ms, alarm.last_occurrence_ms) == (NOW_MS, NOW_MS + 100_000)
    assert alarm.occurrences == 51


async def test_one_change_that_cannot_be_written_does_not_hold_the_others(
    records: Records, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    devices = [subject("good"), subject("odd"), subject("fine")]
    plan = Plan([rule(scope=Scope(model_id="pump"))], devices)
    async with Node(records, clock, plan) as node:
        batch = ReadingBatch.concatenate([readings((1, 99.0), device_id=each.id) for each in devices])
        changes = node.evaluator.evaluate(batch)
        changes[1].value = object()  # type: ignore[union-attr,assignment]  # JSON cannot carry it
        node.writer.put(changes, node.evaluator.take_dirty())
        await node.writer.flush()
        found = (await node.alarms.page(ANY)).items
    assert {alarm.device_id for alarm in found} == {"good", "fine"}
    assert "cannot be written" in caplog.text


async def test_filters_and_summary(records: Records, clock: ManualClock) -> None:
    hot = rule(scope=Scope(model_id="pump"))
    cold = rule(Limit(low=0), id="r2", name="Too cold", priority="critical", scope=Scope(model_id="pump"))
    plan = Plan([hot, cold], [subject("a"), subject("b")])
    async with Node(records, clock, plan) as node:
        await node.feed(
            readings((1, 85.0), device_id="a"), readings((2, -5.0), device_id="b"), readings((3, 50.0), device_id="b")
        )
        alarms = node.alarms

        async def found(**wanted: object) -> list[str]:
            return [each.device_id for each in (await alarms.page(AlarmFilter(**wanted))).items]  # type: ignore[arg-type]

        assert await found() == ["b", "a"]
        assert await found(active=True) == ["a"]
        assert await found(active=False) == ["b"]
        assert await found(active=True, states=("normal",)) == []
        assert await found(states=("returned_unacknowledged",)) == ["b"]
        assert await found(priorities=("critical", "low")) == ["b"]
        assert await found(device_ids=("a",)) == ["a"]
        assert await found(text="too COLD") == ["b"]
        assert await found(text="%") == []
        assert await found(from_ms=NOW_MS + 2000) == ["b"]
        summary = await alarms.summary()
        assert (summary.active, summary.unacknowledged) == (1, 2)
        assert summary.by_priority == {"critical": 0, "high": 1, "medium": 0, "low": 0}
        listed = [page async for page in alarms.iter(ANY)]
        assert sum(map(len, listed)) == 2


async def test_who_may_not(node: Node) -> None:
    await node.feed(readings((1, 85.0)))
    alarm = await node.one()
    with pytest.raises(Denied):
        await node.alarms.acknowledge([alarm.id], Actor("per_wang", "Wang", frozenset({"alarms:read"})))
    with pytest.raises(NotFound):
        await node.alarms.get("alm_none")
    with pytest.raises(NotFound):
        await node.alarms.comment("alm_none", LI, "x")
    with pytest.raises(Invalid):
        await node.alarms.acknowledge([str(number) for number in range(1001)], LI)
    assert (await node.alarms.comment(alarm.id, LI, "x")).transition is None


async def test_evidence_is_frozen_then_completed(node: Node, clock: ManualClock) -> None:
    before = readings(*[(second, 70.0) for second in range(-400, 0)])
    history = History(before, readings((0, 85.0)))
    collector = EvidenceCollector(node.alarms.cases, history, clock, OperationsSettings())
    await node.feed(readings((0, 85.0)))
    alarm = await node.one()
    document, complete = await node.alarms.evidence(alarm.id)
    assert (document["limit_high"], document["limit_low"], document["trigger_value"]) == (80.0, None, 85.0)
    assert not complete
    assert await collector.collect() == 0  # the historian still buffers
    clock.advance(3)
    assert await collector.collect() == 1
    document, complete = await node.alarms.evidence(alarm.id)
    assert (document["from_ms"], document["to_ms"]) == (NOW_MS - 300_000, NOW_MS)
    assert (len(document["time_ms"]), document["value"][-2:], complete) == (301, [70.0, 85.0], False)
    history.add(readings(*[(second, 90.0) for second in range(1, 100)]))
    clock.advance(59)
    assert await collector.collect() == 0
    clock.advance(1)
    assert await collector.collect() == 1
    document, complete = await node.alarms.evidence(alarm.id)
    assert (len(document["time_ms"]), document["to_ms"], complete) == (361, NOW_MS + 60_000, True)
    assert document["time_ms"] == sorted(document["time_ms"])
    assert await collector.collect() == 0


async def test_evidence_left_by_a_former_run_is_completed_at_once(node: Node, clock: ManualClock) -> None:
    await node.feed(readings((0, 85.0)))
    clock.advance(3600)
    history = History(readings((0, 85.0), (1, 86.0)))
    assert await EvidenceCollector(node.alarms.cases, history, clock, OperationsSettings()).collect() == 1
    document, complete = await node.alarms.evidence((await node.one()).id)
    assert (document["value"], complete) == ([85.0, 86.0], True)


async def test_stale_alarms_pass_through_too(records: Records, clock: ManualClock) -> None:
    async with Node(records, clock, Plan([rule(Stale(after_s=10))], [subject()])) as node:
        clock.advance(11)
        node.writer.put(node.evaluator.tick(), node.evaluator.take_dirty())
        await node.writer.flush()
        alarm = await node.one()
        assert (alarm.condition_kind, alarm.unit, alarm.limit) == ("stale", "s", 10.0)
    async with Node(records, clock, Plan([rule(Stale(after_s=10))], [subject()])) as node:
        assert node.evaluator.tick() == []  # open already
        clock.advance(1)
        await node.feed(readings((12, 1.0)))
        assert (await node.one()).state == "returned_unacknowledged"
