"""How far a value can be trusted; apart from the columns, for processes that have none."""

from __future__ import annotations

from enum import IntEnum


class Quality(IntEnum):
    """How far a value can be trusted (OPC classic: the two top bits of the quality byte)."""

    BAD = 0
    UNCERTAIN = 64
    GOOD = 192


BAD, UNCERTAIN, GOOD = Quality.BAD, Quality.UNCERTAIN, Quality.GOOD
