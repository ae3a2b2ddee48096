"""Times for messages that state none: the receive time, made unique per device.

History keeps one reading per series and millisecond, so two messages of one device received in the same millisecond
get consecutive milliseconds. The result depends only on the order of the stream, so a replay gives the same times.
"""

from __future__ import annotations

from typing import Final

BURST_MS: Final = 10_000
"""How far the given times may run ahead of the clock: a burst of ten thousand messages."""
_STEP_BACK_MS: Final = 1_000


class ReceiveClock:
    """One device's next free millisecond."""

    __slots__ = ("free_ms", "received_ms")

    def __init__(self) -> None:
        self.free_ms = 0
        self.received_ms = 0

    def first_free(self, received_ms: int) -> int:
        """The first time not given away yet, ``received_ms`` or later.

        When the listener's clock was set back, counting starts again at its new time.
        """
        if self.free_ms <= received_ms or received_ms < self.received_ms - _STEP_BACK_MS:
            return received_ms
        return self.free_ms

    def use(self, received_ms: int, next_free_ms: int) -> None:
        """Times below ``next_free_ms`` are given away."""
        self.free_ms = next_free_ms
        self.received_ms = received_ms
