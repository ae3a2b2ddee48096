"""Counts in memory that does not grow, against exact ones on random streams."""

from __future__ import annotations

import math
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest

from millwright.identity.operation.sketches import BOUNDS_US, BUCKETS, Distinct, Frequent, bucket_of, quantile_us


@given(st.lists(st.integers(0, 60), max_size=2000), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_the_most_frequent_are_found_within_the_error_that_is_said(stream: list[int], most: int) -> None:
    exact, found = Counter(stream), Frequent[int](most)
    for each in stream:
        found.add(each)
        assert len(found) <= 2 * most
    kept = dict(found.top(10_000))
    assert found.error <= len(stream) / (most + 1)
    for each, count in exact.items():
        assert kept.get(each, 0) <= count <= kept.get(each, 0) + found.error


def test_what_is_asked_for_by_a_law_of_few_is_found_in_order() -> None:
    chosen = random.Random(7)
    names = [b"88.1/%d" % each for each in range(50_000)]
    stream = chosen.choices(names, weights=[1 / (each + 1) for each in range(len(names))], k=200_000)
    found, exact = Frequent[bytes](512), Counter(stream)
    for each in stream:
        found.add(each)
    best = [name for name, _ in exact.most_common(20)]
    # Neighbours may change places by less than the error.
    assert set(best) <= {name for name, _ in found.top(40)}
    assert [name for name, _ in found.top(5)] == best[:5]
    assert len(found) <= 1024


def test_distinct_things_are_counted_within_some_standard_errors() -> None:
    for registers in (64, 256):
        error = 1.04 / math.sqrt(registers)
        for count in (1, 3, 10, 40, 150, 1_000, 20_000):
            sketch = Distinct(registers)
            for each in range(count):
                for _ in range(2):
                    sketch.add(xxh3_64_intdigest(b"88.118.8/%d-%d" % (registers, each)))
            assert abs(sketch.count() - count) <= max(4 * error * count, 2), (registers, count, sketch.count())
            assert len(sketch.registers) == registers


@given(st.sets(st.integers(), max_size=300), st.sets(st.integers(), max_size=300))
@settings(max_examples=30, deadline=None)
def test_two_processes_count_together_what_one_would_have(first: set[int], second: set[int]) -> None:
    def sketch(of: set[int]) -> Distinct:
        found = Distinct(64)
        for each in of:
            found.add(xxh3_64_intdigest(str(each).encode()))
        return found

    together = sketch(first)
    together.merge(bytes(sketch(second).registers))
    assert together.registers == sketch(first | second).registers


def test_a_latency_is_found_within_its_bucket() -> None:
    chosen = random.Random(3)
    exact = sorted(chosen.lognormvariate(5, 1.2) for _ in range(20_000))
    counts = [0] * BUCKETS
    for each in exact:
        counts[bucket_of(each)] += 1
    for share in (0.5, 0.9, 0.99):
        found = quantile_us(counts, share)
        assert found is not None
        assert 1 / 1.42 <= found / exact[int(share * len(exact)) - 1] <= 1.42
    assert quantile_us([0] * BUCKETS, 0.5) is None
    slow = [0] * BUCKETS
    slow[bucket_of(1e9)] += 1
    assert quantile_us(slow, 0.5) == BOUNDS_US[-1]
