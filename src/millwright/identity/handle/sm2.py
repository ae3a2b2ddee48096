"""SM2 keys as the Handle clients of the national network have them (GB/T 32918; `teleinfo-dev/id-pointer-sdk`).

The public key is the data of an HS_PUBKEY of the kind ``SM2_PUB_KEY``: a SubjectPublicKeyInfo (GM/T 0009), which that
client writes as PEM and reads as DER; both are read here. A challenge is answered with the hash name ``SM3``: what is
signed is SM3 of nonce and digest, and the signer's distinguishing identifier is the handle that holds the key.

Computed in Python by ``gmalg``: some 10 ms a signature, 40 ms a check.
"""

from __future__ import annotations

import base64
import binascii
import re
from importlib import import_module
from types import ModuleType
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from msgspec import Struct

from millwright.identity.handle.errors import MessageError

POINT_BYTES: Final = 64
STANDARD_USER: Final = b"1234567812345678"
"""The distinguishing identifier where nothing else is agreed on (GM/T 0009, 10)."""

_UNCOMPRESSED = b"\x04"
# SEQUENCE { SEQUENCE { id-ecPublicKey, 1.2.156.10197.1.301 }, BIT STRING } (RFC 5480, with the curve of SM2).
_INFO = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + _UNCOMPRESSED
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*")
_HEX = re.compile(r"(?:04)?([0-9A-Fa-f]{128})")
_MOST_ENCODED = 1_000
_CURVE = b"\x2a\x81\x1c\xcf\x55\x01\x82\x2d"


class Sm2PublicKey(Struct, frozen=True):
    """A point of the curve: x and y, 64 bytes."""

    point: bytes


class Sm2PrivateKey(Struct, frozen=True):
    """A number of 32 bytes."""

    secret: bytes

    def public_key(self) -> Sm2PublicKey:
        """What belongs to it."""
        return Sm2PublicKey(_library().SM2(self.secret).generate_pk(self.secret)[-POINT_BYTES:])


def generate() -> Sm2PrivateKey:
    """A new key."""
    return Sm2PrivateKey(_library().SM2().generate_keypair()[0])


def public_key_of(point: bytes) -> Sm2PublicKey:
    """A key from x and y. Raises ``MessageError`` for what is no point of the curve."""
    if len(point) != POINT_BYTES or not _library().SM2().verify_pk(_UNCOMPRESSED + point):
        raise MessageError("a public key of SM2 is no point of its curve")
    return Sm2PublicKey(point)


def encode_info(key: Sm2PublicKey) -> bytes:
    """A public key as SubjectPublicKeyInfo in DER."""
    return _INFO + key.point


def decode_info(data: bytes) -> Sm2PublicKey:
    """A public key from DER or PEM. Raises ``MessageError``."""
    if len(data) <= _MOST_ENCODED and (text := _PEM.fullmatch(data.strip())) is not None:
        try:
            data = base64.b64decode(b"".join(text[1].split()), validate=True)
        except binascii.Error as error:
            raise MessageError("a public key of SM2 is not valid") from error
    if len(data) != len(_INFO) + POINT_BYTES or not data.startswith(_INFO):
        raise MessageError("a public key of SM2 is not valid")
    return public_key_of(data[len(_INFO) :])


def find_public_key(text: str) -> Sm2PublicKey | None:
    """A public key from PEM or from x and y in hexadecimal; ``None`` for what has another form.

    Raises ``MessageError`` for what has the form and is none.
    """
    plain = _HEX.fullmatch("".join(text.split()))
    if plain is not None:
        return public_key_of(bytes.fromhex(plain[1]))
    found = _PEM.fullmatch(text.strip().encode())
    if found is None or len(text) > _MOST_ENCODED:
        return None
    try:
        data = base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error:
        return None
    return decode_info(data) if _CURVE in data else None


def sm3(data: bytes) -> bytes:
    """The digest: 32 bytes."""
    made = _library().SM3()
    made.update(data)
    found: bytes = made.value()
    return found


def sign(key: Sm2PrivateKey, message: bytes, user: bytes = STANDARD_USER) -> bytes:
    """A signature over ``message`` as DER of r and s."""
    point = _UNCOMPRESSED + key.public_key().point
    r, s = _library().SM2(key.secret, user, point).sign(message)
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def verifies(key: Sm2PublicKey, message: bytes, signature: bytes, user: bytes = STANDARD_USER) -> bool:
    """Whether a signature is of this key, message and user; DER, or r and s one after the other."""
    try:
        if len(signature) == POINT_BYTES:
            r, s = signature[:32], signature[32:]
        else:
            r, s = (number.to_bytes(32, "big") for number in decode_dss_signature(signature))
    except (ValueError, OverflowError):
        return False
    return bool(_library().SM2(uid=user, pk=_UNCOMPRESSED + key.point).verify(message, r, s))


def _library() -> ModuleType:
    """Imported when it is first used: few nodes meet SM2."""
    return import_module("gmalg")
