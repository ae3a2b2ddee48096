"""Passwords: what is accepted, which are known to have leaked, how they are kept.

Rooms: ``rules`` (what a guesser tries first), ``leaked`` (lists of leaked passwords, looked up without a network),
``hashing`` (argon2id).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.parties.passwords.hashing import Passwords
    from millwright.parties.passwords.leaked import LeakedPasswords
    from millwright.parties.passwords.rules import LONGEST, SHORTEST, check, is_common, normalise

__getattr__ = exports(__name__)

__all__ = ["LONGEST", "SHORTEST", "LeakedPasswords", "Passwords", "check", "is_common", "normalise"]
