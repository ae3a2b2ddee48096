"""How much of the intake stays on disk after it was stored: enough to recognise repeated messages after a restart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class _Mark:
    sequence: int
    at_s: float
    bytes: int


class IntakeRetention:
    """Says up to which sequence stored frames may go: those older than ``seconds``, or beyond ``most_bytes``."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._marks: deque[_Mark] = deque()
        self._bytes = 0

    def note(self, sequence: int, size: int, now_s: float) -> None:
        """Frames of ``size`` bytes, the last of them ``sequence``, were stored at ``now_s`` (a monotonic clock)."""
        self._bytes += size
        if self._marks and now_s - self._marks[-1].at_s < _STEP_S:
            last = self._marks.pop()
            self._marks.append(_Mark(sequence, last.at_s, self._bytes))
        else:
            self._marks.append(_Mark(sequence, now_s, self._bytes))

    def find_expired(self, now_s: float) -> int | None:
        """The last sequence that may go now, or ``None``; it is not named again."""
        expired = None
        while self._marks:
            oldest = self._marks[0]
            if now_s - oldest.at_s < self._seconds and self._bytes - oldest.bytes < self._most_bytes:
                break
            expired = self._marks.popleft().sequence
        return expired
