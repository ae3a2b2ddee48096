"""What was asked in a minute or an hour: counts by interface and outcome, latencies, the most frequent names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import add
from typing import Final

import msgspec
from msgspec import Struct, field

from millwright.identity.operation.model import ANSWERED, BEHIND, FOUND, MISSES, Told
from millwright.identity.operation.sketches import BUCKETS, quantile_us

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
_NAMES: Final = 100
_ASKED: Final = frozenset({FOUND, "value_not_found"}) | MISSES
"""Outcomes of questions about names that are kept here: of these a share is found."""


class Bucket(Struct):
    """``counts`` and ``latencies`` by interface and outcome, ``names`` by who told them: counts and their error."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    latencies: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    names: dict[str, tuple[dict[str, int], int]] = field(default_factory=dict)

    def add(self, told: Told) -> None:
        """What a process counted; its names are those of a whole minute, so they go to their own bucket."""
        for interface, outcome, count in told.counts:
            by = self.counts.setdefault(interface, {})
            by[outcome] = by.get(outcome, 0) + count
        for interface, outcome, buckets in told.latencies:
            if len(buckets) == BUCKETS:
                self._latency(interface, outcome, buckets)

    def merge(self, other: Bucket) -> None:
        """What another bucket has, but for its names."""
        for interface, outcomes in other.counts.items():
            by = self.counts.setdefault(interface, {})
            for outcome, count in outcomes.items():
                by[outcome] = by.get(outcome, 0) + count
        for interface, latencies in other.latencies.items():
            for outcome, buckets in latencies.items():
                self._latency(interface, outcome, buckets)

    def _latency(self, interface: str, outcome: str, buckets: Iterable[int]) -> None:
        by = self.latencies.setdefault(interface, {})
        before = by.get(outcome)
        by[outcome] = list(buckets) if before is None else list(map(add, before, buckets))

    # --- what it says --------------------------------------------------------------------------------------------

    def outcomes(self, interface: str | None = None) -> Counter[str]:
        """Questions by outcome; of all interfaces but ``recursion``, which is behind them."""
        total: Counter[str] = Counter()
        for name, outcomes in self.counts.items():
            if name == interface or (interface is None and name not in BEHIND):
                total.update(outcomes)
        return total

    def quantile(self, share: float, interface: str | None = None) -> float | None:
        """A latency over all outcomes."""
        total = [0] * BUCKETS
        for name, latencies in self.latencies.items():
            if name == interface or (interface is None and name not in BEHIND):
                for buckets in latencies.values():
                    total = list(map(add, total, buckets))
        return quantile_us(total, share)

    def top(self) -> dict[str, tuple[int, int]]:
        """The most frequent names with their counts and errors."""
        return merged(self.names.values())


def failed(outcomes: Mapping[str, int]) -> int:
    """How many questions failed."""
    return sum(count for outcome, count in outcomes.items() if outcome not in ANSWERED)


def hit_ratio(outcomes: Mapping[str, int]) -> float | None:
    """Of the questions about names kept here, the share that found something; ``None`` without any."""
    asked = sum(count for outcome, count in outcomes.items() if outcome in _ASKED)
    return round(outcomes.get(FOUND, 0) / asked, 4) if asked else None


def merged(lists: Iterable[tuple[Mapping[str, int], int]]) -> dict[str, tuple[int, int]]:
    """The most frequent over several lists. A name that one list lacks may have occurred there as often as its error
    says."""
    total: Counter[str] = Counter()
    errors = 0
    for names, error in lists:
        total.update(names)
        errors += error
    return {name: (count, errors) for name, count in total.most_common(_NAMES)}


_decoder = msgspec.msgpack.Decoder(Bucket)


def encode(bucket: Bucket) -> bytes:
    """A bucket as it is kept: its names together."""
    names = bucket.top()
    error = max((error for _, error in names.values()), default=0)
    kept = {"": ({name: count for name, (count, _) in names.items()}, error)} if names else {}
    return msgspec.msgpack.encode(Bucket(bucket.counts, bucket.latencies, kept))


def decode(data: bytes) -> Bucket:
    """A bucket that was kept."""
    return _decoder.decode(data)
