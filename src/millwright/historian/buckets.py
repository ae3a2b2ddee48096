"""From the engine's rows to the buckets that are answered: gaps, nulls, time-weighted means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from millwright.historian.model import Floats, Integers, SeriesId
from millwright.historian.query import Aggregate, BucketQuery, BucketSeries
from millwright.historian.reduction import Columns

_GAP_SPACINGS = 3


def assemble(
    query: BucketQuery, rows: Mapping[int, Columns], held: Mapping[SeriesId, Columns] | None
) -> list[BucketSeries]:
    """One :class:`BucketSeries` for each series asked for, in the order asked.

    ``rows`` and ``held`` are the columns of ``ReadingStore.buckets`` and ``ReadingStore.held`` by series.
    """
    return [
        _assemble_one(query, series, rows.get(series), held.get(series) if held is not None else None)
        for series in query.series
    ]


def _assemble_one(
    query: BucketQuery,
    series: SeriesId,
    rows: Columns | None,
    held: Columns | None,
) -> BucketSeries:
    none = np.array([], np.int64)
    found = rows["bucket"] if rows is not None else none
    carried = held["bucket"][held["covered_ms"] > 0] if held is not None else none
    gap_ms = query.gap_ms
    breaks = none
    if rows is not None:
        good = rows["count"] > 0
        filled, first_ms, last_ms = found[good], rows["first_ms"][good], rows["last_ms"][good]
        if gap_ms is None:
            gap_ms = typical_gap(rows["count"][good].astype(np.int64), first_ms, last_ms)
        if gap_ms is not None:
            after = np.flatnonzero((first_ms[1:] - last_ms[:-1] > gap_ms) & (filled[1:] - filled[:-1] > 1))
            breaks = filled[after] + 1
    slots = np.unique(np.concatenate([found, carried, breaks]))
    count, bad = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
    values: dict[Aggregate, list[float | None]] = {}
    at = np.searchsorted(slots, found)
    if rows is not None:
        count[at], bad[at] = rows["count"], rows["bad"]
    for name in query.aggregates:
        if name == "count":
            continue
        column = np.full(len(slots), np.nan)
        if name == "twm":
            if held is not None:
                covered = held["covered_ms"] > 0
                column[np.searchsorted(slots, carried)] = held["area"][covered] / held["covered_ms"][covered]
        elif rows is not None:
            column[at] = np.where(rows["count"] > 0, rows[name], np.nan)
        values[name] = _nullable(column)
    times = query.range.from_ms + slots * query.width_ms
    return BucketSeries(series, gap_ms, times.tolist(), count.tolist(), bad.tolist(), values)


def typical_gap(count: Integers, first_ms: Integers, last_ms: Integers) -> int | None:
    """Three times the median spacing of readings, estimated from the buckets; None with fewer than two readings.

    Within a bucket the readings are taken as evenly spaced: exact enough to tell a pause from a rhythm.
    """
    inside = count > 1
    spacings = np.concatenate([(last_ms - first_ms)[inside] / (count - 1)[inside], first_ms[1:] - last_ms[:-1]])
    weights = np.concatenate([(count - 1)[inside], np.ones(max(len(count) - 1, 0), np.int64)])
    if not len(spacings):
        return None
    order = np.argsort(spacings)
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return max(1, round(_GAP_SPACINGS * float(spacings[order][middle])))


def _nullable(column: Floats) -> list[float | None]:
    found = cast("list[float | None]", column.tolist())
    for row in np.flatnonzero(~np.isfinite(column)).tolist():
        found[row] = None
    return found
