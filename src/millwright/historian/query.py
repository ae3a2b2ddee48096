"""What can be asked of the historian, and what it answers; plain data that crosses process borders."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from millwright.historian.model import Kind, SeriesId, Value
from millwright.kernel import Invalid

Aggregate = Literal["min", "max", "mean", "first", "last", "count", "twm"]
AGGREGATES: tuple[Aggregate, ...] = ("min", "max", "mean", "first", "last", "count", "twm")

MOST_BUCKETS = 10_000
MOST_SERIES = 64
MOST_READINGS = 50_000
MOST_DEVICES = 100_000
EARLIEST_MS = -2_208_988_800_000
"""1900-01-01: what happened before has no partition."""
LATEST_MS = 4_102_444_800_000
"""2100-01-01: a source time from here on is a broken clock."""


class Range(Struct, frozen=True):
    """A stretch of source time: ``from_ms`` belongs to it, ``to_ms`` does not."""

    from_ms: int
    to_ms: int

    def check(self) -> None:
        """Raise ``Invalid`` (``historian.range_invalid``) when it is empty or out of bounds."""
        if not EARLIEST_MS <= self.from_ms < self.to_ms <= LATEST_MS:
            raise Invalid(
                f"The range from {self.from_ms} to {self.to_ms} cannot be answered.",
                code="historian.range_invalid",
                hint="Give from_ms < to_ms, both UTC milliseconds between the years 1900 and 2100.",
            )


LATE_MS = 60_000
"""A reading that is stored so long after it was received is *late*; one received so far in the future, too."""
SETTLED_MS = 120_000
"""What was received, and what was stored late, so long ago is all there. An insert that takes longer than
:data:`LATE_MS` has what it stored noted as late when it is over."""

LATE_KEPT_DAYS = 92
"""So long it is known which readings came late."""


class Arrivals(Struct, frozen=True):
    """Readings by when they came, not by when they were: what came after ``after_ms``, up to ``until_ms``.

    What is not late counts by its time of reception, what is late by when it was stored, so that every reading falls
    between exactly one pair of neighbouring bounds. ``until_ms`` lies :data:`SETTLED_MS` in the past, and the historian
    was following arrivals from ``after_ms`` on.
    """

    after_ms: int
    until_ms: int


class BucketQuery(Struct, frozen=True):
    """Series of one device reduced to at most ``buckets`` buckets of equal width.

    ``gap_ms``: a longer silence is a gap; None: three times the median spacing of the readings found.
    """

    series: tuple[SeriesId, ...]
    range: Range
    buckets: int = 500
    aggregates: tuple[Aggregate, ...] = ("min", "max", "mean")
    gap_ms: int | None = None

    @property
    def width_ms(self) -> int:
        """Width of one bucket."""
        return -(-(self.range.to_ms - self.range.from_ms) // self.buckets)

    def check(self) -> None:
        """Raise ``Invalid`` when it asks for something that cannot be answered."""
        self.range.check()
        if not 1 <= self.buckets <= MOST_BUCKETS:
            raise Invalid(
                f"{self.buckets} buckets cannot be answered.",
                code="historian.buckets_invalid",
                hint=f"Ask for 1 to {MOST_BUCKETS}; a screen shows one a pixel.",
            )
        if not 1 <= len(self.series) <= MOST_SERIES:
            raise Invalid(
                f"{len(self.series)} series at once cannot be answered.",
                code="historian.too_many_series",
                hint=f"Ask for 1 to {MOST_SERIES} properties.",
            )
        unknown = set(self.aggregates) - set(AGGREGATES)
        if unknown or not self.aggregates:
            raise Invalid(
                f"Unknown aggregates: {', '.join(sorted(unknown)) or 'none given'}.",
                code="historian.aggregate_unknown",
                hint=f"Choose from {', '.join(AGGREGATES)}.",
            )
        if self.gap_ms is not None and not 1 <= self.gap_ms <= LATEST_MS - EARLIEST_MS:
            raise Invalid(
                "A gap is at least one millisecond, and at most two centuries.",
                code="historian.gap_invalid",
                hint="Leave it out.",
            )


class BucketSeries(Struct, frozen=True):
    """The buckets of one series that hold something, and a null bucket where a gap must break the line.

    Columns run parallel to ``time_ms``, the start of each bucket. ``count`` counts the readings the aggregates are made
    of, ``bad`` those left out (bad quality, or no finite number).
    """

    series: SeriesId
    gap_ms: int | None
    time_ms: list[int]
    count: list[int]
    bad: list[int]
    values: dict[Aggregate, list[float | None]]


class RawQuery(Struct, frozen=True):
    """Readings of one series one by one, oldest first, or newest first when ``descending``; those of ``arrivals``."""

    series: SeriesId
    range: Range
    limit: int = 1_000
    descending: bool = False
    arrivals: Arrivals | None = None

    def check(self) -> None:
        """Raise ``Invalid`` when it asks for something that cannot be answered."""
        self.range.check()
        if not 1 <= self.limit <= MOST_READINGS:
            raise Invalid(
                f"{self.limit} readings at once cannot be answered.",
                code="historian.limit_invalid",
                hint=f"Ask for 1 to {MOST_READINGS} and follow the cursor.",
            )


class Latest(Struct, frozen=True, array_like=True):
    """The newest reading of one series. ``value`` is None for a number JSON cannot carry."""

    device_id: str
    property: str
    series: SeriesId
    time_ms: int
    received_ms: int
    value: Value
    quality: int


class CatalogueEntry(Struct, frozen=True):
    """A series that has, or had, readings."""

    device_id: str
    property: str
    series: SeriesId
    kind: Kind
    unit: str | None
    known: bool


class Storage(Struct, frozen=True):
    """What the historian holds. ``points`` may count versions of a reading that are not merged yet."""

    points: int
    bytes: int
    series: int
    parts: int
    disk_free_bytes: int
    disk_total_bytes: int
