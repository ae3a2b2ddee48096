"""How passwords are kept: argon2id (RFC 9106) with OWASP's parameters, 19 MiB and two passes."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from millwright.parties.passwords import rules
from millwright.parties.passwords.leaked import LeakedPasswords
from millwright.parties.passwords.rules import LONGEST, normalise

_AT_ONCE = 2


class Passwords:
    """Hashes and verifies in a thread, two at a time: each takes 19 MiB and some 20 ms of a core."""

    def __init__(self, leaked: LeakedPasswords | None = None) -> None:
        self._leaked = leaked or LeakedPasswords()
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._decoy: str | None = None

    def check(self, password: str, *names: str) -> None:
        """Raise ``Invalid`` (``parties.password_weak``, ``parties.password_leaked``) for one that is not accepted."""
        rules.check(password, *names, leaked=self._leaked)

    async def hash(self, password: str) -> str:
        """The argon2id hash, in PHC string form."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, normalise(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one stored. Takes as long when there is none, so that names do not show."""
        if self._decoy is None:
            self._decoy = await self.hash("no password is stored here")
        async with self._slots:
            right = await asyncio.to_thread(self._matches, stored or self._decoy, normalise(password[: LONGEST * 4]))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
