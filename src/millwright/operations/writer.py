"""Alarm changes written in batches by a thread, so that evaluation never waits for the database.

Nothing is lost while the database is slow or away: changes wait in memory, at most a few for each cause (a cause that
chatters meanwhile is counted, not queued), and :meth:`AlarmWriter.flush` tells the pipeline when what it evaluated is
durable, so that it acknowledges only then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from millwright.cases import SYSTEM, Case, Cases, CaseSession
from millwright.kernel import Clock, Unavailable
from millwright.operations import messages, store
from millwright.operations.alarms import KIND, alarm_of
from millwright.operations.evaluation import AHEAD_MS, NO_LONGER_WATCHED, kind_of
from millwright.operations.model import (
    ACTIVE_STATES,
    PRIORITIES,
    Alarm,
    Change,
    Raised,
    Returned,
    WatchKey,
    WatchState,
)

logger = logging.getLogger(__name__)

Keep = Callable[[sa.Connection, Sequence[Change], int], None]

_QUEUED_PER_CAUSE = 8
_BATCH = 2000
_CLOSED_LOOKED_AT = 50
_RETRY_S = (0.1, 0.5, 1.0, 2.0)


class AlarmWriter:
    """A queue of changes and the task that writes them. ``keep`` is given those that changed something, or settle what
    somebody else believes, to be kept in the same transaction for somebody else. ``shared``: others judge the same
    readings for a while; what they told is not written again."""

    def __init__(
        self,
        cases: Cases,
        clock: Clock,
        publish: Callable[[Sequence[Alarm]], Awaitable[None]],
        keep: Keep | None = None,
        *,
        shared: bool = False,
    ) -> None:
        self._cases, self._keep, self._shared = cases, keep, shared
        self._clock = clock
        self._publish = publish
        self._changes: dict[WatchKey, list[Change]] = {}
        self._states: dict[WatchKey, WatchState] = {}
        self._wanted = asyncio.Event()
        self._written = asyncio.Condition()
        self._queued = 0
        self._done = 0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._away_since_ms = 0
        self.written = 0
        """Alarms written, once for each transaction that changed them."""
        self.coalesced = 0
        """Changes counted into another one of their cause, because it chattered while they waited."""

    @property
    def pending(self) -> int:
        """How many changes wait."""
        return sum(len(queue) for queue in self._changes.values())

    @property
    def problem(self) -> dict[str, Any] | None:
        """Why alarms are not written now, if they are not; as in a role's ``stats`` message."""
        if not self._away_since_ms:
            return None
        return {
            "code": "operations.alarms_waiting",
            "message": f"{self.pending} alarm changes wait for the records database.",
            "hint": "They are written when it answers; check disk space and [sql] url.",
            "since_ms": self._away_since_ms,
        }

    async def start(self) -> None:
        """Start writing."""
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what waits, unless the database is away, and stop."""
        self._stopping = True
        self._wanted.set()
        if self._task is not None:
            await self._task
            self._task = None

    def put(self, changes: Iterable[Change], states: Iterable[WatchState]) -> None:
        """Queue changes and the states that go with them; returns at once."""
        for change in changes:
            queue = self._changes.setdefault(change.key, [])
            queue.append(change)
            if len(queue) > _QUEUED_PER_CAUSE:
                self.coalesced += _coalesce(queue)
        for state in states:
            self._states[state.key] = state
        if self._changes or self._states:
            self._queued += 1
            self._wanted.set()

    async def flush(self) -> None:
        """Return when everything put so far is committed; waits while the database is away."""
        target = self._queued
        async with self._written:
            await self._written.wait_for(lambda: self._done >= target)

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            target = self._queued
            changes, self._changes = self._changes, {}
            states, self._states = self._states, {}
            if not await self._write_all([change for queue in changes.values() for change in queue], states):
                return
            async with self._written:
                self._done = target
                self._written.notify_all()
            if self._stopping and not self._wanted.is_set():
                return

    async def _write_all(self, changes: list[Change], states: dict[WatchKey, WatchState]) -> bool:
        for start in range(0, len(changes), _BATCH):
            part = changes[start : start + _BATCH]
            theirs = [states.pop(key) for key in {change.key for change in part} if key in states]
            if not await self._write(part, theirs):
                return False
        rest = list(states.values())
        return not rest or await self._write([], rest)

    async def _write(self, changes: list[Change], states: list[WatchState]) -> bool:
        attempt = 0
        while True:
            try:
                alarms = await asyncio.to_thread(self.write, changes, states)
            except Unavailable as error:
                if attempt == 0:
                    self._away_since_ms = self._clock.now_ms()
                    logger.warning("alarms wait for the database: %s", error.message)
                if self._stopping:
                    logger.error("stopped with %d alarm changes not written; they are evaluated again", len(changes))
                    return False
                await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
                attempt += 1
            except Exception:
                if len(changes) <= 1:
                    logger.exception("an alarm change cannot be written: %r", changes)
                    return True
                half = len(changes) // 2  # find the one that cannot be written
                return await self._write(changes[:half], []) and await self._write(changes[half:], states)
            else:
                if self._away_since_ms:
                    self._away_since_ms = 0
                    logger.info("alarms are written again")
                await self._publish(alarms)
                return True

    def write(
        self,
        changes: Sequence[Change],
        states: Sequence[WatchState],
        *,
        also: Callable[[sa.Connection], None] | None = None,
    ) -> list[Alarm]:
        """One transaction, ``also`` in it: the alarms that changed, in the order of their change. Synchronous."""
        touched: dict[str, Case] = {}
        told: list[Change] = []
        with self._cases.begin() as session:
            causes = {change.key: change.key.cause() for change in changes}
            open_cases = session.find_open(KIND, causes.values())
            for change in changes:
                cause = causes[change.key]
                case = self._apply(session, open_cases.get(cause), change, cause)
                if case is None:
                    if change.settles:
                        told.append(change)
                    continue
                touched[case.id] = case
                told.append(change)
                if case.cause is None:
                    del open_cases[cause]
                else:
                    open_cases[cause] = case
            session.flush()
            store.put_watches(session.connection, states)
            if self._keep is not None and told:
                self._keep(session.connection, told, session.now_ms)
            if also is not None:
                also(session.connection)
        self.written += len(touched)
        return [alarm_of(case) for case in touched.values()]

    def _apply(self, session: CaseSession, case: Case | None, change: Change, cause: str) -> Case | None:
        if self._shared and isinstance(change, Raised) and case is None:
            session.flush()
            closed = session.latest_closed(KIND, change.key.device_id, _CLOSED_LOOKED_AT)
            ended = next((each for each in closed if _key_of(each) == change.key), None)
            if ended is not None and _is_known(ended, change, session.now_ms):
                return None
        return _apply(session, case, change, cause)


def _apply(session: CaseSession, case: Case | None, change: Change, cause: str) -> Case | None:
    if isinstance(change, Raised):
        if case is None:
            return _open(session, change, cause)
        if _is_known(case, change, session.now_ms):
            return None
        if case.state == "returned_unacknowledged":
            data = _occurrence(change) | {
                "occurrences": case.data["occurrences"] + change.occurrences,
                "returned_ms": None,
                "edge_id": change.edge_id,
            }
            return session.fire(case, "reoccur", SYSTEM, data=data)
        if change.edge_id not in (None, case.data.get("edge_id")):
            return session.amend(case, {"edge_id": change.edge_id})  # it is this edge that will say when it ends
        return None  # written before a crash and evaluated again, or judged by an edge
    if case is None or case.state not in ACTIVE_STATES or _is_of_another(case, change):
        return None
    if change.handed_to is not None:
        return session.amend(case, {"edge_id": change.handed_to})
    if _is_known(case, change, session.now_ms):
        return None
    return session.fire(case, "return", SYSTEM, comment=change.comment, data={"returned_ms": change.at_ms})


def _is_of_another(case: Case, change: Returned) -> bool:
    """Whether who watches no longer is not who judges: the alarm goes on there."""
    if change.comment != NO_LONGER_WATCHED:
        return False
    judge = case.data.get("edge_id")
    return judge == change.handed_to if change.handed_to is not None else change.edge_id not in (None, judge)


def _is_known(case: Case, change: Change, now_ms: int) -> bool:
    """Whether somebody else, who judged the same readings, has told of it or of what came after.

    As with late readings: what is known of a time far ahead was told by a wrong clock, and holds up nothing.
    """
    if change.edge_id == case.data.get("edge_id") or (isinstance(change, Returned) and change.comment):
        return False  # what ended for another reason than its value ended when we heard that
    known_ms = max(case.data["last_occurrence_ms"], case.data["returned_ms"] or 0)
    return bool(change.at_ms <= known_ms <= now_ms + AHEAD_MS)


def _key_of(case: Case) -> WatchKey:
    return WatchKey(case.data["rule_id"], case.subject, case.data["property"], case.data["condition_kind"])


def _occurrence(change: Raised) -> dict[str, Any]:
    english, chinese = messages.render(change)
    return {
        "message": english,
        "message_zh": chinese,
        "trigger_value": change.value,
        "limit": change.limit,
        "unit": change.unit,
        "last_occurrence_ms": change.at_ms,
    }


def _open(session: CaseSession, change: Raised, cause: str) -> Case:
    rule, subject = change.rule, change.subject
    data = _occurrence(change) | {
        "rule_id": rule.id,
        "rule_name": rule.name,
        "device_name": subject.name,
        "property": rule.property,
        "condition_kind": kind_of(rule),
        "returned_ms": None,
        "acknowledged_ms": None,
        "acknowledged_by": None,
        "occurrences": change.occurrences,
        "edge_id": change.edge_id,
    }
    words = (data["message"], data["message_zh"], rule.name, subject.name, rule.property)
    case = session.open(
        KIND,
        id_prefix="alm",
        subject=subject.id,
        actor=SYSTEM,
        priority=PRIORITIES.index(rule.priority) + 1,
        cause=cause,
        opened_ms=change.at_ms,
        search="\n".join(words),
        data=data,
        noted={name: data[name] for name in ("trigger_value", "last_occurrence_ms")},
        organisation_id=subject.organisations[-1],
    )
    session.keep_evidence(case.id, evidence_of(change, session.now_ms), complete=False)
    return case


def evidence_of(change: Raised, now_ms: int) -> dict[str, Any]:
    """What is frozen when an alarm is raised: where to look, the limits, and the reading that began it."""
    condition = change.rule.condition
    return {
        "device_id": change.subject.id,
        "property": change.rule.property,
        "unit": change.subject.units.get(change.rule.property),
        "limit_high": getattr(condition, "high", None),
        "limit_low": getattr(condition, "low", None),
        "condition_kind": kind_of(change.rule),
        "raised_ms": change.at_ms,
        "recorded_ms": now_ms,
        "trigger_ms": change.trigger_ms,
        "trigger_value": change.value,
    }


def _coalesce(queue: list[Change]) -> int:
    """Join an end with the beginnings around it into one; returns how many changes that saved.

    The first beginning stays as it is: it may open the alarm, and tells when the cause first held.
    """
    for index in range(2, len(queue) - 2):
        before, _, again = queue[index : index + 3]
        if isinstance(before, Raised) and isinstance(again, Raised):
            again.occurrences += before.occurrences
            del queue[index : index + 2]
            return 2
    return 0
