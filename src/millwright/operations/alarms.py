"""Alarms: the ISA-18.2 workflow on cases, and what people do with them."""

from __future__ import annotations

import logging
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from millwright.cases import Actor, Case, Cases, Entry, Filter, Page, Transition, Workflow
from millwright.engines.sql import Records
from millwright.kernel import Bus, Clock, Invalid, NotFound, Unavailable
from millwright.ledger import note
from millwright.operations.model import (
    ACTIVE_STATES,
    OPEN_STATES,
    PRIORITIES,
    UNACKNOWLEDGED_STATES,
    Alarm,
    AlarmState,
    Priority,
)

KIND = "alarm"

WORKFLOW = Workflow(
    kind=KIND,
    initial="unacknowledged",
    closed=frozenset({"normal"}),
    transitions=(
        Transition(
            "acknowledge",
            {"unacknowledged": "acknowledged", "returned_unacknowledged": "normal"},
            rights=frozenset({"alarms:acknowledge"}),
        ),
        Transition("return", {"unacknowledged": "returned_unacknowledged", "acknowledged": "normal"}),
        Transition("reoccur", {"returned_unacknowledged": "unacknowledged"}),
    ),
)
"""ISA-18.2 §5.2.3 without latching: UNACK, ACKED, RTN-UNACK, NORM."""

EVENTS = "events.alarms"
"""Every change of an alarm's state: the :class:`Alarm` as a msgpack map."""

_PAGE = 1000

logger = logging.getLogger(__name__)


class AlarmFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which alarms; every given condition must hold. Times bound ``raised_ms``."""

    states: tuple[AlarmState, ...] = ()
    priorities: tuple[Priority, ...] = ()
    device_ids: tuple[str, ...] = ()
    active: bool | None = None
    text: str = ""
    from_ms: int | None = None
    to_ms: int | None = None

    def to_cases(self) -> Filter | None:
        """The same over cases; None when nothing can match."""
        states: tuple[str, ...] = self.states
        if self.active is not None:
            allowed = ACTIVE_STATES if self.active else ("returned_unacknowledged", "normal")
            states = tuple(state for state in self.states or allowed if state in allowed)
            if not states:
                return None
        return Filter(
            kind=KIND,
            states=states,
            subjects=self.device_ids,
            priorities=tuple(PRIORITIES.index(priority) + 1 for priority in self.priorities),
            text=self.text,
            from_ms=self.from_ms,
            to_ms=self.to_ms,
        )


class AlarmPage(msgspec.Struct, frozen=True):
    """Some alarms, latest first, and the cursor of the next page."""

    items: list[Alarm]
    next: str | None = None


class AlarmSummary(msgspec.Struct, frozen=True):
    """How many alarms are open; ``by_priority`` counts the active ones."""

    active: int
    unacknowledged: int
    by_priority: dict[Priority, int]
    by_state: dict[AlarmState, int]


class Alarms:
    """What people do with alarms; every change is told on the bus."""

    def __init__(self, records: Records, bus: Bus, clock: Clock) -> None:
        self.cases = Cases(records, clock, WORKFLOW)
        self._bus = bus

    async def page(self, wanted: AlarmFilter, *, cursor: str | None = None, limit: int = 100) -> AlarmPage:
        """Alarms that match, latest raised first. Raises ``Invalid`` (``cases.bad_cursor``, ``cases.bad_limit``)."""
        where = wanted.to_cases()
        page = Page([]) if where is None else await to_thread(self.cases.page, where, cursor=cursor, limit=limit)
        return AlarmPage([alarm_of(case) for case in page.items], page.next)

    async def iter(self, wanted: AlarmFilter) -> AsyncIterator[list[Alarm]]:
        """Every alarm that matches, latest raised first, some at a time."""
        cursor: str | None = None
        while True:
            page = await self.page(wanted, cursor=cursor, limit=_PAGE)
            yield page.items
            cursor = page.next
            if cursor is None:
                return

    async def get(self, alarm_id: str) -> Alarm:
        """The alarm. Raises ``NotFound`` (``operations.alarm_unknown``)."""
        return alarm_of(await to_thread(self._case, alarm_id))

    async def history(self, alarm_id: str) -> Sequence[Entry]:
        """The newest thousand lines of its history, oldest first."""
        return await to_thread(self.cases.history, alarm_id, limit=_PAGE)

    async def evidence(self, alarm_id: str) -> tuple[dict[str, Any], bool]:
        """The evidence kept with it, and whether it is complete. Raises ``NotFound`` (``operations.alarm_unknown``)."""
        await to_thread(self._case, alarm_id)
        return await to_thread(self.cases.find_evidence, alarm_id) or ({}, True)

    async def acknowledge(
        self, ids: Sequence[str], actor: Actor, *, comment: str = ""
    ) -> tuple[list[Alarm], list[str]]:
        """Acknowledge alarms; returns those it acknowledged, and the ids that do not exist or needed none.

        Raises ``Invalid`` (``operations.too_many``), ``Denied`` (``cases.transition_denied``).
        """
        wanted = list(dict.fromkeys(ids))
        if len(wanted) > _PAGE:
            raise Invalid(
                f"At most {_PAGE} alarms are acknowledged at once.",
                code="operations.too_many",
                hint="Send them in several requests.",
            )
        alarms = await to_thread(self._acknowledge, wanted, actor, comment)
        await announce(self._bus, alarms)
        for alarm in alarms:
            acknowledged = {"state": alarm.state, "device_id": alarm.device_id, "comment": comment}
            whose = alarm.organisation_id
            note("alarm", alarm.id, alarm.rule_name, after=acknowledged, personal=("/comment",), organisation=whose)
        done = {alarm.id for alarm in alarms}
        return alarms, [alarm_id for alarm_id in wanted if alarm_id not in done]

    def _acknowledge(self, ids: Sequence[str], actor: Actor, comment: str) -> list[Alarm]:
        with self.cases.begin() as session:
            done = []
            for case in session.find(ids).values():
                if case.kind == KIND and case.state in UNACKNOWLEDGED_STATES:
                    data = {"acknowledged_ms": session.now_ms, "acknowledged_by": actor.name}
                    done.append(session.fire(case, "acknowledge", actor, comment=comment, data=data))
        return [alarm_of(case) for case in done]

    async def comment(self, alarm_id: str, actor: Actor, text: str) -> Entry:
        """Add a comment. Raises ``NotFound`` (``operations.alarm_unknown``)."""
        case = await to_thread(self._case, alarm_id)
        entry = await to_thread(self.cases.comment, alarm_id, actor, text)
        whose = case.organisation_id
        note("alarm", alarm_id, after={"comment": text}, personal=("/comment",), organisation=whose)
        return entry

    async def summary(self) -> AlarmSummary:
        """Counts over the open alarms."""
        counts = await to_thread(self.cases.count, Filter(kind=KIND, states=OPEN_STATES), "state", "priority")
        by_state: dict[AlarmState, int] = dict.fromkeys(OPEN_STATES, 0)
        by_priority: dict[Priority, int] = dict.fromkeys(PRIORITIES, 0)
        for (state, rank), count in counts.items():
            by_state[state] += count
            if state in ACTIVE_STATES:
                by_priority[PRIORITIES[rank - 1]] += count
        return AlarmSummary(
            active=sum(by_priority.values()),
            unacknowledged=sum(by_state[state] for state in UNACKNOWLEDGED_STATES),
            by_priority=by_priority,
            by_state=by_state,
        )

    async def active_by_device(self, device_ids: Sequence[str]) -> dict[str, int]:
        """How many active alarms each of these devices has (only those that have any)."""
        if not device_ids:
            return {}
        wanted = Filter(kind=KIND, states=ACTIVE_STATES, subjects=tuple(device_ids))
        counts = await to_thread(self.cases.count, wanted, "subject")
        return {subject: count for (subject,), count in counts.items()}

    async def active_by_priority(self, device_id: str) -> dict[str, int]:
        """How many active alarms the device has, by priority."""
        wanted = Filter(kind=KIND, states=ACTIVE_STATES, subjects=(device_id,))
        counts = await to_thread(self.cases.count, wanted, "priority")
        return {PRIORITIES[number - 1]: count for (number,), count in counts.items()}

    def _case(self, alarm_id: str) -> Case:
        try:
            case = self.cases.get(alarm_id)
        except NotFound:
            case = None
        if case is None or case.kind != KIND:
            raise NotFound(
                f"There is no alarm {alarm_id}.",
                code="operations.alarm_unknown",
                hint="GET /api/v1/alarms lists them.",
            )
        return case


async def announce(bus: Bus, alarms: Iterable[Alarm]) -> None:
    """Tell on the bus that these alarms changed. Never raises: lists and counts come from the database."""
    try:
        for alarm in alarms:
            await bus.publish(EVENTS, msgspec.msgpack.encode(alarm))
    except Unavailable as error:
        logger.debug("changes of alarms are not told: %s", error.message)


def alarm_of(case: Case) -> Alarm:
    """The alarm that a case holds."""
    return msgspec.convert(
        {
            **case.data,
            "id": case.id,
            "device_id": case.subject,
            "priority": PRIORITIES[case.priority - 1],
            "state": case.state,
            "active": case.state in ACTIVE_STATES,
            "acknowledged": case.state in ("acknowledged", "normal"),
            "raised_ms": case.opened_ms,
            "revision": case.revision,
            "organisation_id": case.organisation_id,
        },
        Alarm,
    )
