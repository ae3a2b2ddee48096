"""How fast the historian stores, what it costs, and how many bytes a reading takes.

    python bench/historian_insert.py [--seconds 10] [--series 10000] [--rows 250000] [--folder /tmp/...]

Readings go in as the pipeline hands them over (columns, batch by batch) through ``Historian.append`` into chDB, the
newest values included. Values are what plants send: set points that rarely change, rounded and unrounded sine
waves with noise. CPU is that of this process, so building the readings is subtracted.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from millwright.engines.clickhouse import ChdbEngine
from millwright.historian import Historian, HistorianSettings, ReadingBatch
from millwright.kernel import SystemClock

T0 = 1_750_000_000_000
process = psutil.Process()


def cpu_s() -> float:
    times = process.cpu_times()
    return times.user + times.system


def make(names: np.ndarray, first: int, rows: int, random: np.random.Generator) -> ReadingBatch:
    place = np.arange(first, first + rows)
    series, tick = place % len(names), place // len(names)
    noise = random.integers(0, 20, rows) / 100
    wave = 20 + 5 * np.sin(tick / 3600 + series)
    number = np.select(
        [series % 4 == 0, series % 4 == 1, series % 4 == 2],
        [np.round(wave + noise, 2), (place // 60_000 % 100).astype(float), wave + random.random(rows) / 5],
        np.round(400 + 10 * wave + noise, 1),
    )
    times = T0 + tick * 1000 + np.where(series % 2 == 1, random.integers(0, 7, rows), 0)
    return ReadingBatch(
        names[series],
        times,
        times + 5 + random.integers(0, 20, rows),
        number,
        np.zeros(rows, np.uint8),
        np.where(random.random(rows) < 0.001, 0, 192).astype(np.uint8),
    )


async def run(seconds: float, series: int, rows: int, folder: Path) -> None:
    random = np.random.default_rng(1)
    names = random.integers(0, 2**64, series, np.uint64)
    started = time.perf_counter()
    engine = ChdbEngine(folder)
    historian = Historian(engine, SystemClock(), HistorianSettings())
    await historian.start()
    print(f"start {time.perf_counter() - started:.2f} s, memory {process.memory_info().rss / 1e6:.0f} MB")

    batches = [make(names, i * rows, rows, random) for i in range(8)]
    await historian.stored(await historian.append(batches[0]))  # warm: the engine loads what it needs for an insert
    stored, making, ticket = 0, 0.0, 0
    begun, cpu = time.perf_counter(), cpu_s()
    peak = 0
    number = 1
    while time.perf_counter() - begun < seconds:
        making_from = cpu_s()
        batch = batches[number] if number < len(batches) else make(names, number * rows, rows, random)
        making += cpu_s() - making_from if number >= len(batches) else 0
        ticket = await historian.append(batch)
        stored += rows
        number += 1
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0)
    await historian.stored(ticket)
    wall, spent = time.perf_counter() - begun, cpu_s() - cpu
    print(f"{stored:,} readings of {series:,} series in {wall:.1f} s: {stored / wall:,.0f} a second")
    print(f"  {historian.inserts} inserts; CPU {spent / stored * 1e6:.2f} s a million in all,")
    print(f"  of which about {making / stored * 1e6:.2f} s made the readings; peak memory {peak / 1e6:.0f} MB")
    before = await historian.storage()
    await engine.execute("OPTIMIZE TABLE readings FINAL")
    after = await historian.storage()
    print(f"  {before.bytes / before.points:.2f} bytes a reading in {before.parts} parts,", end=" ")
    print(f"{after.bytes / after.points:.2f} merged")
    columns = await engine.query(
        "SELECT column, sum(column_bytes_on_disk) AS bytes FROM system.parts_columns"
        " WHERE active AND table = 'readings' AND database = currentDatabase() GROUP BY column ORDER BY bytes DESC"
    )
    print("  " + ", ".join(f"{row['column']} {row['bytes'] / after.points:.2f}" for row in columns.to_pylist()))
    await asyncio.sleep(2)
    print(f"  memory at rest afterwards {process.memory_info().rss / 1e6:.0f} MB")
    await historian.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="millwright-bench-"))
    try:
        asyncio.run(run(arguments.seconds, arguments.series, arguments.rows, folder))
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
