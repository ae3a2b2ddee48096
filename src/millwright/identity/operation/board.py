"""The history of resolution in one process: what all processes of the node tell, by minute and hour, in the records.

A minute that is running is written every few seconds, so a process that is killed loses no more than those. What is
older than the page shows is removed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from millwright.identity.operation import buckets
from millwright.identity.operation.abnormal import abnormal
from millwright.identity.operation.buckets import HOUR_MS, MINUTE_MS, Bucket
from millwright.identity.operation.charging import Charging
from millwright.identity.operation.model import BEHIND, Candidate, ProcessView, Told
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.store import OperationStore, Span
from millwright.identity.operation.telling import subject_of
from millwright.kernel import Bus, Clock, Invalid, Repeat, Unsubscribe

logger = logging.getLogger(__name__)

ROUND_S: Final = 5.0
_RATE_MS: Final = 10_000
_MINUTES: Final = 61
_KEEP_MINUTES_MS: Final = 25 * HOUR_MS
_KEEP_HOURS_MS: Final = 31 * 24 * HOUR_MS
_DAY_MS: Final = 24 * HOUR_MS
_PRUNE_S: Final = 3600.0
_SILENT_MS: Final = 10 * MINUTE_MS
_BEHIND_MS: Final = 10 * MINUTE_MS
_MOST_PROCESSES: Final = 50

_decoder = msgspec.msgpack.Decoder(Told)


class Board:
    """Hears every process of ``node`` and keeps what it tells. A :class:`millwright.kernel.Part`.

    ``found`` is called, in a thread, with what is abnormal; ``charging`` counts for those whose names were resolved.
    """

    def __init__(
        self,
        store: OperationStore,
        bus: Bus,
        clock: Clock,
        node: str,
        settings: MonitoringSettings,
        found: Callable[[Candidate], object] | None = None,
        charging: Charging | None = None,
    ) -> None:
        self._charging = charging
        self._store, self._bus, self._clock, self._node, self._settings = store, bus, clock, node, settings
        self._found = found or store.note
        self._minutes: dict[int, Bucket] = {}
        self._hours: dict[int, Bucket] = {}
        self._changed: set[tuple[Span, int]] = set()
        self._told: dict[str, Told] = {}
        self._heard_ms: dict[str, int] = {}
        self._recent: deque[tuple[int, int]] = deque()
        self._noted: dict[tuple[str, str], Candidate] = {}
        self._pruned_s = float("-inf")
        self._unsubscribe: Unsubscribe | None = None
        self._rounds = Repeat(
            self.round,
            ROUND_S,
            name="resolution-history",
            lost="the history of resolution cannot be written and waits",
            back="the history of resolution is written again",
            log=logger,
        )

    async def start(self) -> None:
        """Take up what is kept and listen."""
        await asyncio.to_thread(self._load)
        self._unsubscribe = await self._bus.serve(subject_of(self._node), self._hear)
        await self._rounds.start()

    async def stop(self) -> None:
        """Write what is left."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        await self._rounds.stop()
        await self._rounds.once()

    def _load(self) -> None:
        now_ms = self._clock.now_ms()
        for from_ms, data in self._store.figures("minute", now_ms - _MINUTES * MINUTE_MS).items():
            self._minutes[from_ms] = buckets.decode(data)
        for from_ms, data in self._store.figures("hour", now_ms // HOUR_MS * HOUR_MS).items():
            self._hours[from_ms] = buckets.decode(data)

    # --- hearing -------------------------------------------------------------------------------------------------

    async def _hear(self, payload: bytes) -> bytes:
        try:
            told = _decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise Invalid(
                f"What a process tells of resolution cannot be read: {error}",
                code="operation.unreadable",
                hint="Run the same version in all processes of a node.",
            ) from error
        charging = self._charging
        # Before it counts as taken: what cannot be charged now is told again.
        owners = await charging.owners(told.served) if charging is not None and told.served else {}
        if self.take(told) and charging is not None:
            charging.charge(owners)
        return b""

    def take(self, told: Told) -> bool:
        """Count what a process tells, once; whether that is now."""
        before = self._told.get(told.process)
        if before is not None and told.number <= before.number:
            return False
        self._told[told.process] = told
        now_ms = self._heard_ms[told.process] = self._clock.now_ms()
        # A clock that was set back or a process that waited for long must not write into what is removed already.
        at_ms = min(max(told.from_ms, now_ms - _BEHIND_MS), now_ms)
        minute, hour = at_ms // MINUTE_MS * MINUTE_MS, at_ms // HOUR_MS * HOUR_MS
        for span, start, kept in (("minute", minute, self._minutes), ("hour", hour, self._hours)):
            kept.setdefault(start, Bucket()).add(told)
            self._changed.add((span, start))  # type: ignore[arg-type]  # a Span
        if told.names:
            of_names = min(max(told.minute * MINUTE_MS, now_ms - _BEHIND_MS) // MINUTE_MS * MINUTE_MS, minute)
            bucket = self._minutes.setdefault(of_names, Bucket())
            bucket.names[told.process] = (dict(told.names), told.names_error)
            self._changed.add(("minute", of_names))
            self._changed.add(("hour", of_names // HOUR_MS * HOUR_MS))
        self._recent.append((told.to_ms, sum(n for name, _, n in told.counts if name not in BEHIND)))
        self._forget(now_ms)
        return True

    def _forget(self, now_ms: int) -> None:
        while self._recent and self._recent[0][0] < now_ms - 2 * _RATE_MS:
            self._recent.popleft()
        oldest = now_ms - _MINUTES * MINUTE_MS
        for start in [each for each in self._minutes if each < oldest and ("minute", each) not in self._changed]:
            del self._minutes[start]
        oldest = now_ms - 2 * HOUR_MS
        for start in [each for each in self._hours if each < oldest and ("hour", each) not in self._changed]:
            del self._hours[start]
        # By when it was heard, not by what it tells of: what is told late may be told again.
        for process in [each for each, heard_ms in self._heard_ms.items() if heard_ms < now_ms - _SILENT_MS]:
            del self._told[process], self._heard_ms[process]
        while len(self._told) > _MOST_PROCESSES:
            oldest_process = next(iter(self._told))
            del self._told[oldest_process], self._heard_ms[oldest_process]

    # --- writing -------------------------------------------------------------------------------------------------

    async def round(self) -> None:
        """Look for what is abnormal, write what changed, remove what is old. Raises ``Unavailable``."""
        self._forget(self._clock.now_ms())
        await self._look()
        changed, self._changed = self._changed, set()
        rows = {(span, start): self._encoded(span, start) for span, start in changed}
        try:
            if rows:
                await asyncio.to_thread(self._store.put_figures, rows)
        except BaseException:
            self._changed |= changed
            raise
        if time.monotonic() - self._pruned_s > _PRUNE_S:
            await asyncio.to_thread(self._prune)
            self._pruned_s = time.monotonic()

    def _encoded(self, span: Span, start: int) -> bytes:
        if span == "minute":
            return buckets.encode(self._minutes.get(start) or Bucket())
        bucket = self._hours.get(start) or Bucket()
        names = [
            kept
            for at, each in self._minutes.items()
            if at // HOUR_MS * HOUR_MS == start
            for kept in each.names.values()
        ]
        return buckets.encode(Bucket(bucket.counts, bucket.latencies, {str(at): each for at, each in enumerate(names)}))

    async def _look(self) -> None:
        for each in list(abnormal(self._told.values(), self._settings, self._clock.now_ms())):
            key = (each.kind, each.subject)
            before = self._noted.get(key)
            if before is not None and (before.period, before.evidence) == (each.period, each.evidence):
                continue
            if await asyncio.to_thread(self._found, each):
                logger.warning("abnormal look-ups: %s of %s", each.kind, each.subject)
            self._noted[key] = each
        if len(self._noted) > 10_000:
            self._noted.clear()

    def _prune(self) -> None:
        now_ms, settings = self._clock.now_ms(), self._settings
        blanked = self._store.prune(
            now_ms - _KEEP_MINUTES_MS,
            now_ms - _KEEP_HOURS_MS,
            now_ms - settings.finding_days * _DAY_MS,
            now_ms - settings.address_days * _DAY_MS,
        )
        if blanked:
            logger.info("the networks in %d findings are removed", blanked)

    # --- reading -------------------------------------------------------------------------------------------------

    def rate_per_s(self) -> float:
        """Questions a second, over the last ten."""
        now_ms = self._clock.now_ms()
        return round(sum(count for at, count in self._recent if at > now_ms - _RATE_MS) * 1000 / _RATE_MS, 2)

    def last_hour(self) -> Bucket:
        """The last sixty minutes together; names apart by minute."""
        total, oldest = Bucket(), self._clock.now_ms() - 60 * MINUTE_MS
        names: list[tuple[dict[str, int], int]] = []
        for start, each in self._minutes.items():
            if start >= oldest // MINUTE_MS * MINUTE_MS:
                total.merge(each)
                names += each.names.values()
        total.names = {str(at): each for at, each in enumerate(names)}
        return total

    def minutes(self) -> dict[int, Bucket]:
        """The last hour by minute."""
        return dict(self._minutes)

    async def kept(self, span: Span, from_ms: int) -> dict[int, Bucket]:
        """What is kept since a time, and what is not written yet. Raises ``Unavailable``."""
        rows = await asyncio.to_thread(self._store.figures, span, from_ms)
        found = await asyncio.to_thread(lambda: {start: buckets.decode(data) for start, data in rows.items()})
        if span == "minute":
            return found | {start: each for start, each in self._minutes.items() if start >= from_ms}
        for start in self._hours:
            if start >= from_ms:
                found[start] = buckets.decode(self._encoded("hour", start))
        return found

    def processes(self) -> list[ProcessView]:
        """The processes that told something within ten minutes."""
        found = [
            ProcessView(role=each.role, seen_ms=each.to_ms, forgotten=each.forgotten) for each in self._told.values()
        ]
        return sorted(found, key=lambda each: (each.role, each.seen_ms))
