"""What was confirmed survives; what was not can be sent again; a full disk stops the intake and loses nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from millwright.engines.clickhouse import ChdbEngine
from millwright.historian import Historian, HistorianSettings, Range, RawQuery, SeriesInfo, series_id
from millwright.kernel import LimitExceeded, MillwrightError, SystemClock, Unavailable
from support.historian import T0, numbers, open_historian, read_all, store

S = series_id("dev_1", "x")
ROWS = 50_000

# Stores batch after batch, each across two months, and prints the number of each one that was confirmed.
WRITER = """
import asyncio, pathlib, sys
from millwright.engines.clickhouse import ChdbEngine
from millwright.historian import Historian, HistorianSettings
from millwright.kernel import SystemClock
from support.durability import batch

async def main():
    historian = Historian(ChdbEngine(pathlib.Path(sys.argv[1])), SystemClock(), HistorianSettings(flush_ms=10))
    await historian.start()
    number = int(sys.argv[2])
    while True:
        await historian.stored(await historian.append(batch(number)))
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


async def test_killed_in_the_middle_of_inserts_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    from support.durability import DEVICES, ROWS, batch, expected_sum

    confirmed = -1
    for kill_after_s in (0.7, 1.1, 0.9):
        confirmed = await asyncio.to_thread(_write_and_kill, tmp_path, confirmed + 1, kill_after_s) or confirmed
    assert confirmed >= 2, "the writer must have got somewhere"
    historian = Historian(ChdbEngine(tmp_path), SystemClock(), HistorianSettings(flush_ms=10))
    await historian.start()
    try:
        before = await _totals(historian)
        assert before[0] >= (confirmed + 1) * ROWS, "a confirmed reading is missing"
        # The stream hands out again what was not acknowledged, and here a few that were.
        for number in range(max(0, confirmed - 1), confirmed + 3):
            await store(historian, batch(number))
        assert await _totals(historian) == ((confirmed + 3) * ROWS, expected_sum(confirmed + 3))
        rows, bound = 0, T0 - 10**12
        while bound is not None:
            page, bound = await historian.raw(RawQuery(series_id("dev_0", "x"), Range(bound, T0 + 10**12), 50_000))
            rows += page.num_rows
        assert rows == (confirmed + 3) * ROWS // DEVICES
    finally:
        await historian.stop()


def _write_and_kill(folder: Path, first: int, after_s: float) -> int | None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
    )
    assert process.stdout is not None
    last = None
    try:
        line = process.stdout.readline()
        assert line, "the writer did not start"
        last = int(line)
        time.sleep(after_s)
    finally:
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split("\n")
        process.stdout.close()
        process.wait(10)
    complete = [int(number) for number in rest[:-1]]
    return complete[-1] if complete else last


async def _totals(historian: Historian) -> tuple[int, float]:
    found = await historian._engine.query("SELECT count() AS n, sum(number) AS s FROM readings FINAL")
    row = found.to_pylist()[0]
    return row["n"], row["s"]


