"""A historian over a real engine in a temporary folder, and readings for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from millwright.engines.clickhouse import ChdbEngine, ClickHouseHttpEngine, ClickHouseSettings, SeriesEngine
from millwright.historian import (
    Historian,
    HistorianSettings,
    Kind,
    Quality,
    Range,
    RawQuery,
    ReadingBatch,
    SeriesId,
    SeriesInfo,
)
from millwright.kernel import Clock, SystemClock
from support.clickhouse import ClickHouseServer

T0 = 1_750_000_000_000


@asynccontextmanager
async def open_engine(kind: str, folder: Path) -> AsyncIterator[SeriesEngine]:
    """An engine (not started) of the kind ``chdb`` or ``http``."""
    if kind == "chdb":
        yield ChdbEngine(folder / "series")
        return
    server = ClickHouseServer(folder / "server")
    await server.start()
    try:
        yield ClickHouseHttpEngine(ClickHouseSettings(url=server.url, retries=1))
    finally:
        await server.stop()


@asynccontextmanager
async def open_historian(
    folder: Path, kind: str = "chdb", clock: Clock | None = None, *, reduce_rows: int = 300_000
) -> AsyncIterator[Historian]:
    """A started historian."""
    async with open_engine(kind, folder) as engine:
        historian = Historian(engine, clock or SystemClock(), HistorianSettings(flush_ms=20, reduce_rows=reduce_rows))
        try:
            await historian.start()
            yield historian
        finally:
            await historian.stop()


def numbers(
    series: int,
    times: Sequence[int],
    values: Sequence[float],
    received_ms: int = T0,
    quality: Sequence[int] | None = None,
) -> ReadingBatch:
    """Numbers of one series."""
    count = len(times)
    return ReadingBatch(
        np.full(count, series, np.uint64),
        np.array(times, np.int64),
        np.full(count, received_ms, np.int64),
        np.array(values, np.float64),
        np.full(count, Kind.NUMBER, np.uint8),
        np.full(count, Quality.GOOD, np.uint8) if quality is None else np.array(quality, np.uint8),
    )


async def store(historian: Historian, batch: ReadingBatch, new_series: Sequence[SeriesInfo] = ()) -> None:
    """Append and wait until it is in the engine."""
    await historian.stored(await historian.append(batch, new_series))


async def read_all(
    historian: Historian, series: SeriesId, from_ms: int = T0 - 10**12, to_ms: int = T0 + 10**12
) -> list[tuple[int, float]]:
    """Every reading of a series as (time, number)."""
    table, bound = await historian.raw(RawQuery(series, Range(from_ms, to_ms), 50_000))
    assert bound is None
    return list(zip(table.column("time_ms").to_pylist(), table.column("number").to_pylist(), strict=True))
