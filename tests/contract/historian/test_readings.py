"""What goes in comes out once, over each engine."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millwright.historian import (
    BAD,
    BOOLEAN,
    GOOD,
    NUMBER,
    TEXT,
    UNCERTAIN,
    Historian,
    Range,
    RawQuery,
    Reading,
    ReadingBatch,
    SeriesInfo,
    series_id,
    values,
)
from millwright.kernel import Conflict, Invalid, SystemClock
from support.historian import T0, numbers, open_historian, read_all, store

S = series_id("dev_1", "temperature")
YEAR_MS = 366 * 86_400_000


@pytest.fixture(params=["chdb", "http"])
async def historian(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Historian]:
    async with open_historian(tmp_path, request.param) as opened:
        yield opened


async def test_a_replayed_batch_is_stored_once(historian: Historian) -> None:
    batch = numbers(S, [T0 + i for i in range(1000)], [float(i) for i in range(1000)])
    for _ in range(3):
        await store(historian, batch)
    assert await read_all(historian, S) == [(T0 + i, float(i)) for i in range(1000)]


async def test_a_correction_wins_by_received_time_even_when_it_is_replayed_first(historian: Historian) -> None:
    await store(historian, numbers(S, [T0], [2.0], received_ms=T0 + 20))
    await store(historian, numbers(S, [T0], [1.0], received_ms=T0 + 10))
    assert await read_all(historian, S) == [(T0, 2.0)]


async def test_within_one_batch_the_later_received_wins(historian: Historian) -> None:
    first, second = numbers(S, [T0], [1.0], received_ms=T0 + 10), numbers(S, [T0], [2.0], received_ms=T0 + 20)
    await store(historian, ReadingBatch.concatenate([second, first]))
    assert await read_all(historian, S) == [(T0, 2.0)]


async def test_late_and_out_of_order_readings_find_their_place_across_years(historian: Historian) -> None:
    times = [T0 + 5 * YEAR_MS, T0, T0 - 20 * YEAR_MS, T0 + 1, -(10**11), T0 - 1]
    await store(historian, numbers(S, times, [float(t) for t in times]))
    assert await read_all(historian, S, -(10**12), T0 + 10**12) == [(t, float(t)) for t in sorted(times)]


async def test_hundreds_of_months_fit_one_insert(historian: Historian) -> None:
    month_ms = 31 * 86_400_000
    times = [T0 - i * month_ms for i in range(400)]
    await store(historian, numbers(S, times, [0.0] * 400))
    assert len(await read_all(historian, S, T0 - 401 * month_ms, T0 + 1)) == 400


async def test_a_time_that_is_no_time_is_refused_and_counted(historian: Historian) -> None:
    await store(historian, numbers(S, [-(2**62), T0, 2**62, 4_102_444_800_000], [1.0, 2.0, 3.0, 4.0]))
    assert await read_all(historian, S) == [(T0, 2.0)]
    assert historian.counters()["points_refused"] == 3


async def test_each_kind_of_value_comes_back_as_it_was(historian: Historian) -> None:
    huge = "数据" * 200_000
    rows = [
        1.5,
        True,
        False,
        "",
        "it's\ttext\0",
        huge,
        float("nan"),
        float("inf"),
        -0.0,
        2.0**53,
        5e-324,
        1.7976931348623157e308,
    ]
    batch = ReadingBatch.of([Reading(S, T0 + i, value) for i, value in enumerate(rows)], received_ms=T0)
    await store(historian, batch)
    table, _ = await historian.raw(RawQuery(S, Range(T0, T0 + 100)))
    assert values(table) == [
        1.5,
        True,
        False,
        "",
        "it's\ttext\0",
        huge,
        None,
        None,
        -0.0,
        2.0**53,
        5e-324,
        1.7976931348623157e308,
    ]
    found = table.column("number").to_pylist()
    assert math.isnan(found[6])
    assert found[7] == math.inf
    assert math.copysign(1, found[8]) == -1


async def test_an_integer_beyond_2_to_the_53_is_rounded_as_documented(historian: Historian) -> None:
    await store(historian, ReadingBatch.of([Reading(S, T0, 2**53 + 1), Reading(S, T0 + 1, 2**63)]))
    assert [number for _, number in await read_all(historian, S)] == [float(2**53), float(2**63)]


async def test_text_that_utf8_cannot_carry_does_not_block_what_follows(historian: Historian) -> None:
    entry = SeriesInfo.of("dev_1", "na\ud800me", TEXT)
    await store(historian, ReadingBatch.of([Reading(entry.series, T0, "a\ud800b")], received_ms=T0), [entry])
    table, _ = await historian.raw(RawQuery(entry.series, Range(T0, T0 + 1)))
    assert values(table) == ["a?b"]


async def test_pages_join_to_the_whole_in_both_directions(historian: Historian) -> None:
    await store(historian, numbers(S, [T0 + i * 10 for i in range(95)], [float(i) for i in range(95)]))
    for descending in (False, True):
        left, got, pages = Range(T0, T0 + 10_000), [], 0
        while True:
            table, bound = await historian.raw(RawQuery(S, left, 10, descending))
            got += table.column("number").to_pylist()
            pages += 1
            if bound is None:
                break
            left = Range(left.from_ms, bound) if descending else Range(bound, left.to_ms)
        assert got == sorted(map(float, range(95)), reverse=descending)
        assert pages == 10


async def test_a_page_of_huge_texts_stays_small_and_complete(historian: Historian) -> None:
    texts = [f"{i:04}" + "x" * 300_000 for i in range(40)]
    await store(historian, ReadingBatch.of([Reading(S, T0 + i, text) for i, text in enumerate(texts)], received_ms=T0))
    got: list[object] = []
    bound: int | None = T0
    while bound is not None:
        table, bound = await historian.raw(RawQuery(S, Range(bound, T0 + 1000), 1000))
        assert table.nbytes < 4 << 20
        got += values(table)
    assert got == texts


async def test_latest_is_the_newest_source_time_not_the_last_to_arrive(historian: Historian) -> None:
    flag, note = series_id("dev_1", "flag"), series_id("dev_1", "note")
    entries = [
        SeriesInfo.of("dev_1", "temperature", NUMBER, "Cel", True),
        SeriesInfo.of("dev_1", "flag", BOOLEAN),
        SeriesInfo.of("dev_1", "note", TEXT),
        SeriesInfo.of("dev_2", "temperature"),
        SeriesInfo.of("dev_2", "never"),
    ]
    other = series_id("dev_2", "temperature")
    await store(
        historian,
        ReadingBatch.of([Reading(S, T0 + 5, 5.0, BAD), Reading(S, T0 + 9, 9.0, UNCERTAIN)], received_ms=T0),
        entries,
    )
    await store(
        historian,
        ReadingBatch.of(
            [Reading(S, T0 + 7, 7.0), Reading(flag, T0, True), Reading(note, T0 - 10**12, "on")], received_ms=T0 + 1
        ),
    )
    await store(historian, ReadingBatch.of([Reading(other, -5, -1.0), Reading(other, -9, -2.0)], received_ms=T0 + 1))
    assert [(r.property, r.time_ms, r.value, r.quality) for r in await historian.latest(["dev_1"])] == [
        ("flag", T0, True, GOOD),
        ("note", T0 - 10**12, "on", GOOD),
        ("temperature", T0 + 9, 9.0, UNCERTAIN),
    ]
    assert [(r.device_id, r.time_ms, r.value) for r in await historian.latest(["dev_2", "dev_9"])] == [
        ("dev_2", -5, -1.0)
    ]
    await store(historian, ReadingBatch.of([Reading(S, T0 + 9, 9.5)], received_ms=T0 + 2))
    assert [r.value for r in await historian.latest(["dev_1"]) if r.property == "temperature"] == [9.5]
    assert await historian.latest([]) == []


async def test_latest_stays_right_when_readings_come_late_twice_or_again_after_a_correction(
    historian: Historian,
) -> None:
    entry = [SeriesInfo.of("dev_1", "temperature")]
    first = ReadingBatch.of([Reading(S, T0, 1.0), Reading(S, T0 + 5, 2.0)], received_ms=T0 + 10)
    correction = ReadingBatch.of([Reading(S, T0 + 5, 2.5)], received_ms=T0 + 60_000)
    late = ReadingBatch.of([Reading(S, T0 + 3, 9.0)], received_ms=T0 + 90_000)
    for batch in (first, first, correction, late, first, late):
        await store(historian, batch, entry)
    (newest,) = await historian.latest(["dev_1"])
    assert (newest.time_ms, newest.value, newest.received_ms) == (T0 + 5, 2.5, T0 + 60_000)
    assert await read_all(historian, S) == [(T0, 1.0), (T0 + 3, 9.0), (T0 + 5, 2.5)]


async def test_the_catalogue_keeps_one_entry_a_series_the_last_announced(historian: Historian) -> None:
    await store(historian, ReadingBatch.empty(), [SeriesInfo.of("dev_1", "b"), SeriesInfo.of("dev_1", "a", TEXT)])
    await store(historian, ReadingBatch.empty(), [SeriesInfo.of("dev_1", "b", NUMBER, "Cel", True)])
    found = await historian.catalogue(["dev_1"])
    assert [(e.property, e.kind, e.unit, e.known) for e in found] == [
        ("a", TEXT, None, False),
        ("b", NUMBER, "Cel", True),
    ]


async def test_storage_counts_points_and_room(historian: Historian) -> None:
    await store(historian, numbers(S, list(range(T0, T0 + 500)), [0.0] * 500), [SeriesInfo.of("dev_1", "temperature")])
    found = await historian.storage()
    assert (found.points, found.series) == (500, 1)
    assert found.bytes > 0
    assert 0 < found.disk_free_bytes < found.disk_total_bytes


@pytest.mark.parametrize("bounds", [(5, 5), (6, 5), (-(10**15), 5), (0, 10**15)])
async def test_a_range_that_cannot_be_is_invalid(historian: Historian, bounds: tuple[int, int]) -> None:
    with pytest.raises(Invalid) as caught:
        await historian.raw(RawQuery(S, Range(*bounds)))
    assert caught.value.code == "historian.range_invalid"


async def test_series_written_by_a_newer_version_are_left_alone(tmp_path: Path) -> None:
    from millwright.historian.schema import STEPS, upgrade
    from support.historian import open_engine

    async with open_engine("chdb", tmp_path) as engine:
        await engine.start()
        assert await upgrade(engine, SystemClock(), (*STEPS, lambda _: iter(()))) == len(STEPS) + 1
        with pytest.raises(Conflict) as caught:
            await upgrade(engine, SystemClock())
        assert caught.value.code == "historian.schema_newer"
        assert await upgrade(engine, SystemClock(), (*STEPS, lambda _: iter(()))) == 0
        await engine.stop()
