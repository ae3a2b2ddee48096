"""Buckets against a brute-force oracle."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from millwright.historian import AGGREGATES, BAD, GOOD, BucketQuery, BucketSeries, Historian, Range, SeriesId, series_id
from millwright.kernel import Invalid, ManualClock
from support.historian import T0, numbers, open_historian, store


@pytest.fixture(params=[("chdb", 300_000), ("chdb", 0), ("http", 0)], ids=["reduced", "engine", "engine-http"])
async def historian(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Historian]:
    kind, reduce_rows = request.param
    async with open_historian(tmp_path, kind, ManualClock(T0 + 10**10), reduce_rows=reduce_rows) as opened:
        yield opened


def _oracle(
    readings: list[tuple[int, float, int]], query: BucketQuery, until_ms: int
) -> dict[int, dict[str, float | None]]:
    """The definition, one millisecond at a time where the time counts."""
    start, width = query.range.from_ms, query.width_ms
    known = sorted(readings)
    found: dict[int, dict[str, float | None]] = {}
    hold = query.gap_ms or 10**15
    held: dict[int, list[float]] = {}
    for index, (time, value, quality) in enumerate(known):
        if (
            quality < 64
            or not math.isfinite(value)
            or (time < start and index + 1 < len(known) and known[index + 1][0] < start)
        ):
            continue
        following = known[index + 1][0] if index + 1 < len(known) else until_ms
        for moment in range(max(time, start), min(following, time + hold, until_ms, query.range.to_ms)):
            held.setdefault((moment - start) // width, []).append(value)
    for time, value, quality in known:
        if start <= time < query.range.to_ms:
            bucket = found.setdefault((time - start) // width, {"count": 0, "bad": 0})
            good = quality >= 64 and math.isfinite(value)
            bucket["count" if good else "bad"] += 1  # type: ignore[operator]
            if good:
                bucket["min"] = min(bucket.get("min", math.inf), value)  # type: ignore[type-var]
                bucket["max"] = max(bucket.get("max", -math.inf), value)  # type: ignore[type-var]
                bucket["sum"] = bucket.get("sum", 0.0) + value  # type: ignore[operator]
                bucket.setdefault("first", value)
                bucket["last"] = value
    for number, samples in held.items():
        found.setdefault(number, {"count": 0, "bad": 0})["twm"] = math.fsum(samples) / len(samples)
    for bucket in found.values():
        if "sum" in bucket:
            bucket["mean"] = bucket.pop("sum") / bucket["count"]  # type: ignore[operator]
    return found


def _check(series: BucketSeries, query: BucketQuery, expected: dict[int, dict[str, float | None]]) -> None:
    rows = {(time - query.range.from_ms) // query.width_ms: row for row, time in enumerate(series.time_ms)}
    assert series.time_ms == sorted(series.time_ms)
    assert len(series.time_ms) <= query.buckets
    assert set(expected) <= set(rows)
    for number, row in rows.items():
        wanted = expected.get(number, {"count": 0, "bad": 0})
        assert (series.count[row], series.bad[row]) == (wanted["count"], wanted["bad"])
        for name in ("min", "max", "mean", "first", "last", "twm"):
            value = wanted.get(name)
            found = series.values[name][row]  # type: ignore[index]
            if value is None:
                assert found is None, (number, name)
            else:
                assert found == pytest.approx(value, rel=1e-9, abs=1e-9), (number, name)


async def test_random_series_agree_with_the_definition(historian: Historian) -> None:
    random = np.random.default_rng(20261121)
    for trial in range(25):
        series = series_id(f"dev_{trial}", "x")
        count = int(random.integers(0, 40))
        times = np.unique(random.integers(-1000, 3000, count)) + T0
        values = np.where(random.random(len(times)) < 0.1, [math.nan], np.round(random.normal(0, 50, len(times)), 3))
        quality = np.where(random.random(len(times)) < 0.15, BAD, GOOD)
        await store(historian, numbers(series, times.tolist(), values.tolist(), quality=quality.tolist()))
        query = BucketQuery(
            (series,),
            Range(T0, T0 + int(random.integers(1, 2500))),
            int(random.integers(1, 60)),
            AGGREGATES,
            None if trial % 2 else int(random.integers(1, 300)),
        )
        readings = list(zip(times.tolist(), values.tolist(), quality.tolist(), strict=True))
        (found,) = await historian.buckets(query)
        _check(found, query, _oracle(readings, query, query.range.to_ms))


@pytest.mark.parametrize("reduce_rows", [0, 300_000])
async def test_a_value_is_carried_over_from_years_before_and_ends_now(tmp_path: Path, reduce_rows: int) -> None:
    clock = ManualClock(T0 + 6_000)
    async with open_historian(tmp_path, clock=clock, reduce_rows=reduce_rows) as historian:
        series = series_id("dev_1", "valve")
        await store(historian, numbers(series, [T0 - 3 * 10**11, T0 - 10**11, T0 + 5_000], [9.0, 1.0, 3.0]))
        query = BucketQuery((series,), Range(T0, T0 + 10_000), 10, ("twm", "count"))
        (found,) = await historian.buckets(query)
        assert found.time_ms == [T0 + i * 1000 for i in range(6)]
        assert found.values["twm"] == [1.0] * 5 + [3.0]
        assert found.count == [0] * 5 + [1]
        whole = BucketQuery((series,), Range(T0, T0 + 10_000), 1, ("twm",))
        assert (await historian.buckets(whole))[0].values["twm"] == [pytest.approx((5 * 1.0 + 1 * 3.0) / 6)]


async def test_a_silence_breaks_the_line_and_a_slow_rhythm_does_not(historian: Historian) -> None:
    fast, slow = series_id("dev_1", "fast"), series_id("dev_1", "slow")
    times = [T0 + i * 1000 for i in [*range(20), *range(80, 100)]]
    await store(historian, numbers(fast, times, [1.0] * 40))
    await store(historian, numbers(slow, [T0 + i * 10_000 for i in range(10)], [2.0] * 10))
    query = BucketQuery((fast, slow), Range(T0, T0 + 100_000), 100, ("mean",))
    of_fast, of_slow = await historian.buckets(query)
    assert of_fast.gap_ms == 3000
    assert of_fast.values["mean"] == [1.0] * 20 + [None] + [1.0] * 20
    assert of_fast.time_ms[20] == T0 + 20_000
    assert of_slow.gap_ms == 30_000
    assert of_slow.values["mean"] == [2.0] * 10
    wide = BucketQuery((fast,), Range(T0, T0 + 100_000), 100, ("mean",), gap_ms=61_000)
    assert None not in (await historian.buckets(wide))[0].values["mean"]


async def test_replayed_and_corrected_readings_count_once_in_buckets(historian: Historian) -> None:
    series = series_id("dev_1", "x")
    for received, value in ((1, 100.0), (2, 1.0), (1, 100.0)):
        await store(historian, numbers(series, [T0 + i for i in range(50)], [value] * 50, received_ms=T0 + received))
    (found,) = await historian.buckets(BucketQuery((series,), Range(T0, T0 + 50), 5, AGGREGATES))
    assert found.count == [10] * 5
    assert found.values["max"] == found.values["twm"] == [1.0] * 5


async def test_more_readings_than_fetched_are_reduced_by_the_engine(tmp_path: Path) -> None:
    async with open_historian(tmp_path, clock=ManualClock(T0 + 10**10), reduce_rows=10) as historian:
        series = series_id("dev_1", "x")
        for count in (10, 11, 25):
            await store(historian, numbers(series, [T0 + i for i in range(count)], [float(i) for i in range(count)]))
            (found,) = await historian.buckets(BucketQuery((series,), Range(T0, T0 + 30), 1, AGGREGATES))
            assert found.count == [count]
            assert found.values["last"] == [count - 1.0]
            assert found.values["twm"] == [pytest.approx((sum(range(count)) + (count - 1) * (30 - count)) / 30)]


async def test_series_come_back_in_the_order_asked(historian: Historian) -> None:
    names = [series_id("dev_1", f"p{i}") for i in range(8)]
    for number, series in enumerate(names):
        await store(historian, numbers(series, [T0], [float(number)]))
    wanted = (names[5], SeriesId(12345), names[0], names[7])
    found = await historian.buckets(BucketQuery(wanted, Range(T0, T0 + 10), 1, ("last",)))
    assert [(each.series, each.values["last"]) for each in found] == [
        (names[5], [5.0]),
        (12345, []),
        (names[0], [0.0]),
        (names[7], [7.0]),
    ]


async def test_the_last_bucket_ends_with_the_range(historian: Historian) -> None:
    series = series_id("dev_1", "x")
    await store(historian, numbers(series, [T0 + i for i in range(20)], [1.0] * 20))
    (found,) = await historian.buckets(BucketQuery((series,), Range(T0, T0 + 10), 3, ("count",)))
    assert found.count == [4, 4, 2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"buckets": 0}, "buckets_invalid"),
        ({"buckets": 10_001}, "buckets_invalid"),
        ({"series": ()}, "too_many_series"),
        ({"series": tuple(SeriesId(i) for i in range(65))}, "too_many_series"),
        ({"aggregates": ("median",)}, "aggregate_unknown"),
        ({"aggregates": ()}, "aggregate_unknown"),
        ({"gap_ms": 0}, "gap_invalid"),
        ({"range": Range(5, 5)}, "range_invalid"),
    ],
)
def test_what_cannot_be_answered_is_invalid(change: dict[str, object], code: str) -> None:
    import msgspec

    query = msgspec.structs.replace(BucketQuery((SeriesId(1),), Range(0, 10)), **change)
    with pytest.raises(Invalid) as caught:
        query.check()
    assert caught.value.code == f"historian.{code}"
