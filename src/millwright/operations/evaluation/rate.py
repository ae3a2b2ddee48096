"""The mean rate of change over a window."""

from __future__ import annotations

from collections import deque
from typing import Literal

_STEPS = 60
"""Readings kept per window: the window's edge is exact to a sixtieth."""


class RateWindow:
    """Recent readings of one series.

    The rate is that between the newest reading and the last one at least a window older, so a rate needs a whole
    window of readings first, and two readings close together never make a false steep slope.
    """

    __slots__ = ("_kept", "_sign", "_step_ms", "_window_ms")

    def __init__(self, window_s: float, direction: Literal["both", "rising", "falling"]) -> None:
        self._window_ms = max(round(window_s * 1000), 1)
        self._step_ms = self._window_ms // _STEPS
        self._sign = {"both": 0, "rising": 1, "falling": -1}[direction]
        self._kept: deque[tuple[int, float]] = deque()

    def push(self, time_ms: int, value: float) -> float | None:
        """Add a reading newer than all before; returns units/s in the watched direction, or None: no window yet."""
        kept = self._kept
        edge = time_ms - self._window_ms
        while len(kept) > 1 and kept[1][0] <= edge:
            kept.popleft()
        rate = None
        if kept and kept[0][0] <= edge:
            before_ms, before = kept[0]
            rate = (value - before) / (time_ms - before_ms) * 1000
        if not kept or time_ms - kept[-1][0] >= self._step_ms:
            kept.append((time_ms, value))
        if rate is None:
            return None
        return rate * self._sign if self._sign else abs(rate)
