"""A bound on how often something is told."""

from __future__ import annotations

from millwright.kernel import Clock


class RateLimit:
    """Lets ``per_s`` through in a second, on average, and as many at once."""

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._per_s = per_s
        self._clock = clock
        self._left = per_s
        self._at_s = clock.monotonic_s()

    def allow(self) -> bool:
        """Whether one more may go through now."""
        now_s = self._clock.monotonic_s()
        self._left = min(self._per_s, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
