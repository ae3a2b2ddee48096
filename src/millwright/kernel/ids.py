"""Identifiers of records: short, sortable by time of creation, safe in a URL and in a NATS subject.

An id is a lower-case prefix that names the kind and a UUIDv7 (RFC 9562) in Crockford's base 32:
``dev_01k9q3...``. Secrets are not ids: see :func:`new_secret`.
"""

from __future__ import annotations

import os
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A new id ``prefix_`` + 26 characters; ids made later sort later (to the millisecond)."""
    value = (time.time_ns() // 1_000_000) << 80
    value |= int.from_bytes(os.urandom(10), "big")
    value &= ~(0xF << 76)
    value |= 0x7 << 76
    value &= ~(0x3 << 62)
    value |= 0x2 << 62
    digits = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5)]
    return f"{prefix}_{''.join(digits)}"


def new_secret(prefix: str) -> str:
    """A new bearer secret: ``prefix_`` + 192 random bits in URL-safe base 64."""
    return f"{prefix}_{secrets.token_urlsafe(24)}"
