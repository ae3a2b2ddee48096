"""Keeps the limits of the node, and what was used of them, at hand for whoever enforces them.

Read from the records every few seconds. What lies more than two hours back changes rarely (a backlog that is read late)
and is read again every five minutes; the last hours are read each time. So a quota is enforced from figures that are as
old as one reading and one writing: three seconds with the default settings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

from millwright.engines.sql import Records
from millwright.kernel import Clock, Repeat
from millwright.metering.limits import NO_CEILINGS, Ceilings, work_out
from millwright.metering.model import Period
from millwright.metering.payers import with_departed
from millwright.metering.periods import HOUR_MS, Calendar, Days
from millwright.metering.store import CountStore, DepartedStore, PlanStore
from millwright.parties import AuthorityStore

logger = logging.getLogger(__name__)

_RECENT_H: Final = 2
_ANEW_S: Final = 300.0
_AHEAD_H: Final = 30  # an hour is told by the clock of whoever counts, which may be ahead of this one

_Sums = dict[tuple[str, str], int]


class LimitWatch:
    """Holds :attr:`ceilings`; ``on_look`` is called after each look. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        records: Records,
        calendar: Calendar,
        clock: Clock,
        every_s: float = 2.0,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        self._counts, self._plans, self._trees = CountStore(records), PlanStore(records), AuthorityStore(records)
        self._departed = DepartedStore(records)
        self._calendar, self._clock, self._on_look = calendar, clock, on_look
        self._old: tuple[tuple[date, int], float, dict[Period, _Sums]] | None = None
        self._watch = Repeat(
            self._look,
            every_s,
            first_s=every_s,
            name="metering-limits",
            lost="limits cannot be read",
            back="limits are read again",
            log=logger,
        )
        self.ceilings: Ceilings = NO_CEILINGS

    async def start(self) -> None:
        """Look once, then again and again."""
        await self._watch.once()
        await self._watch.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._watch.stop()

    async def _look(self) -> None:
        # What was known holds on: a database that is away neither opens a node nor shuts it.
        self.ceilings = await asyncio.to_thread(self.read)
        if self._on_look is not None:
            self._on_look()

    def read(self) -> Ceilings:
        """The limits, and what was used of them up to now."""
        limits = self._plans.limits()
        if not limits:
            return NO_CEILINGS
        tree = self._trees.tree()
        if not any(each.quotas for each in limits.values()):
            return work_out(tree, limits, {"day": {}, "month": {}}, {"day": 0, "month": 0})
        now_ms = self._clock.now_ms()
        today = self._calendar.day_of(now_ms)
        first = today.replace(day=1)
        tree = with_departed(tree, self._departed.since(self._calendar.start_ms(first)))
        spans: dict[Period, Days] = {
            "day": Days(today, today + timedelta(days=1)),
            "month": Days(first, (first + timedelta(days=32)).replace(day=1)),
        }
        recent = now_ms // HOUR_MS - _RECENT_H
        old = self._read_old(spans, today, recent)
        used: dict[Period, _Sums] = {}
        for period, days in spans.items():
            start, _ = self._calendar.hours(days)
            total = dict(old[period])
            for key, quantity in self._counts.sums(max(start, recent), recent + _AHEAD_H).items():
                total[key] = total.get(key, 0) + quantity
            used[period] = total
        ends: dict[Period, int] = {period: self._calendar.start_ms(days.end) for period, days in spans.items()}
        return work_out(tree, limits, used, ends)

    def _read_old(self, spans: dict[Period, Days], today: date, recent: int) -> dict[Period, _Sums]:
        key, now_s = (today, recent), self._clock.monotonic_s()
        if self._old is None or self._old[0] != key or now_s - self._old[1] > _ANEW_S:
            found: dict[Period, _Sums] = {}
            for period, days in spans.items():
                start, _ = self._calendar.hours(days)
                found[period] = self._counts.sums(start, recent) if start < recent else {}
            self._old = key, now_s, found
        return self._old[2]
