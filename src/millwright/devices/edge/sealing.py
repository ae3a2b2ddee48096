"""Sealing for one edge: what the parent seals with the edge's public key only the edge's machine can open.

X25519 (RFC 7748) with a key made for each message, HKDF-SHA-256 (RFC 5869) over both public keys, AES-256-GCM with
what it is sealed for as associated data: a box that is moved to another place does not open. Keys and boxes are base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from millwright.kernel import Corrupt

_KEY: Final = 32
_NONCE: Final = bytes(12)
"""The key of a message seals that message and no other, so its nonce may be the same always."""


def new_seal_key() -> tuple[str, str]:
    """A new pair: the secret half, and the public one."""
    key = X25519PrivateKey.generate()
    return _text(key.private_bytes_raw()), _text(key.public_key().public_bytes_raw())


def is_seal_key(text: str) -> bool:
    """Whether it is a public key that something can be sealed for."""
    raw = _raw(text)
    if raw is None or len(raw) != _KEY:
        return False
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(raw))
    except ValueError:  # a point of low order: whoever knows it could open everything
        return False
    return True


def seal(public: str, plain: bytes, purpose: str) -> str:
    """``plain`` for the holder of the public key, for ``purpose`` and nothing else."""
    theirs = X25519PublicKey.from_public_bytes(base64.b64decode(public))
    ours = X25519PrivateKey.generate()
    made = ours.public_key().public_bytes_raw()
    key = _derive(ours.exchange(theirs), made, theirs.public_bytes_raw())
    return _text(made + AESGCM(key).encrypt(_NONCE, plain, purpose.encode()))


def unseal(secret: str, box: str, purpose: str) -> bytes:
    """What was sealed. Raises ``Corrupt`` (``devices.edge_seal``) when it was for another key or purpose."""
    raw = _raw(box) or b""
    try:
        ours = X25519PrivateKey.from_private_bytes(base64.b64decode(secret))
        made = raw[:_KEY]
        shared = ours.exchange(X25519PublicKey.from_public_bytes(made))
        key = _derive(shared, made, ours.public_key().public_bytes_raw())
        return AESGCM(key).decrypt(_NONCE, raw[_KEY:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise Corrupt(
            "A secret was not sealed for this edge's key.",
            code="devices.edge_seal",
            hint="Give the secrets of the connection again at the parent: the edge joined anew after they were given.",
        ) from error


def purpose_at(edge_id: str, connection_id: str | None, name: str) -> str:
    """What a secret setting of a connection at an edge is sealed for; without a connection: of one that is tried."""
    return f"{edge_id}/{connection_id or 'draft'}/{name}"


def _derive(shared: bytes, made: bytes, theirs: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=_KEY, salt=made + theirs, info=b"millwright/edge seal").derive(shared)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
