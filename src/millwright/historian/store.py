"""The historian's queries over the series engine: readings, their newest, and the catalogue."""

# ruff: noqa: S608 - statements are put together from constants; every value is a bound parameter
from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from millwright.engines.clickhouse import SeriesEngine
from millwright.historian.columns import catalogue_table, prepare
from millwright.historian.model import ReadingBatch, SeriesInfo
from millwright.historian.query import LATE_MS, BucketQuery, RawQuery, Storage

_PAGE_BYTES = 3 << 20

_OK = "quality >= 64 AND isFinite(number)"
_COLUMNS = {
    "min": f"minIf(number, {_OK}) AS min",
    "max": f"maxIf(number, {_OK}) AS max",
    "mean": f"avgIf(number, {_OK}) AS mean",
    "first": f"argMinIf(number, time_ms, {_OK}) AS first",
    "last": f"argMaxIf(number, time_ms, {_OK}) AS last",
}

_OF_DEVICES = "device_id IN {devices:Array(String)}"
_FOR_EVER_MS = 1 << 50

_OVERLAP = (
    "least(ends, {from:Int64} + (bucket + 1) * {width:Int64}) - greatest(starts, {from:Int64} + bucket * {width:Int64})"
)

_LATE = "(time_ms, received_ms) {} (SELECT time_ms, received_ms FROM late FINAL WHERE series = {{series:UInt64}} AND "
_ARRIVED = (
    " AND (received_ms > {after:Int64} AND received_ms <= {until:Int64} AND "
    + _LATE.format("NOT IN")
    + "received_ms > {after:Int64} AND received_ms <= {until:Int64}) OR "
    + _LATE.format("IN")
    + "stored_ms > {after:Int64} AND stored_ms <= {until:Int64}))"
)
"""What came in by its reception and is not late, and what is late by when it was stored."""

# The newest reading before the range, backwards along the primary key: without FINAL, which cannot, so the version that
# counts is the one received last.
_BEFORE = """
SELECT time_ms, number, quality FROM readings WHERE series = {one:UInt64} AND time_ms < {from:Int64}
ORDER BY time_ms DESC, received_ms DESC LIMIT 1
SETTINGS max_threads = 1
"""

_HELD = f"""
SELECT bucket, sum(number * ({_OVERLAP})) AS area, sum({_OVERLAP}) AS covered_ms
FROM (
    SELECT number, greatest(time_ms, {{from:Int64}}) AS starts, least(next_ms, time_ms + {{hold:Int64}}) AS ends,
        arrayJoin(range(intDiv(starts - {{from:Int64}}, {{width:Int64}}),
            intDiv(ends - 1 - {{from:Int64}}, {{width:Int64}}) + 1)) AS bucket
    FROM (
        SELECT time_ms, number, {_OK} AS ok, leadInFrame(time_ms, 1, {{until:Int64}}) OVER (
            ORDER BY time_ms ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_ms
        FROM (
            SELECT time_ms, number, quality FROM readings FINAL
            WHERE series = {{one:UInt64}}
                AND time_ms >= {{from:Int64}} AND time_ms < least({{to:Int64}}, {{until:Int64}})
            UNION ALL SELECT * FROM ({_BEFORE})
        )
    )
    WHERE ok AND ends > starts
)
GROUP BY bucket ORDER BY bucket
"""


