"""A rule tried out on history: the evaluator itself, on a clock that the readings move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from millwright.historian import Range, RawQuery, ReadingBatch, SeriesId, series_id
from millwright.kernel import ManualClock
from millwright.operations.evaluation import Evaluator, Plan
from millwright.operations.evidence import ReadingSource
from millwright.operations.model import Change, Condition, Raised, Rule, Stale, Subject

MOST_SUBJECTS = 20
"""Devices of a model that one rehearsal looks at."""

MOST_READINGS = 500_000
"""Readings of one device that one rehearsal looks at."""

MOST_FIRINGS = 200
"""Firings listed for each device; all are counted."""

_PAGE = 50_000


class Firing(msgspec.Struct, frozen=True):
    """One time the rule would have raised its alarm; ``returned_ms`` null: still active at the end."""

    raised_ms: int
    returned_ms: int | None
    value: float | None
    limit: float | None


class RehearsedDevice(msgspec.Struct, frozen=True):
    """What would have happened on one device; ``truncated``: more readings than a rehearsal looks at."""

    device_id: str
    device_name: str
    readings: int
    raised: int
    active_s: float
    firings: list[Firing]
    truncated: bool


class Rehearsal(msgspec.Struct, frozen=True):
    """How often the rule would have fired in a range of source time, by device.

    ``raised`` counts the alarms over all devices; ``device_count`` is how many devices the rule watches, of which the
    first twenty were rehearsed.
    """

    from_ms: int
    to_ms: int
    raised: int
    device_count: int
    devices: list[RehearsedDevice]


async def rehearse(
    rule: Rule, subjects: Sequence[Subject], source: ReadingSource, from_ms: int, to_ms: int, *, backfill_s: float
) -> Rehearsal:
    """Evaluate the readings with source times from ``from_ms`` up to ``to_ms``. Raises what the historian raises."""
    devices = [await _device(rule, subject, source, from_ms, to_ms, backfill_s) for subject in subjects[:MOST_SUBJECTS]]
    return Rehearsal(from_ms, to_ms, sum(device.raised for device in devices), len(subjects), devices)


async def _device(
    rule: Rule, subject: Subject, source: ReadingSource, from_ms: int, to_ms: int, backfill_s: float
) -> RehearsedDevice:
    clock = ManualClock(from_ms)
    evaluator = Evaluator(clock, backfill_s=backfill_s)
    evaluator.adopt(Plan([rule], [subject]))
    series = series_id(subject.id, rule.property)
    changes: list[Change] = []
    readings, truncated = 0, False
    async for batch in _pages(series, source, from_ms, to_ms, backfill_s * 1000):
        changes += await asyncio.to_thread(_evaluate, evaluator, clock, rule.condition, batch)
        readings += len(batch)
        if readings >= MOST_READINGS:
            truncated, to_ms = True, int(batch.time_ms[-1])
            break
    if isinstance(rule.condition, Stale):
        changes += _wait(evaluator, clock, to_ms, rule.condition.after_s)
    changes += evaluator.finish(to_ms)
    firings = _firings(changes)
    return RehearsedDevice(
        subject.id,
        subject.name,
        readings,
        len(firings),
        sum((firing.returned_ms or to_ms) - firing.raised_ms for firing in firings) / 1000,
        firings[:MOST_FIRINGS],
        truncated,
    )


def _evaluate(evaluator: Evaluator, clock: ManualClock, condition: Condition, batch: ReadingBatch) -> list[Change]:
    if not isinstance(condition, Stale):
        _move(clock, int(batch.received_ms.max()))
        return evaluator.evaluate(batch)
    changes: list[Change] = []
    for part in _between_silences(batch, condition.after_s):
        changes += _wait(evaluator, clock, int(part.received_ms[0]), condition.after_s)
        changes += evaluator.evaluate(part.take(np.arange(1)))
        _move(clock, int(part.received_ms[-1]))
        changes += evaluator.evaluate(part)
    return changes


def _move(clock: ManualClock, to_ms: int) -> None:
    clock.advance(max(to_ms - clock.now_ms(), 0) / 1000)


def _wait(evaluator: Evaluator, clock: ManualClock, until_ms: int, after_s: float) -> list[Change]:
    """Let silence pass until a reading is received; the alarm is raised when it is due, not when the silence ends."""
    changes: list[Change] = []
    due_ms = clock.now_ms() + round(after_s * 1000) + 1
    if due_ms <= until_ms:
        _move(clock, due_ms)
        changes += evaluator.tick()
    _move(clock, until_ms)
    return changes


def _between_silences(batch: ReadingBatch, after_s: float) -> list[ReadingBatch]:
    """The batch in order of receipt, cut where nothing was received for longer than ``after_s``."""
    batch = batch.take(np.argsort(batch.received_ms, kind="stable"))
    cuts = np.flatnonzero(np.diff(batch.received_ms) > after_s * 1000) + 1
    return [batch.take(rows) for rows in np.split(np.arange(len(batch)), cuts)]


async def _pages(
    series: SeriesId, source: ReadingSource, from_ms: int, to_ms: int, backfill_ms: float
) -> AsyncIterator[ReadingBatch]:
    start: int | None = from_ms
    while start is not None and start < to_ms:
        table, start = await source.raw(RawQuery(series, Range(start, to_ms), _PAGE))
        if table.num_rows:
            yield _batch(series, table, backfill_ms)


def _batch(series: SeriesId, table: pa.Table, backfill_ms: float) -> ReadingBatch:
    """The page as readings; what was filled in later counts as if it had arrived in time."""

    def column(name: str, kind: type[np.generic]) -> Any:
        return np.ascontiguousarray(table.column(name).to_numpy(), dtype=kind)

    time_ms, received_ms = column("time_ms", np.int64), column("received_ms", np.int64)
    return ReadingBatch(
        np.full(table.num_rows, series, np.uint64),
        time_ms,
        np.where(received_ms - time_ms > backfill_ms, time_ms, received_ms),
        column("number", np.float64),
        column("kind", np.uint8),
        column("quality", np.uint8),
    )


def _firings(changes: Sequence[Change]) -> list[Firing]:
    firings: list[Firing] = []
    for change in changes:
        if isinstance(change, Raised):
            firings.append(Firing(change.at_ms, None, change.value, change.limit))
        elif firings:
            firings[-1] = msgspec.structs.replace(firings[-1], returned_ms=change.at_ms)
    return firings
