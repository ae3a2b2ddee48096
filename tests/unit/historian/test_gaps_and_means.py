"""Gaps, and the time-weighted mean against one sample a millisecond."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.historian import BucketQuery, Range, SeriesId
from millwright.historian.buckets import assemble, typical_gap
from millwright.historian.reduction import Columns, reduce_buckets, reduce_held

S = SeriesId(7)
moments = st.lists(st.integers(0, 400), unique=True, max_size=25).map(sorted)
samples = st.one_of(st.floats(-1e6, 1e6, width=32), st.just(math.nan), st.just(math.inf))


def _columns(times: list[int], numbers: list[float], quality: list[int]) -> Columns:
    return {
        "time_ms": np.array(times, np.int64),
        "number": np.array(numbers, np.float64),
        "quality": np.array(quality, np.uint8),
    }


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_time_weighted_mean_is_the_mean_of_every_millisecond(data: st.DataObject) -> None:
    times = data.draw(moments)
    numbers = data.draw(st.lists(samples, min_size=len(times), max_size=len(times)))
    quality = data.draw(st.lists(st.sampled_from([0, 64, 192]), min_size=len(times), max_size=len(times)))
    start, end = sorted(data.draw(st.lists(st.integers(1, 401), min_size=2, max_size=2, unique=True)))
    gap = data.draw(st.none() | st.integers(1, 100))
    until = data.draw(st.integers(start, end))
    query = BucketQuery((S,), Range(start, end), data.draw(st.integers(1, 40)), ("twm", "mean"), gap)

    within = [i for i, time in enumerate(times) if start <= time < end]
    earlier = [i for i, time in enumerate(times) if time < start][-1:]
    pick = lambda rows: _columns([times[i] for i in rows], [numbers[i] for i in rows], [quality[i] for i in rows])  # noqa: E731
    rows = {S: pick(within)} if within else {}
    held = reduce_held(query, rows, [pick(earlier)], until)

    expected: dict[int, list[float]] = {}
    for moment in range(start, until):
        before = [i for i in earlier + within if times[i] <= moment]
        if not before or quality[before[-1]] < 64 or not math.isfinite(numbers[before[-1]]):
            continue
        if gap is None or moment < times[before[-1]] + gap:
            expected.setdefault((moment - start) // query.width_ms, []).append(numbers[before[-1]])
    found = dict(zip(held[S]["bucket"].tolist(), (held[S]["area"] / held[S]["covered_ms"]).tolist(), strict=True))
    assert set(found) == set(expected)
    for bucket, values in expected.items():
        assert found[bucket] == pytest.approx(math.fsum(values) / len(values), rel=1e-9, abs=1e-6)
        assert held[S]["covered_ms"][held[S]["bucket"] == bucket].tolist() == [len(values)]

    (series,) = assemble(query, reduce_buckets(query, rows), held)
    assert len(series.time_ms) == len(set(series.time_ms)) <= query.buckets
    assert sum(series.count) + sum(series.bad) == len(within)


def test_an_evenly_spaced_series_has_a_gap_after_three_missed() -> None:
    count, first = np.array([10, 10, 10]), np.array([0, 1000, 2000])
    assert typical_gap(count, first, first + 900) == 300


def test_one_long_silence_does_not_widen_the_gap() -> None:
    count, first = np.array([10, 10]), np.array([0, 1_000_000])
    assert typical_gap(count, first, first + 900) == 300


@pytest.mark.parametrize("count", [[], [1]])
def test_fewer_than_two_readings_have_no_rhythm(count: list[int]) -> None:
    times = np.zeros(len(count), np.int64)
    assert typical_gap(np.array(count, np.int64), times, times) is None


@settings(deadline=None)
@given(st.integers(2, 50), st.integers(1, 10_000))
def test_single_readings_far_apart_give_their_own_spacing(count: int, spacing: int) -> None:
    times = np.arange(count) * spacing
    assert typical_gap(np.ones(count, np.int64), times, times) == 3 * spacing


def test_sums_that_overflow_are_null_not_wrong() -> None:
    query = BucketQuery((S,), Range(0, 10), 1, ("mean", "max", "twm"))
    rows = {S: _columns([0, 1], [1.7e308, 1.7e308], [192, 192])}
    held = reduce_held(query, rows, [_columns([], [], [])], 10)
    (series,) = assemble(query, reduce_buckets(query, rows), held)
    assert series.values == {"mean": [None], "max": [1.7e308], "twm": [None]}