class ReadingStore:
    """Readings in and out of the engine."""

    def __init__(self, engine: SeriesEngine) -> None:
        self._engine = engine

    async def insert(self, batch: ReadingBatch) -> pa.Table:
        """Store the batch; storing it again changes nothing. Returns what went into ``latest``, by series."""
        readings, newest = await asyncio.to_thread(prepare, batch)
        await self._engine.insert("readings", readings)
        await self._engine.insert("latest", newest)
        return newest

    async def announce(self, entries: Sequence[SeriesInfo], now_ms: int) -> None:
        """Write series to the catalogue; an entry written again replaces the one before."""
        if entries:
            await self._engine.insert("catalogue", catalogue_table(entries, now_ms))

    async def note_late(self, batch: ReadingBatch, now_ms: int) -> None:
        """Note which readings of a batch, which is about to be stored, are late."""
        late = np.flatnonzero(np.abs(now_ms - batch.received_ms) >= LATE_MS)
        if len(late):
            rows = batch.take(late)
            columns = {
                "series": pa.array(rows.series),
                "time_ms": pa.array(rows.time_ms),
                "received_ms": pa.array(rows.received_ms.view(np.uint64)),
                "stored_ms": pa.array(np.full(len(rows), now_ms, np.uint64)),
            }
            await self._engine.insert("late", pa.table(columns))

    async def raw(self, query: RawQuery) -> pa.Table:
        """``time_ms, number, received_ms, kind, quality, text`` in order, cut at about three megabytes."""
        order = "DESC" if query.descending else "ASC"
        arrivals = query.arrivals
        bounds = {} if arrivals is None else {"after": arrivals.after_ms, "until": arrivals.until_ms}
        return await self._engine.query(
            "SELECT time_ms, number, received_ms, kind, quality, text FROM readings FINAL"
            " WHERE series = {series:UInt64} AND time_ms >= {from:Int64} AND time_ms < {to:Int64}"
            f"{'' if arrivals is None else _ARRIVED}"
            f" ORDER BY time_ms {order} LIMIT {{limit:UInt64}}"
            f" SETTINGS max_threads = 1, max_result_bytes = {_PAGE_BYTES}, result_overflow_mode = 'break'",
            {
                "series": query.series,
                "from": query.range.from_ms,
                "to": query.range.to_ms,
                "limit": query.limit,
                **bounds,
            },
        )

    async def narrow(self, query: BucketQuery, most: int, *, final: bool = False) -> pa.Table:
        """``time_ms, number, quality`` of the range in no order, if they are ``most`` rows or fewer.

        More than ``most`` rows come back when there are more, but not all of them. ``series`` comes first when the
        question is about several. Unless ``final``, a reading written again and not merged yet comes once for each
        version: choosing the newest costs as much again as everything else.
        """
        several = len(query.series) > 1
        return await self._engine.query(
            f"SELECT {'series, ' if several else ''}time_ms, number, quality FROM readings{' FINAL' if final else ''}"
            f" WHERE series {'IN {series:Array(UInt64)}' if several else '= {one:UInt64}'}"
            f" AND time_ms >= {{from:Int64}} AND time_ms < {{to:Int64}} LIMIT {most + 1} SETTINGS max_threads = 1",
            self._bucket_parameters(query) | {"one": query.series[0]},
        )

    async def before(self, query: BucketQuery) -> list[pa.Table]:
        """For each series ``time_ms, number, quality`` of the newest reading before the range, if there is one."""
        parameters = self._bucket_parameters(query)
        statements = (self._engine.query(_BEFORE, parameters | {"one": series}) for series in query.series)
        return await asyncio.gather(*statements)

    async def buckets(self, query: BucketQuery) -> pa.Table:
        """``series, bucket, count, bad, first_ms, last_ms`` and the aggregates asked for, in order."""
        wanted = [column for name, column in _COLUMNS.items() if name in query.aggregates]
        return await self._engine.query(
            "SELECT series, intDiv(time_ms - {from:Int64}, {width:Int64}) AS bucket, "
            f"countIf({_OK}) AS count, count() - count AS bad, "
            f"minIf(time_ms, {_OK}) AS first_ms, maxIf(time_ms, {_OK}) AS last_ms"
            + "".join(f", {column}" for column in wanted)
            + " FROM readings FINAL WHERE series IN {series:Array(UInt64)}"
            " AND time_ms >= {from:Int64} AND time_ms < {to:Int64} GROUP BY series, bucket ORDER BY series, bucket",
            self._bucket_parameters(query),
        )

    async def held(self, query: BucketQuery, until_ms: int) -> list[pa.Table]:
        """For each series ``bucket, area, covered_ms``: the integral of its step function over each bucket.

        A value holds from its reading to the next one, or for ``gap_ms`` at most when that is given; the last one holds
        until ``until_ms``; the newest reading before the range is carried in; a bad reading holds nothing.
        """
        parameters = self._bucket_parameters(query) | {
            "until": until_ms,
            "hold": query.gap_ms if query.gap_ms is not None else _FOR_EVER_MS,
        }
        statements = (self._engine.query(_HELD, parameters | {"one": series}) for series in query.series)
        return await asyncio.gather(*statements)

    @staticmethod
    def _bucket_parameters(query: BucketQuery) -> dict[str, int | list[int]]:
        return {
            "series": [int(series) for series in query.series],
            "from": query.range.from_ms,
            "to": query.range.to_ms,
            "width": query.width_ms,
        }

    async def catalogue(self, device_ids: Sequence[str] | None = None) -> pa.Table:
        """``device_id, property, series, kind, unit, known`` of these devices, or of all, in order."""
        where = "" if device_ids is None else f" WHERE {_OF_DEVICES}"
        return await self._engine.query(
            f"SELECT device_id, property, series, kind, unit, known FROM catalogue FINAL{where}"
            " ORDER BY device_id, property",
            None if device_ids is None else {"devices": list(device_ids)},
        )

    async def latest(self, device_ids: Sequence[str] | None = None) -> pa.Table:
        """``series, time_ms, number, received_ms, kind, quality, text`` of these devices, or of all, by series."""
        chosen = "" if device_ids is None else f" WHERE series IN (SELECT series FROM catalogue WHERE {_OF_DEVICES})"
        return await self._engine.query(
            f"SELECT series, time_ms, number, received_ms, kind, quality, text FROM latest FINAL{chosen}"
            " ORDER BY series",
            None if device_ids is None else {"devices": list(device_ids)},
        )

    async def bytes_by_device(self) -> dict[str, int]:
        """How many bytes on disk the readings of each device take.

        Estimated: the compressed bytes of each month's parts, as the engine measures them, apportioned by rows
        (versions that are not merged yet included). Rounded down, so that the sum never exceeds what there is.
        """
        parts = await self._engine.query(
            "SELECT partition_id, sum(bytes_on_disk) AS bytes, sum(rows) AS rows FROM system.parts"
            " WHERE active AND database = currentDatabase() AND table = {readings:String} GROUP BY partition_id",
            {"readings": self._engine.dialect.local("readings")},
        )
        rows = await self._engine.query(
            "SELECT device_id, partition_id, sum(rows) AS rows FROM ("
            "SELECT series, _partition_id AS partition_id, count() AS rows FROM readings GROUP BY series, partition_id"
            ") AS counted INNER JOIN ("
            "SELECT series, any(device_id) AS device_id FROM catalogue GROUP BY series"
            ") AS named USING series GROUP BY device_id, partition_id SETTINGS max_threads = 1"
        )
        sizes = {row["partition_id"]: (row["bytes"], row["rows"]) for row in parts.to_pylist()}
        found: dict[str, int] = {}
        for row in rows.to_pylist():
            size, total = sizes.get(row["partition_id"], (0, 0))
            if total:
                found[row["device_id"]] = found.get(row["device_id"], 0) + size * row["rows"] // total
        return found

    async def storage(self) -> Storage:
        """What the tables and the disk hold."""
        local = self._engine.dialect.local
        found = await self._engine.query(
            "SELECT sumIf(rows, table = {readings:String}) AS points, sum(bytes_on_disk) AS bytes,"
            " sumIf(rows, table = {catalogue:String}) AS series, count() AS parts,"
            " (SELECT min(free_space) FROM system.disks) AS free, (SELECT min(total_space) FROM system.disks) AS total"
            " FROM system.parts WHERE active AND database = currentDatabase()",
            {"readings": local("readings"), "catalogue": local("catalogue")},
        )
        row = found.to_pylist()[0]
        return Storage(row["points"], row["bytes"], row["series"], row["parts"], row["free"], row["total"])
