"""What is accepted as a password.

Length matters, composition rules do not (NIST SP 800-63B §3.1.1.2): at least twelve characters, nothing that a guesser
tries first, nothing made of the person's own name, nothing known to have leaked.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from millwright.kernel import Invalid
from millwright.parties.passwords.leaked import LeakedPasswords

SHORTEST, LONGEST = 12, 128
_BESIDE_NAME = 8
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


def check(password: str, *names: str, leaked: LeakedPasswords | None = None) -> None:
    """Raise ``Invalid`` for a password that is too short, too long or easily guessed (``parties.password_weak``), or
    known to have leaked (``parties.password_leaked``)."""
    plain = normalise(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise _weak(f"A password has {SHORTEST} to {LONGEST} characters.", "Use a few words nobody would join.")
    bare = plain.casefold()
    if is_common(bare):
        raise _weak("This password is among those that are guessed first.", "Use a few words nobody would join.")
    if any(_made_of(bare, normalise(name).casefold()) for name in names if name):
        raise _weak("A password must not be made of the name.", "Use a few words nobody would join.")
    if (leaked or LeakedPasswords()).holds(plain):
        raise Invalid(
            "This password has leaked elsewhere and is on the lists that guessers use.",
            code="parties.password_leaked",
            hint="Choose one you use nowhere else; change it there too.",
        )


def is_common(bare: str) -> bool:
    """Whether a casefolded password is a common word with trimmings, a walk on the keyboard, or a repetition."""
    if len(set(bare)) <= 3 or any(bare == bare[:size] * (len(bare) // size) for size in range(1, len(bare) // 2 + 1)):
        return True
    if any(bare in walk * 2 or bare in walk[::-1] * 2 for walk in _KEYBOARD):
        return True
    words = _words()
    return not re.search(r"[^\W\d_]", bare) or any(core in words for core in _cores(bare))


def _made_of(bare: str, name: str) -> bool:
    """Whether little is left of the password without the name or a part of it that has four letters or more."""
    if name in _cores(bare):
        return True
    parts = [name, *(part for part in re.split(r"[\W_]+", name) if part != name)]
    for text in (bare, bare.translate(_LEET)):
        for part in parts:
            if len(part) >= 4 and part in text and len(text.replace(part, "")) < _BESIDE_NAME:
                return True
    return False


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
    text = resources.files("millwright.parties.passwords").joinpath("commonest.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _weak(message: str, hint: str) -> Invalid:
    return Invalid(message, code="parties.password_weak", hint=hint)
