"""Base64 with the alphabet for addresses and without padding (RFC 4648, section 5; RFC 7515, section 2)."""

from __future__ import annotations

import base64


def encode(octets: bytes) -> str:
    """Octets as text."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Octets from text. Raises ``ValueError`` for what is no Base64."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
