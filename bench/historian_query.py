"""How fast history answers: one series, one day, 500 buckets, out of very many points; the newest of 100,000 series.

    python bench/historian_query.py [--points 1000000000] [--folder /tmp/history] [--settle 300] [--keep]

The points are made inside the engine: series of one reading a second for thirty days of one month, and on top ten
fresh inserts that overlap the last day. A billion points are made faster than any machine sends them, so the engine
gets ``--settle`` seconds at most to end the merges that this left. A folder that is kept is used again. Every query
takes another series and another day, so no answer comes from the one before.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psutil

from millwright.engines.clickhouse import ChdbEngine, ClickHouseSettings
from millwright.historian import (
    AGGREGATES,
    BucketQuery,
    Historian,
    Range,
    RawQuery,
    ReadingBatch,
    SeriesId,
    SeriesInfo,
    series_id,
)
from millwright.kernel import SystemClock

DAY_MS = 86_400_000
T0 = 1_748_736_000_000  # 2025-06-01
PER_SERIES = 30 * 86_400
CHUNK_SERIES = 10
LATEST_SERIES, LATEST_DEVICES = 100_000, 10_000
process = psutil.Process()

GENERATE = """
INSERT INTO readings (series, time_ms, number, received_ms, kind, quality)
SELECT names[1 + intDiv(n, {per:UInt64})] AS series,
    {t0:Int64} + (n % {per:UInt64}) * 1000 + if(bitTest(series, 0), r % 7, 0) AS time_ms,
    round(20 + 5 * sin((n % {per:UInt64}) / 3600) + r % 20 / 100, 2) AS value,
    time_ms + 5 + bitShiftRight(r, 8) % 20, 0,
    if(bitShiftRight(r, 16) % 1000 = 0, 0, 192)
