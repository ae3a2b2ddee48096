"""Attempts to show who one is: charged to the lock-out, from a known browser or from anywhere."""

from __future__ import annotations

import asyncio

from millwright.engines.sql import Records
from millwright.kernel import Clock, new_secret
from millwright.parties.lockout import Lockout
from millwright.parties.origin import Origin
from millwright.parties.store import BrowserStore
from millwright.parties.tokens import BROWSER_PREFIX, digest


class Guesses:
    """The lock-out, and the browsers it knows. ``name`` is what is guessed at: a person's key, or a step of theirs."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._store, self._clock, self._lockout = BrowserStore(records), clock, Lockout(clock)

    async def charge(self, name: str, origin: Origin, person_id: str | None) -> str | None:
        """Count an attempt, and return the id of the browser when this person is known to use it.

        The browser is looked up for a person nobody knows too, so that both take the same work. Raises
        ``LimitExceeded`` (``parties.sign_in_slowed``).
        """
        browser = await asyncio.to_thread(self._store.find, digest(origin.browser), person_id or "")
        self._lockout.charge(name, origin.address, browser)
        return browser

    def refund(self, name: str, origin: Origin, browser: str | None) -> None:
        """The attempt was right."""
        self._lockout.refund(name, origin.address, browser)

    async def remember(self, person_id: str, origin: Origin) -> str | None:
        """Know the browser that this person has just signed in from; the secret of its cookie when it is a new one."""
        now = self._clock.now_ms()
        known = await asyncio.to_thread(self._store.find, digest(origin.browser), person_id)
        if known is not None:
            await asyncio.to_thread(self._store.touch, known, now)
            return None
        secret = new_secret(BROWSER_PREFIX)
        await asyncio.to_thread(self._store.add, digest(secret), person_id, now)
        return secret