class FailingEngine(ChdbEngine):
    """The real engine, except that inserts fail while ``error`` is set."""

    error: MillwrightError | None = None
    partly = False
    only = ""

    async def insert(self, table: str, rows: pa.Table) -> None:
        if self.error is not None and self.only in ("", table):
            if self.partly:
                await super().insert(table, rows.slice(0, rows.num_rows // 2))
            raise self.error
        await super().insert(table, rows)


FULL = LimitExceeded("The disk is full.", code="engines.disk_full", hint="Free some.", retry_after_s=5)


async def _open(folder: Path) -> tuple[Historian, FailingEngine]:
    engine = FailingEngine(folder)
    historian = Historian(engine, SystemClock(), HistorianSettings(flush_ms=10, buffer_rows=10_000))
    await historian.start()
    return historian, engine


async def test_between_the_readings_and_their_newest_nothing_is_confirmed(tmp_path: Path) -> None:
    historian, engine = await _open(tmp_path)
    entry = SeriesInfo.of("dev_1", "x")
    try:
        await historian.stored(await historian.append(numbers(S, [T0], [0.0]), [entry]))
        engine.error, engine.only = FULL, "latest"
        ticket = await historian.append(numbers(S, [T0 + 1], [1.0]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(historian.stored(ticket), 0.3)
        assert [each.time_ms for each in await historian.latest(["dev_1"])] == [T0]
        engine.error = None
        await asyncio.wait_for(historian.stored(ticket), 10)
        assert [each.time_ms for each in await historian.latest(["dev_1"])] == [T0 + 1]
        assert await read_all(historian, S) == [(T0, 0.0), (T0 + 1, 1.0)]
    finally:
        await historian.stop()


@pytest.mark.parametrize("partly", [False, True])
async def test_while_inserts_fail_nothing_is_confirmed_and_afterwards_everything(tmp_path: Path, partly: bool) -> None:
    historian, engine = await _open(tmp_path)
    try:
        engine.error, engine.partly = FULL, partly
        entry = SeriesInfo.of("dev_1", "x")
        tickets = [await historian.append(numbers(S, [T0 + i], [float(i)]), [entry]) for i in range(10)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(historian.stored(tickets[0]), 0.3)
        (problem,) = historian.problems()
        assert problem["code"] == "engines.disk_full"
        with pytest.raises(LimitExceeded):
            await historian.flush()
        engine.error = None
        await asyncio.wait_for(historian.stored(tickets[-1]), 10)
        assert historian.problems() == []
        assert await read_all(historian, S) == [(T0 + i, float(i)) for i in range(10)]
        assert [e.property for e in await historian.catalogue(["dev_1"])] == ["x"]
    finally:
        await historian.stop()


async def test_a_full_buffer_refuses_instead_of_growing(tmp_path: Path) -> None:
    historian, engine = await _open(tmp_path)
    try:
        engine.error = FULL
        first = numbers(S, list(range(T0, T0 + 8000)), [0.0] * 8000)
        ticket = await historian.append(first)
        with pytest.raises(LimitExceeded) as caught:
            await asyncio.wait_for(historian.append(numbers(S, list(range(T0, T0 + 4000)), [1.0] * 4000)), 10)
        assert caught.value.code == "engines.disk_full"
        assert historian.gauges()["points_buffered"] == 8000
        engine.error = None
        await asyncio.wait_for(historian.stored(ticket), 10)
        assert len(await read_all(historian, S)) == 8000
    finally:
        await historian.stop()


async def test_a_slow_engine_makes_append_wait_and_then_go_on(tmp_path: Path) -> None:
    historian, _ = await _open(tmp_path)
    try:
        size = 4000
        tickets = []
        for number in range(12):
            batch = numbers(S, list(range(T0 + number * size, T0 + (number + 1) * size)), [1.0] * size)
            tickets.append(await asyncio.wait_for(historian.append(batch), 10))
        await asyncio.wait_for(historian.stored(tickets[-1]), 10)
        assert (await historian.storage()).points == 12 * size
    finally:
        await historian.stop()


async def test_stop_stores_what_was_buffered(tmp_path: Path) -> None:
    historian = Historian(ChdbEngine(tmp_path), SystemClock(), HistorianSettings(flush_ms=10_000))
    await historian.start()
    await historian.append(numbers(S, [T0], [1.0]))
    await historian.stop()
    async with open_historian(tmp_path / "other"):
        pass
    again = Historian(ChdbEngine(tmp_path), SystemClock(), HistorianSettings())
    await again.start()
    assert await read_all(again, S) == [(T0, 1.0)]
    await again.stop()


async def test_a_reading_is_visible_within_a_second(tmp_path: Path) -> None:
    historian = Historian(ChdbEngine(tmp_path), SystemClock(), HistorianSettings())
    await historian.start()
    await store(historian, numbers(S, [T0], [1.0]))
    started = time.perf_counter()
    await historian.append(numbers(S, [T0 + 1], [2.0]))
    while len(await read_all(historian, S)) < 2:
        assert time.perf_counter() - started < 5
        await asyncio.sleep(0.01)
    await historian.stop()


async def test_an_engine_that_is_away_at_start_is_unavailable(tmp_path: Path) -> None:
    from millwright.engines.clickhouse import ClickHouseHttpEngine, ClickHouseSettings

    historian = Historian(
        ClickHouseHttpEngine(ClickHouseSettings(url="http://127.0.0.1:9", retries=0)),
        SystemClock(),
        HistorianSettings(),
    )
    with pytest.raises(Unavailable):
        await historian.start()
    await historian.stop()
