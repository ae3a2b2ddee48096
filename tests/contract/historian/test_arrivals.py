"""Following arrivals: whatever came between two bounds once, however late it was, over each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow as pa
import pytest

from millwright.historian import EARLIEST_MS, LATEST_MS, Arrivals, Historian, Range, RawQuery, ReadingBatch, series_id
from millwright.historian.query import LATE_MS, SETTLED_MS
from millwright.historian.schema import LATE
from millwright.kernel import ManualClock
from support.historian import numbers, open_historian, store

S, OTHER = series_id("dev_1", "temperature"), series_id("dev_2", "temperature")
NOW = 1_800_000_000_000
DAY_MS = 86_400_000


@pytest.fixture(params=["chdb", "http"])
async def historian(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Historian]:
    async with open_historian(tmp_path, request.param, clock=ManualClock(NOW)) as opened:
        opened.follow_arrivals(True)
        yield opened


async def arrived(historian: Historian, after_ms: int, until_ms: int, limit: int = 1000) -> list[float]:
    query = RawQuery(S, Range(EARLIEST_MS, LATEST_MS), limit, arrivals=Arrivals(after_ms, until_ms))
    table, _ = await historian.raw(query)
    return table.column("number").to_pylist()


def at(historian: Historian, now_ms: int) -> int:
    clock = historian._clock
    assert isinstance(clock, ManualClock)
    clock.jump((now_ms - clock.now_ms()) / 1000)
    return now_ms


async def test_every_reading_falls_between_one_pair_of_bounds(historian: Historian) -> None:
    first = NOW - SETTLED_MS
    await store(historian, numbers(S, [NOW - DAY_MS], [1.0], received_ms=NOW - 30_000))
    later = at(historian, NOW + 10 * DAY_MS) - SETTLED_MS
    at(historian, NOW + 5 * DAY_MS)
    # Of an edge that was cut off for days: received there before the first bound, stored here after it.
    await store(historian, numbers(S, [NOW - 2 * DAY_MS], [2.0], received_ms=NOW - 2 * DAY_MS))
    # Of an edge whose clock is ahead; of another device; in time.
    await store(historian, numbers(S, [NOW + 5], [3.0], received_ms=NOW + 20 * DAY_MS))
    await store(historian, numbers(OTHER, [NOW - 2 * DAY_MS], [9.0], received_ms=NOW - 2 * DAY_MS))
    await store(historian, numbers(S, [NOW + 6], [4.0], received_ms=NOW + 5 * DAY_MS - LATE_MS + 1))
    assert await arrived(historian, first - DAY_MS, first) == []
    assert await arrived(historian, first, later) == [2.0, 1.0, 3.0, 4.0]
    assert await arrived(historian, later, later + 20 * DAY_MS) == []
    assert await arrived(historian, first, NOW) == [1.0]
    assert await arrived(historian, NOW, later) == [2.0, 3.0, 4.0]


async def test_a_correction_comes_again_and_a_page_goes_on(historian: Historian) -> None:
    await store(historian, numbers(S, [NOW, NOW + 1, NOW + 2], [1.0, 2.0, 3.0], received_ms=NOW))
    at(historian, NOW + DAY_MS)
    await store(historian, numbers(S, [NOW + 1], [7.0], received_ms=NOW + DAY_MS))
    assert await arrived(historian, NOW - 1, NOW) == [1.0, 3.0]
    assert await arrived(historian, NOW, NOW + DAY_MS) == [7.0]
    query = RawQuery(S, Range(EARLIEST_MS, LATEST_MS), 1, arrivals=Arrivals(NOW - 1, NOW))
    table, following = await historian.raw(query)
    assert (table.column("number").to_pylist(), following) == ([1.0], NOW + 1)


async def test_what_nobody_follows_is_not_noted(historian: Historian) -> None:
    historian.follow_arrivals(False)
    await store(historian, numbers(S, [NOW - DAY_MS], [1.0], received_ms=NOW - DAY_MS))
    found = await historian._engine.query(f"SELECT count() AS n FROM {LATE.name}")
    assert found.column("n").to_pylist() == [0]


async def test_a_historian_notes_what_is_late_until_it_is_told_that_nobody_follows(tmp_path: Path) -> None:
    async with open_historian(tmp_path, "chdb", clock=ManualClock(NOW)) as opened:
        await store(opened, numbers(S, [NOW - DAY_MS], [1.0], received_ms=NOW - DAY_MS))
        assert await arrived(opened, NOW - 1, NOW) == [1.0]


async def test_what_an_insert_took_long_to_store_is_new_afterwards(
    historian: Historian, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export goes by while the engine is still busy with the insert."""
    insert = historian._store.insert
    gone: list[list[float]] = []
    first, second = NOW - 1 + SETTLED_MS, NOW + 3 * SETTLED_MS

    async def slow(batch: ReadingBatch) -> pa.Table:
        at(historian, first + SETTLED_MS)
        gone.append(await arrived(historian, NOW - 2 * DAY_MS, first))
        return await insert(batch)

    monkeypatch.setattr(historian._store, "insert", slow)
    late = numbers(S, [NOW - DAY_MS], [2.0], received_ms=NOW - DAY_MS)
    historian._buffer.add(late, ())
    await store(historian, numbers(S, [NOW - 5], [1.0], received_ms=NOW - 5))
    assert gone == [[]]
    assert await arrived(historian, first, second) == [2.0, 1.0]
