"""Rules and alarms between an edge and its parent, in the records of both, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright import cases, operations
from millwright.cases import Actor
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Invalid, Lifecycle, ManualClock, Unavailable
from millwright.kernel.scope import EVERYTHING
from millwright.operations import AlarmFilter, Alarms, RuleStore, Scope
from millwright.operations.at_edges import AlarmsTeller, EdgeAlarms, EdgeRules, Outbox, RuleApplier
from millwright.operations.evaluation import Evaluator, Plan
from millwright.operations.worker import AlarmWorker
from millwright.operations.writer import AlarmWriter
from support.bus import LocalBus
from support.operations import NOW_MS, History, Plant, readings, rule, subject
from support.sqlite import migrated

MIGRATIONS = [cases.MIGRATIONS, operations.MIGRATIONS]
LI = Actor("per_li", "Li", frozenset({"alarms:acknowledge"}))


class Edge:
    """Judges readings by its rules, and tells over a link that may be cut, or lose the answer."""

    def __init__(self, records: Records, parent: EdgeAlarms) -> None:
        self.clock = ManualClock(NOW_MS)
        alarms = Alarms(records, LocalBus(), self.clock)
        self.writer = AlarmWriter(alarms.cases, self.clock, lambda _alarms: None, Outbox().keep)  # type: ignore[arg-type,return-value]  # not started
        self.evaluator = Evaluator(self.clock)
        self.evaluator.adopt(Plan(RuleStore(records).every(), [subject()]))
        self.teller = AlarmsTeller(records, self)  # type: ignore[arg-type]  # what it asks of the link
        self.cut = self.deaf = False
        self._parent = parent

    def feed(self, *values: tuple[float, Any]) -> None:
        """Readings, one after the other."""
        for each in values:
            changes = self.evaluator.evaluate(readings(each))
            self.writer.write(changes, self.evaluator.take_dirty())

    async def request(self, _subject: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The link."""
        del timeout_s
        if self.cut:
            raise Unavailable("It is cut.", code="engines.nats_unavailable")
        answer = await self._parent.take("edge_1", payload)
        if self.deaf:
            raise Unavailable("The answer was lost.", code="engines.nats_unavailable")
        return answer


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Records]:
    made = migrated(tmp_path / "edge", MIGRATIONS, EVERYTHING)
    yield made
    made.close()


async def test_what_begins_and_ends_at_an_edge_is_the_parents_once(records: Records, own: Records) -> None:
    parent_rules = RuleStore(records)
    parent_rules.insert(rule())
    plant = Plant(subject())
    clock = ManualClock(NOW_MS)
    bus = LocalBus()
    hearing = EdgeAlarms(records, plant, lambda _edge: {"d1"}, bus, clock)
    chosen = EdgeRules(records, plant).read(["d1"])
    assert RuleApplier(own).apply(chosen) == (1, [])
    edge = Edge(own, hearing)
    alarms = Alarms(records, bus, clock)

    async def seen() -> list[tuple[str, int, bool, str | None]]:
        page = await alarms.page(AlarmFilter())
        return [(each.state, each.occurrences, each.active, each.edge_id) for each in page.items]

    edge.feed((0, 90.0))
    await edge.teller.tell()
    assert await seen() == [("unacknowledged", 1, True, "edge_1")]
    edge.cut = True
    edge.feed((1, 20.0), (2, 95.0), (3, 20.0))
    with pytest.raises(Unavailable):
        await edge.teller.tell()
    assert await seen() == [("unacknowledged", 1, True, "edge_1")]
    edge.cut, edge.deaf = False, True
    with pytest.raises(Unavailable):
        await edge.teller.tell()
    after = [("returned_unacknowledged", 2, False, "edge_1")]
    assert await seen() == after
    # A person closes it; what is told again because the answer was lost opens nothing.
    (alarm,) = (await alarms.page(AlarmFilter())).items
    await alarms.acknowledge([alarm.id], LI)
    edge.deaf = False
    await edge.teller.tell()
    assert [each[0] for each in await seen()] == ["normal"]
    edge.feed((4, 99.0))
    await edge.teller.tell()
    assert sorted(each[0] for each in await seen()) == ["normal", "unacknowledged"]


