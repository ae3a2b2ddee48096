"""Secrets and their digests."""

from __future__ import annotations

import hashlib
import secrets

COOKIE_PREFIX, TOKEN_PREFIX, INVITATION_PREFIX, BROWSER_PREFIX = "mws", "mwt", "mwi", "mwb"
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def digest(secret: str) -> bytes:
    """What is stored of a random secret. SHA-256 is enough: 192 random bits are not guessed, however fast it is."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_code() -> str:
    """A set-up code a person can type: twelve letters and digits in three groups, 58 random bits."""
    digits = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(12))
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def code_digest(code: str) -> bytes:
    """The digest of a set-up code, whatever its case and however it is grouped."""
    return digest("".join(character for character in code.upper() if character.isalnum()))
