"""Alarms in the historian role: every decoded batch passes through here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from millwright.cases import Case, Filter
from millwright.engines.sql import Records
from millwright.historian import ReadingBatch
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end
from millwright.operations import store
from millwright.operations.alarms import KIND, Alarms, announce
from millwright.operations.evaluation import NO_LONGER_WATCHED, Evaluator, Phase, Plan, covers, kind_of
from millwright.operations.evidence import EvidenceCollector, ReadingSource
from millwright.operations.model import (
    ACTIVE_STATES,
    Change,
    Directory,
    Judges,
    Returned,
    Rule,
    Subject,
    WatchKey,
    WatchState,
)
from millwright.operations.rules import RULES_CHANGED
from millwright.operations.settings import OperationsSettings
from millwright.operations.writer import AlarmWriter, Keep

logger = logging.getLogger(__name__)

_TICK_S = 0.1
_STATES_S = 1.0
_POLL_S = 2.0
_PAGE = 1000


class Others(NamedTuple):
    """What edges judge, or judged: ``open`` are their active alarms that are watched here, ``left`` those that nobody
    watches any more. ``doubtful``: watches that are new here and were somebody else's."""

    judges: Judges
    rules: dict[str, Rule]
    subjects: dict[str, Subject]
    open: list[WatchState]
    left: list[WatchKey]
    doubtful: list[WatchKey]

    def mark(self, changes: Iterable[Change]) -> list[Change]:
        """Tell what ended from what an edge goes on with."""
        return [
            replace(change, handed_to=self.judge(change.key)) if isinstance(change, Returned) else change
            for change in changes
        ]

    def judge(self, key: WatchKey) -> str | None:
        """The edge that watches it now."""
        rule, subject = self.rules.get(key.rule_id), self.subjects.get(key.device_id)
        if rule is None or subject is None or (rule.property, kind_of(rule)) != (key.property, key.kind):
            return None
        return self.judges.find(rule, subject) if covers(rule, subject) else None


def _watch_of(case: Case) -> WatchState:
    data = case.data
    key = WatchKey(data["rule_id"], case.subject, data["property"], data["condition_kind"])
    at_ms, value, limit = data["last_occurrence_ms"], data["trigger_value"], data["limit"]
    high_side = value is None or limit is None or value >= limit
    return WatchState(key, Phase.ACTIVE, at_ms, at_ms, value, at_ms, high_side)


