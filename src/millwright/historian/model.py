"""What the historian keeps: readings of series, in columns.

A *series* is one property of one device. A *reading* is its value at a source time, with the time this node received
it and a quality (the OPC classic quality byte, OPC DA 2.05a §6.8). Batches travel as columns from the decoder through
the rules to the engine, so that no code runs once per reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NewType, TypeAlias

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

from millwright.historian.quality import GOOD

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Identities: TypeAlias = npt.NDArray[np.uint64]
Octets: TypeAlias = npt.NDArray[np.uint8]

SeriesId = NewType("SeriesId", int)
"""Unsigned 64-bit identity of a series; made from its name alone, so every process finds the same one."""

Value: TypeAlias = float | bool | str | None
"""A reading's value as the API shows it; ``None`` stands for a number JSON cannot carry (NaN, ±inf)."""


class Kind(IntEnum):
    """What a value is. Numbers are IEEE 754 binary64: integers are exact up to ±2^53."""

    NUMBER = 0
    BOOLEAN = 1
    TEXT = 2


NUMBER, BOOLEAN, TEXT = Kind.NUMBER, Kind.BOOLEAN, Kind.TEXT


def series_id(device_id: str, property: str) -> SeriesId:  # noqa: A002 - the API's own word
    """The identity of ``property`` of ``device_id``: xxh3-64 of both, joined by a NUL."""
    return SeriesId(xxh3_64_intdigest(f"{device_id}\0{property}".encode(errors="surrogatepass")))


@dataclass(slots=True, frozen=True)
class SeriesInfo:
    """An entry of the catalogue of series; ``known`` says whether the device's model declares the property."""

    series: SeriesId
    device_id: str
    property: str
    kind: Kind = Kind.NUMBER
    unit: str | None = None
    known: bool = False

    @classmethod
    def of(
        cls,
        device_id: str,
        property: str,  # noqa: A002 - the API's own word
        kind: Kind = Kind.NUMBER,
        unit: str | None = None,
        known: bool = False,
    ) -> SeriesInfo:
        """The entry of ``property`` of ``device_id``, its identity computed."""
        return cls(series_id(device_id, property), device_id, property, kind, unit, known)


@dataclass(slots=True, frozen=True)
class Reading:
    """One value of one series; the row form, for tests and small results."""

    series: SeriesId
    time_ms: int
    value: Value
    quality: int = GOOD
    received_ms: int | None = None


@dataclass(slots=True)
class ReadingBatch:
    """Readings as columns of equal length.

    ``series`` uint64, ``time_ms`` int64 (source time, UTC), ``received_ms`` int64, ``number`` float64 (booleans as 0
    and 1, NaN for a text), ``kind`` uint8 (:class:`Kind`), ``quality`` uint8 (:class:`Quality`). ``text`` is sparse:
    row number → text, present exactly for the rows whose kind is ``TEXT``.
    """

    series: Identities
    time_ms: Integers
    received_ms: Integers
    number: Floats
    kind: Octets
    quality: Octets
    text: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def empty(cls) -> ReadingBatch:
        """A batch of no readings."""
        return cls.of([])

    @classmethod
    def of(cls, readings: Iterable[Reading], *, received_ms: int = 0) -> ReadingBatch:
        """A batch from rows; a row without its own ``received_ms`` takes the one given."""
        rows = list(readings)
        text = {row: reading.value for row, reading in enumerate(rows) if isinstance(reading.value, str)}
        return cls(
            np.array([r.series for r in rows], np.uint64),
            np.array([r.time_ms for r in rows], np.int64),
            np.array([received_ms if r.received_ms is None else r.received_ms for r in rows], np.int64),
            np.array([np.nan if r.value is None or isinstance(r.value, str) else r.value for r in rows], np.float64),
            np.array([_kind(r.value) for r in rows], np.uint8),
            np.array([r.quality for r in rows], np.uint8),
            text,
        )

    @classmethod
    def concatenate(cls, batches: Sequence[ReadingBatch]) -> ReadingBatch:
        """The batches one after the other."""
        if len(batches) == 1:
            return batches[0]
        if not batches:
            return cls.empty()
        text: dict[int, str] = {}
        offset = 0
        for batch in batches:
            if batch.text:
                text.update((row + offset, value) for row, value in batch.text.items())
            offset += len(batch)
        return cls(
            np.concatenate([b.series for b in batches]),
            np.concatenate([b.time_ms for b in batches]),
            np.concatenate([b.received_ms for b in batches]),
            np.concatenate([b.number for b in batches]),
            np.concatenate([b.kind for b in batches]),
            np.concatenate([b.quality for b in batches]),
            text,
        )

    def take(self, rows: npt.NDArray[Any]) -> ReadingBatch:
        """The batch of ``rows``: row numbers in the wanted order, or a mask."""
        text: dict[int, str] = {}
        if self.text:
            chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
            text = {new: self.text[old] for new, old in enumerate(chosen.tolist()) if old in self.text}
        return ReadingBatch(
            self.series[rows],
            self.time_ms[rows],
            self.received_ms[rows],
            self.number[rows],
            self.kind[rows],
            self.quality[rows],
            text,
        )

    def value(self, row: int) -> Value:
        """The value of one row as the API shows it."""
        kind = self.kind[row]
        if kind == Kind.TEXT:
            return self.text.get(row, "")
        number = float(self.number[row])
        if kind == Kind.BOOLEAN:
            return number != 0
        return number if np.isfinite(number) else None


def _kind(value: Value) -> Kind:
    if isinstance(value, str):
        return Kind.TEXT
    return Kind.BOOLEAN if isinstance(value, bool) else Kind.NUMBER
