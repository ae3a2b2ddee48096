"""Passwords: what is accepted, how they are kept.

Length matters, composition rules do not (NIST SP 800-63B §3.1.1.2): at least ten characters, and nothing that a
guesser tries first. Kept as argon2id (RFC 9106) with OWASP's parameters: 19 MiB, two passes.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from functools import cache
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from millwright.kernel import Invalid

SHORTEST, LONGEST = 10, 256
_AT_ONCE = 2
_KEYBOARD = (
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "abcdefghijklmnopqrstuvwxyz",
    "qazwsxedcrfvtgbyhnujm",
    "zaq12wsxcde34rfvbgt56yhn",
)
_LEET = str.maketrans("013457@$!", "oleastasi")


def normalise(password: str) -> str:
    """The form that is hashed: NFKC, so that one keyboard's full-width digits equal another's."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *names: str) -> None:
    """Raise ``Invalid`` (``parties.password_weak``) for a password that is too short, too long or easily guessed."""
    plain = normalise(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise _weak(f"A password has {SHORTEST} to {LONGEST} characters.", "Use a few words nobody would join.")
    bare = plain.casefold()
    if is_common(bare):
        raise _weak("This password is among those that are guessed first.", "Use a few words nobody would join.")
    if any(name.casefold() in _cores(bare) or bare == name.casefold() * 2 for name in names if name):
        raise _weak("A password must not be made of the name.", "Use a few words nobody would join.")


def is_common(bare: str) -> bool:
    """Whether a casefolded password is a common word with trimmings, a walk on the keyboard, or a repetition."""
    if len(set(bare)) <= 3 or any(bare == bare[:size] * (len(bare) // size) for size in range(1, len(bare) // 2 + 1)):
        return True
    if any(bare in walk * 2 or bare in walk[::-1] * 2 for walk in _KEYBOARD):
        return True
    words = _words()
    return not re.search(r"[^\W\d_]", bare) or any(core in words for core in _cores(bare))


def _cores(bare: str) -> set[str]:
    """The password without digits and signs around it; also read as leetspeak, and as one word said twice."""
    ends = re.sub(r"[\W_]+$", "", bare)
    plain = {bare, ends, re.sub(r"[\W\d_]+$", "", bare)}
    cores = set()
    for text in plain | {form.translate(_LEET) for form in plain}:
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
        cores |= {text, core}
        half = len(core) // 2
        if core[:half] == core[half:]:
            cores.add(core[:half])
    return cores


@cache
def _words() -> frozenset[str]:
    text = resources.files("millwright.parties").joinpath("commonest.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _weak(message: str, hint: str) -> Invalid:
    return Invalid(message, code="parties.password_weak", hint=hint)


class Passwords:
    """Hashes and verifies in a thread, two at a time: each takes 19 MiB and some 20 ms of a core."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._decoy: str | None = None

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
