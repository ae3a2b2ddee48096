"""Counts over streams in memory that does not grow: latencies, distinct things, what occurs most often.

Each says how wrong it may be: a histogram by the width of its bucket, a sketch of distinct things by its standard
error, the most frequent by a bound.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")

_FIRST_US, _LAST_EXPONENT = 2.0, 46
BOUNDS_US: Final = tuple(round(_FIRST_US * 2 ** (step / 2), 1) for step in range(_LAST_EXPONENT))
"""Upper bounds of the buckets of a latency in microseconds: two to each doubling, from 2 µs to 11.9 s; what took longer
is in one more bucket."""
BUCKETS: Final = len(BOUNDS_US) + 1

_POWER: Final = {16: 0.673, 32: 0.697, 64: 0.709}


def bucket_of(latency_us: float) -> int:
    """Which bucket a latency is counted in."""
    return bisect_left(BOUNDS_US, latency_us)


def quantile_us(counts: Iterable[int], share: float) -> float | None:
    """The latency that ``share`` of all do not exceed, interpolated within its bucket (a factor of 1.41 wide); ``None``
    without any."""
    listed = list(counts)
    total = sum(listed)
    if not total:
        return None
    wanted, seen = share * total, 0
    for at, count in enumerate(listed):
        if count and seen + count >= wanted:
            if at >= len(BOUNDS_US):
                return BOUNDS_US[-1]
            low = BOUNDS_US[at - 1] if at else BOUNDS_US[0] / 2
            return round(float(low * (BOUNDS_US[at] / low) ** ((wanted - seen) / count)), 1)
        seen += count
    return BOUNDS_US[-1]


class Distinct:
    """How many distinct things there were (HyperLogLog): ``registers`` bytes, standard error 1.04/√registers.

    Things are given by a well mixed hash of 64 bits, the same in every process.
    """

    __slots__ = ("registers",)

    def __init__(self, registers: int | bytes = 256) -> None:
        self.registers = bytearray(registers)

    def add(self, hashed: int) -> None:
        """One thing."""
        registers = self.registers
        count = len(registers)
        at = hashed & (count - 1)
        # Beginning with the highest bit: how many zeros come first, and one.
        rank = 65 - hashed.bit_length() if hashed >= count else 65 - count.bit_length()
        if rank > registers[at]:
            registers[at] = rank

    def merge(self, registers: bytes) -> None:
        """Those of another sketch of the same size, too."""
        if len(registers) == len(self.registers):
            self.registers = bytearray(map(max, self.registers, registers))

    def count(self) -> int:
        """About how many."""
        registers, size = self.registers, len(self.registers)
        alpha = _POWER.get(size) or 0.7213 / (1 + 1.079 / size)
        estimate = alpha * size * size / sum(2.0**-rank for rank in registers)
        zeros = registers.count(0)
        if estimate <= 2.5 * size and zeros:
            # Few: by how many registers nothing fell into.
            estimate = size * math.log(size / zeros)
        return round(estimate)


class Frequent(Generic[Key]):
    """The things that occur most often among very many (Misra–Gries, cut in batches): at most 2 × ``most`` are kept.

    A count is too small by at most :attr:`error`, which is at most total/(most + 1); what is not kept occurred no more
    often than that.
    """

    __slots__ = ("_counts", "_most", "error")

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[Key, int] = {}
        self.error = 0

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, key: Key, weight: int = 1) -> None:
        """It occurred ``weight`` times."""
        counts = self._counts
        counts[key] = counts.get(key, 0) + weight
        if len(counts) > 2 * self._most:
            self._cut()

    def _cut(self) -> None:
        """Take from all what the largest of those has that are one too many. Done once for many new things, so each
        costs little; as each unit is taken from more than ``most`` things, all that is taken is at most total/most."""
        less = sorted(self._counts.values(), reverse=True)[self._most]
        self._counts = {key: count - less for key, count in self._counts.items() if count > less}
        self.error += less

    def top(self, most: int) -> list[tuple[Key, int]]:
        """The most frequent with their counts, the first most often."""
        return sorted(self._counts.items(), key=lambda each: each[1], reverse=True)[:most]
