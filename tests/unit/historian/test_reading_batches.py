"""Readings as columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.historian import (
    EARLIEST_MS,
    GOOD,
    LATEST_MS,
    TEXT,
    Kind,
    Reading,
    ReadingBatch,
    SeriesId,
    series_id,
    values,
)
from millwright.historian.columns import prepare, readings_table, versions

reading_values = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text(max_size=12))
readings = st.lists(
    st.builds(
        Reading,
        series=st.integers(0, 2**64 - 1).map(SeriesId) | st.sampled_from([SeriesId(1), SeriesId(2**64 - 1)]),
        time_ms=st.integers(-10, 10),
        value=reading_values,
        quality=st.sampled_from([0, 64, 192]),
        received_ms=st.integers(0, 5),
    ),
    max_size=30,
)


def test_a_series_is_named_the_same_for_ever() -> None:
    # These numbers are in every history written so far: they must not change.
    assert series_id("dev_1", "temp") == 4361308846371684260
    assert series_id("dev_1", "s") == 7119090251344371091
    assert series_id("a", "bc") != series_id("ab", "c")


@settings(deadline=None)
@given(readings)
def test_rows_come_back_from_columns(rows: list[Reading]) -> None:
    batch = ReadingBatch.of(rows)
    assert len(batch) == len(rows)
    assert [batch.value(row) for row in range(len(batch))] == [reading.value for reading in rows]
    assert set(batch.text) == {row for row, kind in enumerate(batch.kind.tolist()) if kind == TEXT}


@settings(deadline=None)
@given(st.lists(readings, max_size=4))
def test_concatenating_keeps_every_row_with_its_text(parts: list[list[Reading]]) -> None:
    batch = ReadingBatch.concatenate([ReadingBatch.of(part) for part in parts])
    rows = [reading for part in parts for reading in part]
    assert [batch.value(row) for row in range(len(batch))] == [reading.value for reading in rows]
    assert batch.series.tolist() == [reading.series for reading in rows]
    assert batch.series.dtype == np.uint64


@settings(deadline=None)
@given(readings, st.data())
def test_taking_rows_takes_their_texts(rows: list[Reading], data: st.DataObject) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
    batch = ReadingBatch.of(rows)
    chosen = batch.take(mask)
    assert [chosen.value(row) for row in range(len(chosen))] == [
        r.value for r, keep in zip(rows, mask, strict=True) if keep
    ]
    backwards = batch.take(np.arange(len(rows))[::-1])
    assert [backwards.value(row) for row in range(len(rows))] == [reading.value for reading in reversed(rows)]


@settings(deadline=None)
@given(readings)
def test_the_engine_gets_rows_in_the_order_of_their_key_and_the_newest_of_each_series(rows: list[Reading]) -> None:
    table, newest = prepare(ReadingBatch.of(rows))
    keys = list(zip(table.column("series").to_pylist(), table.column("time_ms").to_pylist(), strict=True))
    assert keys == sorted((reading.series, reading.time_ms) for reading in rows)
    found = zip(
        newest.column("series").to_pylist(),
        newest.column("time_ms").to_pylist(),
        newest.column("received_ms").to_pylist(),
        strict=True,
    )
    expected: dict[int, tuple[int, int | None]] = {}
    for reading in rows:
        known = expected.get(reading.series)
        if known is None or (reading.time_ms, reading.received_ms) >= known:
            expected[reading.series] = (reading.time_ms, reading.received_ms)
    assert {series: (time, received) for series, time, received in found} == expected


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(EARLIEST_MS, LATEST_MS - 1), st.integers(-86_400_000, 20 * 86_400_000)),
        min_size=2,
        max_size=2,
    )
)
def test_the_newer_reading_has_the_greater_version(two: list[tuple[int, int]]) -> None:
    times = np.array([time for time, _ in two])
    first, second = versions(times, times + np.array([later for _, later in two])).tolist()
    (time_a, later_a), (time_b, later_b) = two
    if time_a != time_b:
        assert (first < second) == (time_a < time_b)
    elif abs(later_a - later_b) >= 1000:
        assert (first < second) == (later_a < later_b)


def test_a_series_whose_hash_resembles_another_is_kept_apart() -> None:
    alike = [7 << 60, (7 << 60) + 1, (7 << 60) + 2]
    rows = [Reading(SeriesId(alike[number % 3]), number // 3, float(number)) for number in range(30)]
    table, newest = prepare(ReadingBatch.of(rows))
    assert table.column("series").to_pylist() == sorted(reading.series for reading in rows)
    assert newest.column("number").to_pylist() == [27.0, 28.0, 29.0]


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False)), max_size=20))
def test_sparse_texts_become_a_full_column(rows: list[str | float]) -> None:
    batch = ReadingBatch.of([Reading(SeriesId(1), at, value, GOOD) for at, value in enumerate(rows)])
    table = readings_table(batch)
    assert ("text" in table.column_names) == any(isinstance(value, str) for value in rows)
    if "text" in table.column_names:
        table.validate(full=True)
        assert values(table) == rows


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_json_cannot_carry_is_shown_as_null(value: float | None) -> None:
    batch = ReadingBatch.of([Reading(SeriesId(1), 0, value)])
    assert batch.value(0) is None
    assert batch.kind[0] == Kind.NUMBER
