"""Binary times of IEC 60870-5-101, clauses 7.2.6.18 and 7.2.6.20, to and from UTC. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_HOUR_MS: Final = 3_600_000


def read_long(octets: bytes, zone: tzinfo) -> int | None:
    """UTC in milliseconds of a CP56Time2a of ``zone``; ``None`` where it is marked invalid or is no date."""
    if octets[2] & 0x80:
        return None
    milliseconds = int.from_bytes(octets[:2], "little")
    year = octets[6] & 0x7F
    try:
        local = datetime(
            (2000 if year < 70 else 1900) + year,
            octets[5] & 0x0F,
            octets[4] & 0x1F,
            octets[3] & 0x1F,
            octets[2] & 0x3F,
            tzinfo=zone,
            # The hour that a zone has twice: first with summer time (the bit SU), then without.
            fold=0 if octets[3] & 0x80 else 1,
        )
    except ValueError:
        return None
    if milliseconds > 59_999:
        return None
    return round(local.timestamp() * 1000) + milliseconds


def read_short(octets: bytes, now_ms: int, zone: tzinfo) -> int | None:
    """UTC of a CP24Time2a, which tells minutes and milliseconds only: the nearest such time to ``now_ms``.

    The hour is the zone's own, which matters where its offset is not a whole hour.
    """
    milliseconds, minutes = int.from_bytes(octets[:2], "little"), octets[2] & 0x3F
    if octets[2] & 0x80 or milliseconds > 59_999 or minutes > 59:
        return None
    offset = datetime.fromtimestamp(now_ms / 1000, zone).utcoffset() or timedelta(0)
    into_hour = minutes * 60_000 + milliseconds - int(offset.total_seconds() * 1000)
    ahead = (into_hour - now_ms) % _HOUR_MS
    return now_ms + (ahead if ahead <= _HOUR_MS // 2 else ahead - _HOUR_MS)


def write_long(time_ms: int, zone: tzinfo) -> bytes:
    """CP56Time2a of a UTC time, in ``zone``."""
    at = datetime.fromtimestamp(time_ms // 1000, UTC).astimezone(zone)
    summer = 0x80 if at.dst() else 0
    return (at.second * 1000 + time_ms % 1000).to_bytes(2, "little") + bytes(
        (at.minute, at.hour | summer, at.day | at.isoweekday() << 5, at.month, at.year % 100)
    )
