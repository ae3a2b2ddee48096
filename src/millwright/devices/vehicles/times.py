"""Times in messages: year, month, day, hour, minute and second, a byte each, GMT+8 (clause 6.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

ZONE: Final = timezone(timedelta(hours=8))


def to_ms(clock: bytes) -> int:
    """UTC ms. Raises ``ValueError`` for what is no time."""
    if len(clock) < 6:
        raise ValueError("a time has six bytes")
    year, month, day, hour, minute, second = clock[:6]
    return round(datetime(2000 + year, month, day, hour, minute, second, tzinfo=ZONE).timestamp() * 1000)


def from_ms(time_ms: int) -> bytes:
    """The six bytes of a time between 2000 and 2099, its fraction of a second cut off."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(ZONE)
    return bytes((moment.year - 2000, moment.month, moment.day, moment.hour, moment.minute, moment.second))
