"""Slows whoever guesses passwords, and nobody else.

Failures are counted by (name, address) and by address: a stranger elsewhere cannot keep a person from signing in.
An attempt is charged before its password is checked and refunded when it was right, so that many at once gain nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from millwright.kernel import Clock, LimitExceeded

_FREE_BY_NAME = 5
_FREE_BY_ADDRESS = 30
_LONGEST_WAIT_S = 60.0
_FORGET_S = 900.0
_MOST = 10_000


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last_s: float = 0.0
    until_s: float = 0.0


class Lockout:
    """Waits of 1, 2, 4 … 60 s after five failures with one name, thirty with any, from one address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[tuple[str, ...], _Count] = OrderedDict()

    def charge(self, name: str, address: str) -> None:
        """Count an attempt. Raises ``LimitExceeded`` (``parties.sign_in_slowed``) while it has to wait."""
        now = self._clock.monotonic_s()
        counts = [self._count(key, now) for key, _ in _keys(name, address)]
        wait = max(count.until_s for count in counts) - now
        if wait > 0:
            raise LimitExceeded(
                "Too many wrong passwords from this address.",
                code="parties.sign_in_slowed",
                hint="Wait, then try again; an administrator can set a new password.",
                retry_after_s=round(wait, 1),
            )
        for count, (_, free) in zip(counts, _keys(name, address), strict=True):
            count.failures += 1
            count.last_s = now
            if count.failures >= free:
                count.until_s = now + min(2.0 ** (count.failures - free), _LONGEST_WAIT_S)

    def refund(self, name: str, address: str) -> None:
        """The password was right: forget this name's failures from this address."""
        by_name, by_address = (key for key, _ in _keys(name, address))
        forgotten = self._counts.pop(by_name, None)
        count = self._counts.get(by_address)
        if count is not None and forgotten is not None:
            count.failures = max(count.failures - forgotten.failures, 0)
            if count.failures < _FREE_BY_ADDRESS:
                count.until_s = 0.0

    def _count(self, key: tuple[str, ...], now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or now - count.last_s > _FORGET_S:
            count = self._counts[key] = _Count()
        self._counts.move_to_end(key)
        while len(self._counts) > _MOST:
            self._counts.popitem(last=False)
        return count


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    return (((name, address), _FREE_BY_NAME), ((address,), _FREE_BY_ADDRESS))
