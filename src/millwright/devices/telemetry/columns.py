"""Growing columns: messages of known shape go in by the block, odd readings one by one.

The point is that a message of ten values costs a handful of list operations and no per-value Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np
import numpy.typing as npt

from millwright.historian import BAD, BOOLEAN, GOOD, NUMBER, TEXT, UNCERTAIN, ReadingBatch

EXACT: Final = 2.0**53
"""From ±2^53 on a double no longer tells neighbouring integers apart."""
_PACK: Final = 8_192
"""Values that become a piece of a column at once."""


class Shape:
    """The properties of a kind of message, in the message's order, with all that does not change from one to the next.

    Every column is a ``bytes`` of the little array, so that a batch joins them at memory speed: ``series`` uint64,
    ``low`` and ``high`` float64 (the declared limits), ``integral`` bool, ``kinds`` and ``qualities`` uint8.
    """

    __slots__ = (
        "constrained",
        "count",
        "high",
        "integral",
        "kinds",
        "low",
        "names",
        "numeric",
        "qualities",
        "seen",
        "series",
    )

    def __init__(
        self,
        names: Sequence[str],
        series: Sequence[int],
        kinds: Sequence[int],
        qualities: Sequence[int],
        limits: Sequence[tuple[float, float]],
        integral: Sequence[bool],
    ) -> None:
        self.names = tuple(names)
        self.count = len(self.names)
        self.series = np.array(series, np.uint64).tobytes()
        self.kinds = bytes(kinds)
        self.qualities = bytes(qualities)
        self.low = np.array([low for low, _ in limits], np.float64).tobytes()
        self.high = np.array([high for _, high in limits], np.float64).tobytes()
        self.integral = bytes(integral)
        self.numeric = not any(kind != NUMBER for kind in kinds)
        self.seen = 0
        """Messages of this shape that went the general way."""
        self.constrained = (
            any(integral) or any(q != GOOD for q in qualities) or any(limit != UNLIMITED for limit in limits)
        )


UNLIMITED: Final = (-np.inf, np.inf)


@dataclass(slots=True)
class Lane:
    """Whole messages: ``values`` of all of them in a row; shape, time and reception one per message."""

    values: list[float] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    numeric: bool = True
    """Whether all values are numbers."""
    constrained: bool = False
    """Whether any shape has limits or a model's types; until then they cost nothing."""
    _numbers: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _packed: int = 0
    _inexact: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return self._packed + len(self.values)

    def add(self, shape: Shape, values: Iterable[float], times: Sequence[int], received_ms: int) -> None:
        """Messages of one shape: all their values in a row, the time of each, when they were received."""
        self.values.extend(values)
        self.numeric = self.numeric and shape.numeric
        self.constrained = self.constrained or shape.constrained
        if len(times) == 1:
            self.shapes.append(shape)
            self.received.append(received_ms)
        else:
            self.shapes.extend(repeat(shape, len(times)))
            self.received.extend(repeat(received_ms, len(times)))
        self.times.extend(times)
        if len(self.values) >= _PACK:
            self._pack()

    def _pack(self) -> None:
        """Turn values into a piece of the column while they are in the processor's cache."""
        number = np.array(self.values, np.float64)
        for row in np.flatnonzero(np.abs(number) >= EXACT).tolist():
            if is_inexact(self.values[row]):
                self._inexact.append(self._packed + row)
        self._numbers.append(number)
        self._packed += len(number)
        self.values.clear()

    def build(self) -> ReadingBatch:
        """The readings."""
        self._pack()
        number = np.concatenate(self._numbers)
        counts = np.array([shape.count for shape in self.shapes], np.int64)
        quality = self._qualities(number) if self.constrained else np.full(len(number), GOOD, np.uint8)
        quality[self._inexact] = np.minimum(quality[self._inexact], UNCERTAIN)
        if self.numeric:
            kind = np.full(len(number), NUMBER, np.uint8)
        else:
            kind = np.frombuffer(b"".join([s.kinds for s in self.shapes]), np.uint8).copy()
        return ReadingBatch(
            np.frombuffer(b"".join([s.series for s in self.shapes]), np.uint64),
            np.repeat(np.array(self.times, np.int64), counts),
            np.repeat(np.array(self.received, np.int64), counts),
            number,
            kind,
            quality,
        )

    def _qualities(self, number: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        quality = np.frombuffer(b"".join([s.qualities for s in self.shapes]), np.uint8).copy()
        low = np.frombuffer(b"".join([s.low for s in self.shapes]))
        high = np.frombuffer(b"".join([s.high for s in self.shapes]))
        integral = np.frombuffer(b"".join([s.integral for s in self.shapes]), np.bool_)
        outside = (number < low) | (number > high)
        if integral.any():
            outside |= integral & (number != np.floor(number))
        quality[outside] = UNCERTAIN
        return quality


def is_inexact(value: object) -> bool:
    """Whether an integer loses digits as a double."""
    return isinstance(value, int) and not isinstance(value, bool) and int(float(value)) != value


@dataclass(slots=True)
class Rows:
    """Readings one by one: the general path."""

    series: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    number: list[float] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    quality: list[int] = field(default_factory=list)
    text: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    def add(self, series: int, time_ms: int, received_ms: int, value: float | bool | str | None, quality: int) -> None:
        """One reading; ``None`` is a reading without a value and therefore bad."""
        kind: int = NUMBER
        if isinstance(value, str):
            kind, self.text[len(self.series)] = TEXT, value
            number = np.nan
        elif value is None:
            number, quality = np.nan, BAD
        else:
            if value is True or value is False:
                kind = BOOLEAN
            number = float(value)
        self.series.append(series)
        self.times.append(time_ms)
        self.received.append(received_ms)
        self.number.append(number)
        self.kind.append(kind)
        self.quality.append(quality)

    def extend(self, other: Rows) -> None:
        """Add all of ``other``."""
        offset = len(self.series)
        self.text.update((row + offset, text) for row, text in other.text.items())
        self.series.extend(other.series)
        self.times.extend(other.times)
        self.received.extend(other.received)
        self.number.extend(other.number)
        self.kind.extend(other.kind)
        self.quality.extend(other.quality)

    def build(self) -> ReadingBatch:
        """The readings added."""
        return ReadingBatch(
            np.array(self.series, np.uint64),
            np.array(self.times, np.int64),
            np.array(self.received, np.int64),
            np.array(self.number, np.float64),
            np.array(self.kind, np.uint8),
            np.array(self.quality, np.uint8),
            self.text,
        )


def join(parts: Iterable[ReadingBatch]) -> ReadingBatch:
    """The non-empty ``parts`` in one batch; when there are several, by time of reception, then source time."""
    filled = [part for part in parts if len(part)]
    batch = ReadingBatch.concatenate(filled)
    if len(filled) > 1:
        batch = batch.take(np.lexsort((batch.time_ms, batch.received_ms)))
    return batch