FROM (SELECT number AS n, rand() AS r, {names:Array(UInt64)} AS names FROM numbers({rows:UInt64}))
"""


def name(index: int) -> SeriesId:
    return series_id("history", f"p{index}")


async def fill(engine: ChdbEngine, historian: Historian, points: int) -> int:
    count = max(CHUNK_SERIES, points // PER_SERIES)
    present = await engine.query(
        "SELECT uniq(series) AS n FROM readings WHERE time_ms < {end:Int64}", {"end": T0 + 1000}
    )
    done = int(present.column("n")[0].as_py())
    started = time.perf_counter()
    for first in range(done, count, CHUNK_SERIES):
        # In the order of the key, as a merged table is.
        names = sorted(int(name(index)) for index in range(first, min(count, first + CHUNK_SERIES)))
        values = {"t0": T0, "per": PER_SERIES, "names": names, "rows": PER_SERIES * len(names)}
        await engine.execute(GENERATE, values)
    if done < count:
        print(f"made {(count - done) * PER_SERIES:,} points in {time.perf_counter() - started:.0f} s")
        last = T0 + 29 * DAY_MS
        chosen = np.array([int(name(index)) for index in range(0, count, 4)], np.uint64)
        for number in range(10):
            times = last + np.arange(1000) * 86_000 + number * 10 + 3
            rows = len(chosen) * len(times)
            batch = ReadingBatch(
                np.repeat(chosen, len(times)), np.tile(times, len(chosen)), np.tile(times, len(chosen)),
                np.full(rows, 1.0), np.zeros(rows, np.uint8), np.full(rows, 192, np.uint8),
            )  # fmt: skip
            await historian.append(batch)
            await historian.flush()
        newest = [SeriesInfo.of(f"dev_{i // 10:06}", f"sensor_{i % 10}", unit="Cel") for i in range(LATEST_SERIES)]
        batch = ReadingBatch(
            np.array([entry.series for entry in newest], np.uint64),
            *(np.full(LATEST_SERIES, T0, np.int64),) * 2,
            np.arange(LATEST_SERIES, dtype=np.float64),
            np.zeros(LATEST_SERIES, np.uint8),
            np.full(LATEST_SERIES, 192, np.uint8),
        )
        await historian.append(batch, newest)
        await historian.flush()
    return count


async def settle(engine: ChdbEngine, most_s: float) -> None:
    """Wait until no merge runs, twice in a row."""
    started, quiet = time.perf_counter(), 0
    while quiet < 2 and time.perf_counter() - started < most_s:
        await asyncio.sleep(2)
        running = (await engine.query("SELECT count() AS n FROM system.merges")).column("n")[0].as_py()
        quiet = 0 if running else quiet + 1
    print(f"merging {'ended' if quiet else 'still runs'} after {time.perf_counter() - started:.0f} s")


async def measure(label: str, ask: Callable[[], Awaitable[object]], times: int) -> None:
    await ask()
    taken = []
    cpu = sum(process.cpu_times()[:2])
    for _ in range(times):
        started = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - started) * 1000)
    cpu = (sum(process.cpu_times()[:2]) - cpu) / times * 1000
    taken.sort()
    print(
        f"{label:62} p50 {statistics.median(taken):7.1f}  best {taken[0]:7.1f}  p95 {taken[int(times * 0.95)]:7.1f} ms"
        f"  CPU {cpu:6.1f} ms"
    )


async def run(points: int, folder: Path, settle_s: float) -> None:
    engine = ChdbEngine(folder, ClickHouseSettings(timeout_s=3600))
    started = time.perf_counter()
    historian = Historian(engine, SystemClock())
    await historian.start()
    print(f"opened in {time.perf_counter() - started:.2f} s")
    count = await fill(engine, historian, points)
    await settle(engine, settle_s)
    storage = await historian.storage()
    print(
        f"{storage.points:,} points of {count} series in {storage.parts} parts,"
        f" {storage.bytes / storage.points:.2f} bytes a point, memory {process.memory_info().rss / 1e6:.0f} MB"
    )
    dice = random.Random(1)

    def query(days: int, buckets: int, *aggregates: str, last: bool = False, several: int = 1) -> BucketQuery:
        start = T0 + (29 if last else dice.randrange(29 - days + 1)) * DAY_MS
        series = tuple(name(dice.randrange(count)) for _ in range(several))
        return BucketQuery(series, Range(start, start + days * DAY_MS), buckets, aggregates or AGGREGATES[:3])

    await measure("one series, one day, 500 buckets of min, max, mean", lambda: historian.buckets(query(1, 500)), 60)
    await measure(
        "… all aggregates but the time-weighted mean", lambda: historian.buckets(query(1, 500, *AGGREGATES[:6])), 40
    )
    await measure("… all aggregates", lambda: historian.buckets(query(1, 500, *AGGREGATES)), 40)
    await measure("… a day with ten late inserts", lambda: historian.buckets(query(1, 500, last=True)), 40)
    await measure("four series, one day", lambda: historian.buckets(query(1, 500, several=4)), 20)
    await measure("one series, 29 days, 500 buckets", lambda: historian.buckets(query(29, 500)), 15)
    await measure("one series, 29 days, time-weighted mean", lambda: historian.buckets(query(29, 500, "twm")), 8)

    async def page() -> None:
        start = T0 + dice.randrange(29) * DAY_MS
        await historian.raw(RawQuery(name(dice.randrange(count)), Range(start, start + DAY_MS), 1000))

    await measure("one page of 1,000 readings", page, 30)
    devices = [f"dev_{i:06}" for i in range(LATEST_DEVICES)]
    await measure("newest of 100,000 series of 10,000 devices", lambda: historian.latest_table(devices), 10)
    await measure("newest of 10 series of one device", lambda: historian.latest_table([dice.choice(devices)]), 30)
    print(f"memory {process.memory_info().rss / 1e6:.0f} MB")
    await historian.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1_000_000_000)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--settle", type=float, default=300, help="seconds to wait for merges")
    parser.add_argument("--keep", action="store_true", help="leave the folder for the next run")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="millwright-bench-"))
    try:
        asyncio.run(run(arguments.points, folder, arguments.settle))
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
