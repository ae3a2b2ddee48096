"""When to start a process again that died: soon at first, later each time, slowly when it never stays up."""

from __future__ import annotations

from collections import deque


class Backoff:
    """The wait before the next start, from when the process died before.

    The first restart comes after ``first_s``, each further one within ``window_s`` after twice as long, up to
    ``most_s``. With ``crash_loop`` deaths inside the window the process counts as looping and is tried every
    ``slow_s``; it is forgiven once the window is past.
    """

    def __init__(
        self,
        *,
        first_s: float = 0.2,
        most_s: float = 5.0,
        slow_s: float = 15.0,
        window_s: float = 60.0,
        crash_loop: int = 6,
    ) -> None:
        self._first_s, self._most_s, self._slow_s = first_s, most_s, slow_s
        self._window_s, self._crash_loop = window_s, crash_loop
        self._deaths: deque[float] = deque(maxlen=crash_loop)

    def died(self, now_s: float) -> float:
        """Note a death at ``now_s`` (monotonic seconds); returns how long to wait before the next start."""
        if self._deaths and now_s - self._deaths[-1] > self._window_s:
            self._deaths.clear()
        self._deaths.append(now_s)
        if self.looping:
            return self._slow_s
        return float(min(self._first_s * 2 ** (len(self._deaths) - 1), self._most_s))

    def waited(self) -> float:
        """How long to wait before the next start of a process that ended because what it needs was away.

        That is no death of its own: it counts for nothing.
        """
        return self._first_s

    @property
    def looping(self) -> bool:
        """Whether the process died ``crash_loop`` times without ever staying up for the window."""
        return len(self._deaths) == self._crash_loop
