"""The parent's time at an edge whose own clock is wrong.

Each answer of the parent tells its clock; from then on the monotonic clock carries it, which nobody sets. So it stays
right while the link is cut, and when somebody mends the wall clock meanwhile. As long as the wall clock is near it, the
wall clock is believed: time servers are better than a clock that runs free.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from millwright.kernel import Clock

SUBJECT: Final = "events.edge.time"
"""Told to the processes of the edge every few seconds; the leaf connection does not carry it."""

WRONG_MS: Final = 5_000
"""A clock that is further off gives wrong times to what is received."""
_DRIFT: Final = 1e-4
"""What a clock that runs free may lose or win."""


class Anchor(Struct, frozen=True):
    """The parent's clock showed ``parent_ms`` when the monotonic clock of this machine showed ``monotonic_s``."""

    parent_ms: float
    monotonic_s: float


class ParentTime:
    """A clock: the machine's, or the parent's where that is known and the machine's is wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.anchor: Anchor | None = None

    @property
    def known(self) -> bool:
        """Whether the parent told its time since this process began."""
        return self.anchor is not None

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch."""
        return self._clock.now_ms() + self.correction_ms()

    def monotonic_s(self) -> float:
        """Seconds on the machine's clock that never goes back."""
        return self._clock.monotonic_s()

    def correction_ms(self) -> int:
        """What to add to a time that the machine's clock shows now; 0 while it is near enough, or nobody knows."""
        if self.anchor is None:
            return 0
        age_s = self._clock.monotonic_s() - self.anchor.monotonic_s
        if age_s < 0:
            return 0  # the machine was started anew since
        behind_ms = self.anchor.parent_ms + age_s * 1000 - self._clock.now_ms()
        return round(behind_ms) if abs(behind_ms) > WRONG_MS + age_s * 1000 * _DRIFT else 0

    async def take(self, _subject: str, payload: bytes) -> None:
        """What another process of this edge heard of the parent."""
        self.anchor = msgspec.msgpack.decode(payload, type=Anchor)

    def told(self) -> bytes | None:
        """The same for the others; ``None`` while nothing is known."""
        return msgspec.msgpack.encode(self.anchor) if self.anchor is not None else None
