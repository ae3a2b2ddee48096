"""Times for messages that state none: the receive time, made unique per device.

History keeps one reading per series and millisecond, so two messages of one device received in the same millisecond
get consecutive milliseconds. The result depends only on the order of the stream, so a replay gives the same times.
"""

from __future__ import annotations

from typing import Final

BURST_MS: Final = 10_000
"""How far the given times may run ahead of the clock: a burst of ten thousand messages."""
STEP_BACK_MS: Final = 5_000
"""A receive time that lies so far before the one before it means that the listener's clock was set back."""


class ReceiveClock:
    """One device's next free millisecond."""

    __slots__ = ("free_ms", "received_ms")

    def __init__(self) -> None:
        self.free_ms = 0
        self.received_ms = 0

    def first_free(self, received_ms: int) -> int:
        """The first time not given away yet, ``received_ms`` or later.

        When the listener's clock was set back far, counting starts again at its new time; after a small step it goes
        on where it was, so that no time is given twice.
        """
        if self.free_ms <= received_ms or self._was_set_back(received_ms):
            return received_ms
        return self.free_ms

    def is_overtaken(self, received_ms: int) -> bool:
        """Whether something received later was decoded before: an append that had to be repeated came late."""
        return received_ms < self.received_ms

    def use(self, received_ms: int, next_free_ms: int) -> None:
        """Times below ``next_free_ms`` are given away."""
        self.free_ms = next_free_ms
        if received_ms > self.received_ms or self._was_set_back(received_ms):
            self.received_ms = received_ms

    def _was_set_back(self, received_ms: int) -> bool:
        return received_ms < self.received_ms - STEP_BACK_MS