async def test_rules_of_the_edge_itself_are_its_own(records: Records, own: Records) -> None:
    store = RuleStore(own)
    store.insert(rule(id="own"))
    applier = RuleApplier(own)
    above = msgspec.to_builtins(rule(id="r2", organisation_id="org_works"))
    strange = {**msgspec.to_builtins(rule(id="r3")), "condition": {"kind": "phase_of_the_moon"}}
    in_force, refused = applier.apply([above, strange])
    assert (in_force, [(each.id, each.code) for each in refused]) == (1, [("r3", "operations.rule_unreadable")])
    assert {each.id: each.organisation_id for each in store.every()} == {"own": ROOT, "r2": ROOT}
    before = store.revision()
    applier.apply([above])
    assert store.revision() == before, "the same again changes nothing"
    applier.apply([])
    assert [each.id for each in store.every()] == ["own"]
    # What they raise is not told: the parent does not know them.
    hearing = EdgeAlarms(records, Plant(subject()), lambda _edge: {"d1"}, LocalBus(), ManualClock(NOW_MS))
    edge = Edge(own, hearing)
    edge.cut = True
    edge.feed((0, 90.0))
    await edge.teller.tell()


async def test_an_edge_speaks_for_its_devices_and_by_the_parents_rules(records: Records) -> None:
    store, plant, bus, clock = RuleStore(records), Plant(subject()), LocalBus(), ManualClock(NOW_MS)
    store.insert(rule())
    store.insert(rule(id="r9", scope=Scope(device_id="d2"), organisation_id="org_other"))
    store.insert(rule(id="r5", scope=Scope(device_id="d2")))
    store.insert(rule(id="r6", scope=Scope(model_id="fan")))
    hearing = EdgeAlarms(records, plant, lambda _edge: {"d1"}, bus, clock)
    change = {
        "rule_id": "r1", "device_id": "d1", "property": "temperature", "kind": "limit",
        "raised": True, "at_ms": NOW_MS, "value": 90.0,
    }  # fmt: skip
    wrong = [
        {**change, "device_id": "d2", "rule_id": "r9"},
        {**change, "rule_id": "r7"},
        {**change, "property": "pressure"},
        {**change, "kind": "stale"},
        {**change, "rule_id": "r9"},
        {**change, "rule_id": "r5"},
        {**change, "rule_id": "r6"},
    ]

    async def tell(*changes: dict[str, Any], first: int = 1) -> None:
        told = [[number, each] for number, each in enumerate(changes, first)]
        await hearing.take("edge_1", msgspec.msgpack.encode({"changes": [{"number": n, "change": c} for n, c in told]}))

    await tell(*wrong)
    assert (await Alarms(records, bus, clock).page(AlarmFilter())).items == []
    await tell({**change, "at_ms": NOW_MS + 10**9}, first=10)
    (alarm,) = (await Alarms(records, bus, clock).page(AlarmFilter())).items
    assert alarm.raised_ms == NOW_MS + 60_000, "a clock that is ahead does not raise alarms in the future"
    many = msgspec.msgpack.encode({"changes": [{"number": 20 + n, "change": change} for n in range(501)]})
    for garbage in (many, b"", b"\xc1", b"x" * 3_000_000):
        with pytest.raises(Invalid) as refused:
            await hearing.take("edge_1", garbage)
        assert refused.value.code == "devices.edge_message_invalid"


async def test_a_long_report_of_one_edge_keeps_no_other_waiting(records: Records) -> None:
    RuleStore(records).insert(rule())
    held, entered = threading.Event(), threading.Event()

    def members(edge_id: str) -> set[str]:
        if edge_id == "edge_1":
            entered.set()
            assert held.wait(30)
        return {"d1"} if edge_id == "edge_2" else set()

    hearing = EdgeAlarms(records, Plant(subject()), members, LocalBus(), ManualClock(NOW_MS))
    change = {"rule_id": "r1", "device_id": "d1", "property": "temperature", "kind": "limit",
              "raised": True, "at_ms": NOW_MS, "value": 90.0}  # fmt: skip
    report = msgspec.msgpack.encode({"changes": [{"number": 1, "change": change}]})
    slow = asyncio.create_task(hearing.take("edge_1", report))
    try:
        assert await asyncio.to_thread(entered.wait, 30)
        async with asyncio.timeout(20):
            await hearing.take("edge_2", report)
        assert not slow.done()
    finally:
        held.set()
        await slow


