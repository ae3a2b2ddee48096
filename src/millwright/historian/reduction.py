"""Readings reduced to buckets here instead of in the engine.

For what a chart shows, up to some hundred thousand readings, this takes less time than the engine's general grouping,
and the time-weighted mean costs nothing extra. The results are the engine's: same columns, same meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from millwright.historian.model import Floats, Integers, Octets, SeriesId
from millwright.historian.query import BucketQuery

Columns: TypeAlias = dict[str, npt.NDArray[Any]]

_UNCERTAIN = 64


def columns_of(table: pa.Table) -> Columns:
    """The table's columns by name."""
    return {name: table.column(name).to_numpy() for name in table.column_names}


def split(table: pa.Table, asked: Sequence[SeriesId]) -> dict[int, Columns]:
    """Rows of the series ``asked`` as columns of each one that has any, in order of time.

    Without a column ``series`` all rows are of the one series asked for.
    """
    columns = columns_of(table)
    if not table.num_rows:
        return {}
    if "series" not in columns:
        return {asked[0]: _in_order_of_time(columns)}
    series = columns.pop("series")
    if (series[1:] < series[:-1]).any():
        order = np.argsort(series, kind="stable")
        series, columns = series[order], {name: column[order] for name, column in columns.items()}
    starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]]).tolist()
    return {
        int(series[start]): _in_order_of_time({name: column[start:end] for name, column in columns.items()})
        for start, end in zip(starts, [*starts[1:], len(series)], strict=True)
    }


def _in_order_of_time(columns: Columns) -> Columns:
    times = columns.get("time_ms")
    if times is None or (times[1:] >= times[:-1]).all():
        return columns
    order = np.argsort(times, kind="stable")  # the parts of a table are runs in order: little is left to sort
    return {name: column[order] for name, column in columns.items()}


def holds_versions(rows: dict[int, Columns]) -> bool:
    """Whether some reading of ``rows``, as :func:`split` gives them, stands there more than once."""
    return any((columns["time_ms"][1:] == columns["time_ms"][:-1]).any() for columns in rows.values())


def reduce_buckets(query: BucketQuery, rows: dict[int, Columns]) -> dict[int, Columns]:
    """The columns of ``ReadingStore.buckets`` for each series."""
    return {series: _reduce(query, columns) for series, columns in rows.items()}


def _reduce(query: BucketQuery, rows: Columns) -> Columns:
    times, numbers, good = _unpack(rows)
    slots = (times - query.range.from_ms) // query.width_ms
    starts = np.flatnonzero(np.r_[True, slots[1:] != slots[:-1]])
    total = np.diff(np.r_[starts, len(slots)])
    buckets = slots[starts]
    if not good.all():
        times, numbers, slots = times[good], numbers[good], slots[good]
    count = np.zeros(len(buckets), np.int64)
    found: Columns = {"bucket": buckets, "count": count, "bad": total}
    names = ("first_ms", "last_ms"), ("min", "max", "mean", "first", "last")
    found |= {name: np.zeros(len(buckets), np.int64) for name in names[0]}
    found |= {name: np.zeros(len(buckets)) for name in names[1]}
    if len(slots):
        first = np.flatnonzero(np.r_[True, slots[1:] != slots[:-1]])
        last = np.r_[first[1:], len(slots)] - 1
        at = np.searchsorted(buckets, slots[first])
        count[at] = last - first + 1
        found["bad"] = total - count
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.add.reduceat(numbers, first)
        for name, column in (
            ("first_ms", times[first]),
            ("last_ms", times[last]),
            ("min", np.minimum.reduceat(numbers, first)),
            ("max", np.maximum.reduceat(numbers, first)),
            ("mean", sums / count[at]),
            ("first", numbers[first]),
            ("last", numbers[last]),
        ):
            found[name][at] = column
    return found


def reduce_held(
    query: BucketQuery, rows: dict[int, Columns], carried: Sequence[Columns], until_ms: int
) -> dict[SeriesId, Columns]:
    """The columns of ``ReadingStore.held``; ``carried`` is the reading before the range of each series, if any."""
    return {
        series: _hold(query, rows.get(series), before, until_ms)
        for series, before in zip(query.series, carried, strict=True)
    }


def _hold(query: BucketQuery, rows: Columns | None, before: Columns, until_ms: int) -> Columns:
    parts = [_unpack(before)] if rows is None else [_unpack(before), _unpack(rows)]
    times, numbers, good = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    known = times < until_ms
    times, numbers, good = times[known], numbers[known], good[known]
    ends = np.r_[times[1:], until_ms][: len(times)]
    if query.gap_ms is not None:
        ends = np.minimum(ends, times + query.gap_ms)
    starts = np.maximum(times, query.range.from_ms)
    held = good & (ends > starts)
    starts, ends, numbers = starts[held], ends[held], numbers[held]
    width, origin = query.width_ms, query.range.from_ms
    first, last = (starts - origin) // width, (ends - 1 - origin) // width
    area, covered_ms = np.zeros(query.buckets), np.zeros(query.buckets)

    def add(slots: Integers, lengths: Integers, values: Floats) -> None:
        area[:] += np.bincount(slots, values * lengths, query.buckets)
        covered_ms[:] += np.bincount(slots, lengths, query.buckets)

    with np.errstate(over="ignore", invalid="ignore"):
        inside = first == last
        add(first[inside], (ends - starts)[inside], numbers[inside])
        # The few values that hold over several buckets are cut at their borders.
        starts, ends, numbers, first, last = (each[~inside] for each in (starts, ends, numbers, first, last))
        pieces = last - first + 1
        owner = np.repeat(np.arange(len(starts)), pieces)
        slots = first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        lengths = np.minimum(ends[owner], origin + (slots + 1) * width) - np.maximum(
            starts[owner], origin + slots * width
        )
        add(slots, lengths, numbers[owner])
    filled = np.flatnonzero(covered_ms)
    return {"bucket": filled, "area": area[filled], "covered_ms": covered_ms[filled]}


def _unpack(rows: Columns) -> tuple[Integers, Floats, npt.NDArray[np.bool_]]:
    times: Integers = rows["time_ms"].astype(np.int64, copy=False)
    numbers: Floats = rows["number"].astype(np.float64, copy=False)
    quality: Octets = rows["quality"].astype(np.uint8, copy=False)
    return times, numbers, (quality >= _UNCERTAIN) & np.isfinite(numbers)
