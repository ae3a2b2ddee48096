"""Hours, days and months as they are counted: whole hours since 1970 UTC, days by a fixed offset from UTC.

An offset of whole hours, and no time zone with a summer time: every day has 24 hours, so that each counted hour
belongs to one day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from millwright.kernel import Invalid

HOUR_MS: Final = 3_600_000
_EPOCH: Final = date(1970, 1, 1)
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True, slots=True)
class Days:
    """The days from ``first`` to ``end`` (not included)."""

    first: date
    end: date

    def __len__(self) -> int:
        return max(0, (self.end - self.first).days)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(len(self)))


class Calendar:
    """Turns times into hours, days and months. ``offset_h``: local time less UTC, in hours."""

    def __init__(self, offset_h: int = 0) -> None:
        self.offset_h = offset_h

    def day_of(self, at_ms: int) -> date:
        """The day of a UTC time in milliseconds."""
        return self.day_of_hour(at_ms // HOUR_MS)

    def day_of_hour(self, hour: int) -> date:
        """The day an hour belongs to."""
        return _EPOCH + timedelta(days=(hour + self.offset_h) // 24)

    def hour_of(self, day: date) -> int:
        """The hour in which a day begins."""
        return (day - _EPOCH).days * 24 - self.offset_h

    def hours(self, days: Days) -> tuple[int, int]:
        """The first hour of the days, and the one after their last."""
        return self.hour_of(days.first), self.hour_of(days.end)

    def start_ms(self, day: date) -> int:
        """When a day begins, in UTC milliseconds."""
        return self.hour_of(day) * HOUR_MS

    def month_at(self, at_ms: int) -> str:
        """The month (``2026-11``) of a time."""
        return f"{self.day_of(at_ms):%Y-%m}"


def month(text: str) -> Days:
    """The days of a month written ``2026-11``. Raises ``Invalid`` (``metering.month_invalid``)."""
    found = _MONTH.match(text)
    if found is None:
        raise Invalid(
            f"{text[:20]!r} is no month.", code="metering.month_invalid", hint="Write the year and the month: 2026-11."
        )
    first = date(int(found[1]), int(found[2]), 1)
    return Days(first, (first + timedelta(days=32)).replace(day=1))
