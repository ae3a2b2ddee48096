"""What an edge tells its parent of alarms, as msgpack, on ``up.alarms``."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ALARMS: Final = "alarms"
MOST_AT_ONCE: Final = 500
"""Changes in one report."""


class AlarmChange(Struct, frozen=True, kw_only=True):
    """An alarm began (``raised``) or ended; see :class:`millwright.operations.model.Raised` and ``Returned``."""

    rule_id: str
    device_id: str
    property: str
    kind: str
    raised: bool
    at_ms: int
    value: float | None = None
    trigger_ms: int = 0
    limit: float | None = None
    unit: str | None = None
    occurrences: int = 1
    comment: str = ""


class Numbered(Struct, frozen=True):
    """A change and its number: greater than that of every change before, also after the edge lost its records."""

    number: int
    change: AlarmChange


class AlarmsReport(Struct, frozen=True):
    """Changes in their order."""

    changes: list[Numbered]