class Both:
    """A parent's worker and an edge, that judge one device by turns."""

    def __init__(self, records: Records, own: Records) -> None:
        self.clock, self.bus = ManualClock(NOW_MS), LocalBus()
        self.rules, self.plant = RuleStore(records), Plant(subject())
        self.rules.insert(rule())
        hearing = EdgeAlarms(records, Plant(subject()), lambda _edge: {"d1"}, self.bus, self.clock)
        RuleApplier(own).apply(EdgeRules(records, self.plant).read(["d1"]))
        self.edge = Edge(own, hearing)
        self.alarms = Alarms(records, self.bus, self.clock)
        self.worker = AlarmWorker(records, LocalBus(), History(), self.plant, self.clock, has_edges=True)

    async def let_judge(self, *devices: str) -> None:
        """Edges judge these from now on."""
        self.plant.let_judge(*devices)
        await self.worker.reload()
        await self.worker.flush()

    async def parent(self, *values: tuple[float, Any]) -> None:
        """Readings at the parent."""
        self.worker.evaluate(readings(*values))
        await self.worker.flush()

    async def at_edge(self, *values: tuple[float, Any]) -> None:
        """Readings at the edge, and what comes of them told."""
        self.edge.feed(*values)
        await self.edge.teller.tell()

    async def edge_loses(self) -> None:
        """The edge has the rule no more."""
        self.edge.writer.write(self.edge.evaluator.adopt(Plan((), ())), self.edge.evaluator.take_dirty())
        await self.edge.teller.tell()

    async def seen(self) -> list[tuple[str, str | None]]:
        """The alarms and who judges."""
        return [(each.state, each.edge_id) for each in (await self.alarms.page(AlarmFilter())).items]


async def test_an_alarm_of_an_edge_outlives_that_the_parent_judges_for_a_while(records: Records, own: Records) -> None:
    both = Both(records, own)
    both.plant.let_judge("d1")
    async with Lifecycle(both.worker):
        await both.at_edge((0, 90.0))
        raised = [("unacknowledged", "edge_1")]
        assert await both.seen() == raised
        await both.let_judge()
        await both.parent((1, 91.0))
        await both.at_edge((1, 91.0))
        await both.let_judge("d1")
        await both.at_edge((2, 95.0))
        assert await both.seen() == raised
        await both.at_edge((3, 20.0))
        assert await both.seen() == [("returned_unacknowledged", "edge_1")]
        await both.at_edge((4, 90.0))
        assert await both.seen() == raised


@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "restarts"])
async def test_who_takes_over_an_active_alarm_ends_it(records: Records, own: Records, restart: bool) -> None:
    both = Both(records, own)
    both.plant.let_judge("d1")
    async with Lifecycle(both.worker):
        await both.at_edge((0, 90.0))
        if not restart:
            await both.let_judge()
            await both.edge_loses()
            assert await both.seen() == [("unacknowledged", "edge_1")], "it is judged here now"
            await both.parent((5, 20.0))
    if restart:
        both.plant.let_judge()
        both.worker = AlarmWorker(records, LocalBus(), History(), both.plant, both.clock, has_edges=True)
        async with Lifecycle(both.worker):
            await both.worker.flush()
            await both.edge_loses()
            assert await both.seen() == [("unacknowledged", "edge_1")]
            await both.parent((5, 20.0))
    assert await both.seen() == [("returned_unacknowledged", "edge_1")]


async def test_what_nobody_watches_any_more_ends_whoever_judged_it(records: Records, own: Records) -> None:
    both = Both(records, own)
    both.plant.let_judge("d1")
    async with Lifecycle(both.worker):
        await both.at_edge((0, 90.0))
        await both.let_judge()
        assert both.rules.delete("r1")
        await both.let_judge("d1")
        assert await both.seen() == [("returned_unacknowledged", "edge_1")]


@pytest.mark.parametrize("first", ["edge", "parent"])
async def test_an_edge_that_begins_to_judge_goes_on_with_what_is_active(
    records: Records, own: Records, first: str
) -> None:
    both = Both(records, own)
    async with Lifecycle(both.worker):
        await both.parent((0, 90.0))
        assert await both.seen() == [("unacknowledged", None)]
        if first == "edge":  # its first reading comes before the parent has stopped judging
            await both.at_edge((1, 91.0))
        await both.let_judge("d1")
        await both.at_edge((2, 92.0))
        assert await both.seen() == [("unacknowledged", "edge_1")]
        await both.at_edge((3, 20.0))
        assert await both.seen() == [("returned_unacknowledged", "edge_1")]
