"""Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds, as every authenticator app has them."""

from __future__ import annotations

import base64
import hmac
import os
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
DIGITS = 6
DRIFT = 1
"""Steps by which an app's clock may be behind or ahead (RFC 6238 §5.2)."""


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 §4 recommends."""
    return os.urandom(20)


def code_at(secret: bytes, step: int) -> str:
    """The code of a step of :data:`STEP_S` seconds since 1970."""
    made = TOTP(secret, DIGITS, SHA1(), STEP_S, enforce_key_length=False)  # noqa: S303 - what RFC 6238 and the apps use
    return made.generate(step * STEP_S).decode()


def find_step(secret: bytes, code: str, now_ms: int) -> int | None:
    """The step whose code this is, among those that the drift allows; every one of them is compared."""
    now = now_ms // 1000 // STEP_S
    found = None
    for step in range(now - DRIFT, now + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def to_text(secret: bytes) -> str:
    """The secret as an app takes it: base 32 (RFC 4648) without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def to_uri(secret: bytes, person: str, node: str) -> str:
    """The address that a QR code carries to an app (Google's Key URI format)."""
    label = quote(f"{node}:{person}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': to_text(secret), 'issuer': node})}"
