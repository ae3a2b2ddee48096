"""Presence as data."""

from __future__ import annotations

from msgspec import Struct

KEPT_EVENTS = 50
"""Changes kept for each device."""


class PresenceRow(Struct, gc=False):
    """How a device is now: the record, and an entry of ``events.devices.presence``. Times are UTC ms."""

    device_id: str
    online: bool
    since_ms: int
    last_seen_ms: int
    reason: str | None


class PresenceEvent(Struct, frozen=True, gc=False):
    """A device came or went, at ``at_ms`` (UTC)."""

    device_id: str
    online: bool
    at_ms: int
    reason: str | None
