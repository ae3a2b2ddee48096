"""The newest readings held in memory are the engine's own answer, whatever comes late, twice, corrected or half."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from millwright.engines.clickhouse import ChdbEngine
from millwright.engines.clickhouse.port import Parameters
from millwright.historian import (
    Historian,
    HistorianSettings,
    Reading,
    ReadingBatch,
    SeriesInfo,
    Value,
    series_id,
)
from millwright.historian.service import latest_rows
from millwright.kernel import MillwrightError, SystemClock, Unavailable
from support.historian import T0, numbers, open_engine, store

VALUES: list[Value] = [0.0, -1.5, 7.25, float("nan"), float("inf"), True, False, "", "running", "停" * 50, None]


class UnsteadyEngine(ChdbEngine):
    """Answers late by up to ``late_s``; ``failures`` names what the next inserts do before they raise."""

    def __init__(self, folder: Path, dice: Random) -> None:
        super().__init__(folder)
        self._dice = dice
        self.late_s = 0.0
        self.failures: list[str] = []
        self.asked = 0
        self.failed = asyncio.Event()

    async def query(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        found = await super().query(sql, parameters)
        self.asked += "FROM latest" in sql
        await asyncio.sleep(self._dice.random() * self.late_s)
        return found

    async def insert(self, table: str, rows: pa.Table) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        if failure != "nothing stored":
            await super().insert(table, rows.slice(0, rows.num_rows // 2) if failure == "half stored" else rows)
        if failure:
            # Set a turn of the loop later, when the historian knows.
            asyncio.get_running_loop().call_later(0.05, self.failed.set)
            raise Unavailable("The engine broke off.", code="engines.clickhouse_unavailable")


@pytest.fixture
async def engine(tmp_path: Path) -> UnsteadyEngine:
    return UnsteadyEngine(tmp_path / "series", Random(1))


@pytest.fixture
async def historian(engine: UnsteadyEngine) -> AsyncIterator[Historian]:
    opened = Historian(engine, SystemClock(), HistorianSettings(flush_ms=10, newest_rows=40))
    await opened.start()
    try:
        yield opened
    finally:
        await opened.stop()


async def agree(historian: Historian, devices: list[str]) -> None:
    held = await historian.latest(devices)
    assert held == latest_rows(await historian.latest_table(devices))


async def test_the_engine_is_asked_once_and_inserts_keep_the_answer_true(
    historian: Historian, engine: UnsteadyEngine
) -> None:
    entry = SeriesInfo.of("dev_1", "x")
    await store(historian, numbers(entry.series, [T0], [1.0]), [entry])
    for time_ms, number in ((T0 + 5, 2.0), (T0 - 5, 3.0), (T0 + 5, 4.0)):
        assert len(await historian.latest(["dev_1"])) == 1
        await store(historian, numbers(entry.series, [time_ms], [number]))
    assert [(row.time_ms, row.value) for row in await historian.latest(["dev_1"])] == [(T0 + 5, 4.0)]
    assert engine.asked == 1
    await agree(historian, ["dev_1"])


async def test_a_new_property_of_a_device_in_memory_is_found(historian: Historian) -> None:
    first, second = SeriesInfo.of("dev_1", "x"), SeriesInfo.of("dev_1", "a")
    await store(historian, numbers(first.series, [T0], [1.0]), [first])
    await historian.latest(["dev_1"])
    await store(historian, numbers(second.series, [T0], [2.0]), [second])
    assert [row.property for row in await historian.latest(["dev_1"])] == ["a", "x"]


async def test_devices_nobody_knows_take_no_room(historian: Historian, engine: UnsteadyEngine) -> None:
    for number in range(100):
        assert await historian.latest([f"dev_none{number}"]) == []
    assert await historian.latest(["dev_none1"]) == []
    assert engine.asked == 101


async def test_what_a_failed_insert_left_in_the_engine_is_told(historian: Historian, engine: UnsteadyEngine) -> None:
    historian.follow_arrivals(False)  # nothing else is inserted
    entry = SeriesInfo.of("dev_1", "x")
    await store(historian, numbers(entry.series, [T0], [1.0]), [entry])
    await historian.latest(["dev_1"])
    engine.failures += ["", "all stored"] * 1000
    ticket = await historian.append(numbers(entry.series, [T0 + 1], [2.0]))
    await asyncio.wait_for(engine.failed.wait(), 30)
    await agree(historian, ["dev_1"])
    assert [row.value for row in await historian.latest(["dev_1"])] == [2.0]
    engine.failures.clear()
    await historian.stored(ticket)
    await agree(historian, ["dev_1"])


async def test_long_texts_give_way(tmp_path: Path) -> None:
    engine = UnsteadyEngine(tmp_path / "series", Random(1))
    historian = Historian(engine, SystemClock(), HistorianSettings(flush_ms=10))
    await historian.start()
    try:
        entries = [SeriesInfo.of(f"dev_{number}", "log") for number in range(5)]
        rows = [Reading(entry.series, T0, f"{entry.device_id} " * 400_000) for entry in entries]
        await store(historian, ReadingBatch.of(rows, received_ms=T0), entries)
        devices = [entry.device_id for entry in entries]
        await agree(historian, devices)
        asked = engine.asked
        await agree(historian, devices)
        assert engine.asked - asked == 2, "some of the texts were too much to hold"
    finally:
        await historian.stop()


@pytest.mark.parametrize("kind", ["chdb", "http"])
async def test_only_an_engine_of_our_own_is_remembered(tmp_path: Path, kind: str) -> None:
    async with open_engine(kind, tmp_path) as engine:
        assert engine.exclusive is (kind == "chdb")
        historian = Historian(engine, SystemClock(), HistorianSettings(flush_ms=10))
        await historian.start()
        try:
            entry = SeriesInfo.of("dev_1", "x")
            await store(historian, numbers(entry.series, [T0], [1.0]), [entry])
            await historian.latest(["dev_1"])
            assert historian.gauges()["newest_held"] == (1 if kind == "chdb" else 0)
            await agree(historian, ["dev_1"])
        finally:
            await historian.stop()


@pytest.mark.parametrize("seed", range(6))
async def test_memory_and_engine_agree_after_anything(historian: Historian, engine: UnsteadyEngine, seed: int) -> None:
    dice = Random(seed)
    devices = [f"dev_{number}" for number in range(8)]
    questions: list[asyncio.Task[object]] = []
    engine.late_s = 0.04

    def batch() -> tuple[ReadingBatch, list[SeriesInfo]]:
        rows, entries = [], {}
        for _ in range(dice.randrange(1, 12)):
            device, name = dice.choice(devices), f"p{dice.randrange(5)}"
            # Few times and receptions, so that equal ones, corrections within a second, and late ones are frequent.
            time_ms = T0 + dice.choice([0, 0, 1, 400, 1000, -1000, -(10**9)])
            received_ms = T0 + dice.choice([0, 1, 500, 1000, 3000, -(10**9)])
            rows.append(Reading(series_id(device, name), time_ms, dice.choice(VALUES), 192, received_ms))
            entries[device, name] = SeriesInfo.of(device, name)
        return ReadingBatch.of(rows), list(entries.values()) if dice.random() < 0.3 else []

    for _ in range(60):
        deed = dice.random()
        if deed < 0.2:
            failures = ["nothing stored", "half stored", "all stored"]
            engine.failures += [dice.choice(["", *failures]) for _ in range(dice.randrange(1, 3))]
        if deed < 0.6:
            await historian.append(*batch())
        questions.append(asyncio.create_task(historian.latest(dice.sample(devices, dice.randrange(1, 5)))))
        await asyncio.sleep(dice.random() * 0.03)
        if deed > 0.9:
            await settle(historian, engine, questions)
            await agree(historian, dice.sample(devices, 3))
            await agree(historian, devices)
    await settle(historian, engine, questions)
    await agree(historian, devices)
    assert historian.gauges()["newest_held"] > 0


async def settle(historian: Historian, engine: UnsteadyEngine, questions: list[asyncio.Task[object]]) -> None:
    """Everything appended is in the engine, and no question is under way."""
    engine.failures.clear()
    while True:
        try:
            await historian.flush()
            break
        except MillwrightError:
            continue
    await historian.stored(await historian.append(ReadingBatch.empty()))
    await asyncio.gather(*questions)
    questions.clear()
