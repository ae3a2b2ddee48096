"""Source times: reading them, and telling a plausible one from a device whose clock is not set.

A time is a whole number of milliseconds since 1970 (the rule), or an ISO 8601 / RFC 3339 text; a text without an
offset is UTC. What lies before 2000 or more than a day after its reception is not believed: a device without a set
clock starts at 1970, and a time in *seconds* read as milliseconds falls into January 1970.
"""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST_MS = 946_684_800_000
"""2000-01-01T00:00:00Z: no source time before it is believed."""
AHEAD_MS = 86_400_000
"""How far a source time may lie after its reception: one day."""


def find_time_ms(value: object, received_ms: int) -> int | None:
    """``value`` as UTC milliseconds, or ``None`` when it is no time or not a plausible one."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        value = moment.timestamp() * 1000
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if EARLIEST_MS <= value <= received_ms + AHEAD_MS else None