class AlarmWorker:
    """Evaluates readings, raises alarms.

    The pipeline calls :meth:`evaluate` with each batch, and awaits :meth:`flush` before it acknowledges the frames
    the batches came from: then an alarm is durable before its cause is forgotten. ``lag_s`` tells how far the pipeline
    is behind receipt; silence is not held against a device while its readings wait there. ``keep``: see
    :class:`AlarmWriter`. ``has_edges``: edges judge, too.
    """

    def __init__(
        self,
        records: Records,
        bus: Bus,
        historian: ReadingSource,
        directory: Directory,
        clock: Clock,
        settings: OperationsSettings | None = None,
        *,
        lag_s: Callable[[], float] = lambda: 0.0,
        keep: Keep | None = None,
        has_edges: bool = False,
    ) -> None:
        settings = settings or OperationsSettings()
        self._records = records
        self._bus = bus
        self._directory = directory
        self._lag_s = lag_s
        self._rules = store.RuleStore(records)
        self._alarms = Alarms(records, bus, clock)
        self._evaluator = Evaluator(clock, backfill_s=settings.backfill_s)
        self._clock = clock
        self._has_edges = has_edges
        self._writer = AlarmWriter(
            self._alarms.cases, clock, lambda alarms: announce(bus, alarms), keep, shared=has_edges
        )
        self._evidence = EvidenceCollector(self._alarms.cases, historian, clock, settings)
        self._seen: tuple[int, int] = (-1, -1)
        self._reload = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: list[Unsubscribe] = []
        self._ready = False
        self._rules_active = 0
        self._problem: dict[str, Any] | None = None
        self.evaluate_s = 0.0
        """Seconds spent in :meth:`evaluate`."""

    async def start(self) -> None:
        """Load rules and the states of the former run; begin to write, to tick and to watch for changed rules."""
        self._seen, plan, others = await asyncio.to_thread(self._build)
        states = await asyncio.to_thread(store.load_watches, self._records)
        self._evaluator.adopt(plan)
        lost = self._evaluator.restore(states)
        known = {state.key for state in states}
        self._evaluator.unsettle(key for key in others.doubtful if key not in known)
        self._evaluator.take_over(others.open)
        await asyncio.to_thread(self._forget, [state.key for state in states if state.key not in plan.slots], set(lost))
        now_ms = self._clock.now_ms()
        self._writer.put(
            others.mark([Returned(key, now_ms, NO_LONGER_WATCHED) for key in [*lost, *others.left]]),
            [WatchState(key, Phase.NORMAL, now_ms, now_ms) for key in lost] + self._evaluator.take_dirty(),
        )
        await self._writer.start()
        for subject in (RULES_CHANGED, "events.devices.changed"):
            self._unsubscribe.append(await self._bus.subscribe(subject, self._on_change))
        self._ready = True
        self._tasks = [
            asyncio.create_task(self._repeat("alarm timers", self._tick_forever)),
            asyncio.create_task(self._repeat("reloading rules", self._reload_forever)),
            asyncio.create_task(self._evidence.run()),
        ]

    async def stop(self) -> None:
        """Stop watching; write what is known."""
        for unsubscribe in self._unsubscribe:
            await unsubscribe()
        await end(*self._tasks)
        self._tasks, self._unsubscribe = [], []
        if self._ready:
            self._writer.put((), self._evaluator.take_dirty())
            await self._writer.stop()
            self._ready = False

    def evaluate(self, batch: ReadingBatch) -> None:
        """Judge readings; returns at once, what they raise is written behind."""
        began = time.perf_counter()
        changes = self._evaluator.evaluate(batch)
        if changes:
            self._writer.put(changes, self._evaluator.take_dirty())
        self.evaluate_s += time.perf_counter() - began

    async def flush(self) -> None:
        """Return when everything evaluated so far is durable; waits while the database is away."""
        self._writer.put((), self._evaluator.take_dirty())
        await self._writer.flush()

    def tick(self) -> None:
        """Let time pass: delays that are over, data gone stale."""
        changes = self._evaluator.tick(lag_s=self._lag_s())
        if changes:
            self._writer.put(changes, self._evaluator.take_dirty())

    async def reload(self) -> bool:
        """Watch by the rules and devices as they are now; returns whether they had changed."""
        seen = await asyncio.to_thread(self._revisions)
        if seen == self._seen:
            return False
        seen, plan, others = await asyncio.to_thread(self._build)
        if others.doubtful:  # what was known of them when they were watched here before is not what is now
            await self.flush()
            await asyncio.to_thread(self._forget, others.doubtful, set())
        now_ms = self._clock.now_ms()
        gone = [*self._evaluator.adopt(plan), *(Returned(key, now_ms, NO_LONGER_WATCHED) for key in others.left)]
        changes = others.mark(gone)
        self._evaluator.unsettle(others.doubtful)
        self._evaluator.take_over(others.open)
        self._writer.put(changes, self._evaluator.take_dirty())
        self._seen = seen
        return True

    # --- state ---------------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, int | float]:
        """For the role's ``stats`` message."""
        return {
            "alarms_written": self._writer.written,
            "alarms_coalesced": self._writer.coalesced,
            "rules_evaluate_s": round(self.evaluate_s, 3),
        }

    def gauges(self) -> dict[str, int]:
        """For the role's ``stats`` message."""
        return {
            "alarms_pending": self._writer.pending,
            "rules_watching": self._evaluator.watching,
            "rules_active": self._rules_active,
        }

    def problems(self) -> list[dict[str, Any]]:
        """For the role's ``stats`` message: why alarms or rules are behind, if they are."""
        return [problem for problem in (self._problem, self._writer.problem) if problem is not None]

    # --- behind --------------------------------------------------------------------------------------------------

    def _revisions(self) -> tuple[int, int]:
        return self._rules.revision(), self._directory.revision()

    def _build(self) -> tuple[tuple[int, int], Plan, Others]:
        seen = self._revisions()  # first: what changes meanwhile is found by the next poll
        rules = [rule for rule in self._rules.every() if rule.enabled]
        self._rules_active = len(rules)
        model_ids = {rule.scope.model_id for rule in rules if rule.scope.model_id is not None}
        device_ids = {rule.scope.device_id for rule in rules if rule.scope.device_id is not None}
        subjects, judges = self._directory.subjects(model_ids, device_ids), self._directory.elsewhere()
        plan = Plan(rules, subjects, judges if judges.token else None)
        before = self._evaluator.plan
        plan.carried_from(before)
        above = self._rules.from_above()
        doubtful = [key for key in plan.slots if key.rule_id in above and key not in before.slots] if above else []
        others = Others(
            judges, {rule.id: rule for rule in rules}, {each.id: each for each in subjects}, [], [], doubtful
        )
        for state in self._judged_at_edges() if self._has_edges else ():
            if state.key in plan.slots:
                others.open.append(state)
            elif others.judge(state.key) is None:
                others.left.append(state.key)
        return seen, plan, others

    def _judged_at_edges(self) -> list[WatchState]:
        """The active alarms that an edge judged, as watches."""
        wanted, found = Filter(kind=KIND, states=ACTIVE_STATES), list[WatchState]()
        cursor: str | None = None
        while True:
            page = self._alarms.cases.page(wanted, cursor=cursor, limit=_PAGE)
            found += [_watch_of(case) for case in page.items if case.data.get("edge_id") is not None]
            cursor = page.next
            if cursor is None:
                return found

    def _forget(self, unwatched: list[WatchKey], active: set[WatchKey]) -> None:
        with self._records.begin() as connection:
            store.remove_watches(connection, [key for key in unwatched if key not in active])

    async def _on_change(self, _subject: str, _payload: bytes) -> None:
        self._reload.set()

    async def _tick_forever(self) -> None:
        since_states = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            self.tick()
            if time.monotonic() - since_states >= _STATES_S:
                since_states = time.monotonic()
                self._writer.put((), self._evaluator.take_dirty())

    async def _reload_forever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._reload.wait()
            self._reload.clear()
            began = time.monotonic()
            await self.reload()
            self._problem = None
            await asyncio.sleep(min(_POLL_S, 5 * (time.monotonic() - began)))  # bursts of changes load once

    async def _repeat(self, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await work()
            except MillwrightError as error:
                if self._problem is None:
                    logger.warning("%s waits: %s", what, error.message)
                    self._problem = {
                        "code": error.code,
                        "message": f"{what} waits: {error.message}",
                        "hint": error.hint,
                        "since_ms": self._clock.now_ms(),
                    }
            except Exception:
                logger.exception("%s failed; it goes on", what)
            await asyncio.sleep(1.0)
