"""Readers' clocks: telling one that is wrong from news that is late.

What a reader says is compared with when it came. A time *after* its reception is wrong at once, by at least that much.
A time before it may be late news, of a link that was cut, or a clock that is slow. Late news catches up: the difference
shrinks. A slow clock stays behind by the same amount; after a minute of that, it is believed to be slow.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

AHEAD_MS: Final = 2_000
"""A clock that is ahead by less is taken as it is."""
BEHIND_MS: Final = 30_000
"""A clock that is behind by less is taken as it is."""
_STEADY_MS: Final = 5_000
_BUCKET_MS: Final = 20_000
_BUCKETS: Final = 6
_SURE: Final = 4


class ReaderClock(Struct):
    """The clock of one reader. ``offset_ms`` is added to the times it states; 0: it is believed.

    ``buckets`` are pairs of a time of reception and the least difference (reception minus stated) met since.
    """

    offset_ms: int = 0
    buckets: list[list[int]] = []

    def note(self, stated_ms: int, received_ms: int) -> None:
        """Learn from a time that the reader stated last, and when that came."""
        lag_ms = received_ms - stated_ms
        if self.buckets and received_ms - self.buckets[-1][0] < _BUCKET_MS:
            self.buckets[-1][1] = min(self.buckets[-1][1], lag_ms)
        else:
            self.buckets.append([received_ms, lag_ms])
            del self.buckets[:-_BUCKETS]
        least_ms = min(each[1] for each in self.buckets)
        if least_ms < -AHEAD_MS or self._is_slow():
            self.offset_ms = least_ms
        elif least_ms <= BEHIND_MS:
            self.offset_ms = 0

    def _is_slow(self) -> bool:
        recent = [each[1] for each in self.buckets[-_SURE:]]
        return len(recent) == _SURE and min(recent) > BEHIND_MS and max(recent) - min(recent) < _STEADY_MS

    def true_ms(self, stated_ms: int, received_ms: int) -> int:
        """What the time most likely was; never after its reception."""
        return min(stated_ms + self.offset_ms, received_ms)
