"""Slows whoever guesses, and nobody else.

Failures are counted by (name, address), by address, and by name over all addresses: so neither one machine that tries
many names nor many machines that try one name get far. A browser from which the person signed in before is counted by
itself alone (OWASP's device cookies): whatever strangers do, from elsewhere or from beside, its owner gets in.
An attempt is charged before it is checked and refunded when it was right, so that many at once gain nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from millwright.kernel import Clock, LimitExceeded

_FREE_BY_NAME_AND_ADDRESS = 5
_FREE_BY_ADDRESS = 30
_FREE_BY_NAME = 100
_FREE_BY_BROWSER = 10
_LONGEST_WAIT_S = 60.0
_FORGET_S = 900.0
_MOST = 10_000


class _Key(NamedTuple):
    kind: str
    name: str
    source: str


@dataclass(slots=True)
class _Count:
    failures: int = 0
    last_s: float = 0.0
    until_s: float = 0.0


class Lockout:
    """Waits of 1, 2, 4 … 60 s after five failures with one name from one address, thirty from one address, a hundred
    with one name; ten from a known browser, which is touched by none of the others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[_Key, _Count] = OrderedDict()

    def charge(self, name: str, address: str, browser: str | None = None) -> None:
        """Count an attempt; ``browser`` is the id of one this person is known to use. Raises ``LimitExceeded``
        (``parties.sign_in_slowed``) while it has to wait."""
        now = self._clock.monotonic_s()
        charged = [(self._count(key, now), free) for key, free in _keys(name, address, browser)]
        wait = max(count.until_s for count, _ in charged) - now
        if wait > 0:
            raise LimitExceeded(
                "Too many wrong attempts.",
                code="parties.sign_in_slowed",
                hint="Wait, then try again; a passkey works meanwhile, and a browser used before.",
                retry_after_s=round(wait, 1),
            )
        for count, free in charged:
            count.failures += 1
            count.last_s = now
            if count.failures >= free:
                count.until_s = now + min(2.0 ** min(count.failures - free, 10), _LONGEST_WAIT_S)

    def refund(self, name: str, address: str, browser: str | None = None) -> None:
        """It was right: forget this name's failures from this address or browser."""
        first, *others = _keys(name, address, browser)
        forgotten = self._counts.pop(first[0], None)
        for key, free in others:
            count = self._counts.get(key)
            if count is not None and forgotten is not None:
                count.failures = max(count.failures - forgotten.failures, 0)
                if count.failures < free:
                    count.until_s = 0.0

    def _count(self, key: _Key, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or now - count.last_s > _FORGET_S:
            count = self._counts[key] = _Count()
        self._counts.move_to_end(key)
        while len(self._counts) > _MOST:
            self._counts.popitem(last=False)
        return count


def _keys(name: str, address: str, browser: str | None) -> list[tuple[_Key, int]]:
    if browser is not None:
        return [(_Key("browser", name, browser), _FREE_BY_BROWSER)]
    return [
        (_Key("name and address", name, address), _FREE_BY_NAME_AND_ADDRESS),
        (_Key("address", "", address), _FREE_BY_ADDRESS),
        (_Key("name", name, ""), _FREE_BY_NAME),
    ]
