"""Keys that nodes of NATS know each other by: Ed25519, in the text form of NATS (NKEY).

A seed is the kind's two prefix bytes and 32 random bytes, a public key one prefix byte and 32; both with a CRC-16
(XMODEM, least byte first) behind, in base 32 without padding. Only the public key ever leaves the machine.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

_USER: Final = 20 << 3
_SEED: Final = 18 << 3
_PUBLIC_BYTES: Final = 35


def new_user_key() -> tuple[str, str]:
    """A new key of a user: its seed (``SU…``, secret) and its public key (``U…``)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # only who makes a key pays for it

    key = Ed25519PrivateKey.generate()
    prefix = bytes([_SEED | _USER >> 5, (_USER & 31) << 3])
    return _text(prefix + key.private_bytes_raw()), _text(bytes([_USER]) + key.public_key().public_bytes_raw())


def is_user_key(text: str) -> bool:
    """Whether ``text`` is a user's public key, written as NATS writes it."""
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return False
    return len(data) == _PUBLIC_BYTES and data[0] == _USER and _text(data[:-2]) == text


def _text(data: bytes) -> str:
    return base64.b32encode(data + _checksum(data)).decode().rstrip("=")


def _checksum(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(2, "little")
