"""Public keys as HS_PUBKEY holds them (RFC 3651, 3.2.6; Handle.Net), and signatures by them.

RSA, DSA and Diffie-Hellman keys have the form of Handle.Net. For elliptic curves it has none; ``EC_PUB_KEY`` is ours:
the name of the curve and the uncompressed point. ``SM2_PUB_KEY`` is that of the national network (:mod:`.sm2`).
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from msgspec import Struct

from millwright.identity.handle import sm2
from millwright.identity.handle.errors import MessageError, unsupported
from millwright.identity.handle.sm2 import Sm2PrivateKey, Sm2PublicKey
from millwright.identity.handle.wire.reader import Reader, write_bytes

RSA = b"RSA_PUB_KEY"
DSA = b"DSA_PUB_KEY"
DH = b"DH_PUB_KEY"
EC = b"EC_PUB_KEY"
SM2 = b"SM2_PUB_KEY"
SM3 = b"SM3"
"""The hash name with which SM2 is said; no other kind of key goes with it."""

_CURVES: dict[bytes, type[ec.EllipticCurve]] = {
    b"secp256r1": ec.SECP256R1,
    b"secp384r1": ec.SECP384R1,
    b"secp521r1": ec.SECP521R1,
}
_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    b"MD5": hashes.MD5(),  # noqa: S303 - what old clients send; whether it is taken is the caller's choice
    b"SHA1": hashes.SHA1(),  # noqa: S303
    b"SHA-1": hashes.SHA1(),  # noqa: S303
    b"SHA256": hashes.SHA256(),
    b"SHA-256": hashes.SHA256(),
    b"SHA384": hashes.SHA384(),
    b"SHA512": hashes.SHA512(),
    b"\x01": hashes.MD5(),  # noqa: S303
    b"\x02": hashes.SHA1(),  # noqa: S303
    b"\x03": hashes.SHA256(),
}
MAX_KEY_BITS = 8192


class DhPublicKey(Struct, frozen=True):
    """A public key of Diffie-Hellman, for sessions. The field's library has given up this kind, Handle.Net has not."""

    y: int
    p: int
    g: int


PublicKey = rsa.RSAPublicKey | dsa.DSAPublicKey | ec.EllipticCurvePublicKey | DhPublicKey | Sm2PublicKey


def _number(value: int) -> bytes:
    # As java.math.BigInteger writes it: with room for a sign.
    return write_bytes(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _read_number(reader: Reader) -> int:
    data = reader.array()
    if len(data) > MAX_KEY_BITS // 8 + 1:
        raise MessageError("a key is too long")
    return int.from_bytes(data, "big")


def encode_public_key(key: PublicKey) -> bytes:
    """A key as data of HS_PUBKEY. Raises ``Unsupported`` (``handle.unsupported``) for other kinds."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return write_bytes(RSA) + b"\x00\x00" + _number(numbers.e) + _number(numbers.n)
    if isinstance(key, dsa.DSAPublicKey):
        own = key.public_numbers()
        shared = own.parameter_numbers
        parts = (shared.q, shared.p, shared.g, own.y)
        return write_bytes(DSA) + b"\x00\x00" + b"".join(_number(each) for each in parts)
    if isinstance(key, DhPublicKey):
        return write_bytes(DH) + b"\x00\x00" + b"".join(_number(each) for each in (key.y, key.p, key.g))
    if isinstance(key, Sm2PublicKey):
        return write_bytes(SM2) + b"\x00\x00" + write_bytes(sm2.encode_info(key))
    if key.curve.name.encode() in _CURVES:
        point = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return write_bytes(EC) + b"\x00\x00" + write_bytes(key.curve.name.encode()) + write_bytes(point)
    raise unsupported("This kind of public key")


def decode_public_key(data: bytes) -> PublicKey:
    """A key from data of HS_PUBKEY. Raises ``MessageError``."""
    reader = Reader(data)
    kind, _ = reader.array(), reader.short()
    try:
        key = _read_key(kind, reader)
    except (ValueError, TypeError, UnsupportedAlgorithm, OverflowError) as error:
        raise MessageError("a public key is not valid") from error
    reader.end()
    return key


def _read_key(kind: bytes, reader: Reader) -> PublicKey:
    if kind == RSA:
        exponent, modulus = _read_number(reader), _read_number(reader)
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if kind == DSA:
        q, p, g, y = (_read_number(reader) for _ in range(4))
        return dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    if kind == DH:
        y, p, g = (_read_number(reader) for _ in range(3))
        return DhPublicKey(y, p, g)
    if kind == EC:
        curve = _CURVES.get(reader.array())
        if curve is None:
            raise MessageError("a curve is not known")
        return ec.EllipticCurvePublicKey.from_encoded_point(curve(), reader.array())
    if kind == SM2:
        return sm2.decode_info(reader.array())
    raise MessageError("a kind of public key is not known")


def verifies(key: Any, hash_name: bytes, signature: bytes, data: bytes, user: bytes = sm2.STANDARD_USER) -> bool:
    """Whether a signature is of this key and data; ``hash_name`` as in messages (``SHA256``, or one octet).

    ``user`` is the distinguishing identifier of who signed, which only SM2 has.
    """
    if isinstance(key, Sm2PublicKey):
        return hash_name == SM3 and sm2.verifies(key, sm2.sm3(data), signature, user)
    algorithm = _HASHES.get(hash_name)
    if algorithm is None:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        elif isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, data, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def sign(key: Any, hash_name: bytes, data: bytes, user: bytes = sm2.STANDARD_USER) -> bytes:
    """A signature by a private key; ``user`` as in :func:`verifies`.

    Raises ``Unsupported`` (``handle.unsupported``).
    """
    if isinstance(key, Sm2PrivateKey):
        return sm2.sign(key, sm2.sm3(data), user)
    algorithm = _HASHES[hash_name]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), algorithm)
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(data, algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(algorithm))
    raise unsupported("Signing by this kind of key")


def default_hash(key: Any, version: tuple[int, int]) -> bytes:
    """The hash that a peer of a protocol version can verify with this key (Handle.Net: SHA-256 from 2.7, DSA 2.11)."""
    if isinstance(key, Sm2PrivateKey):
        return SM3
    first = (2, 11) if isinstance(key, dsa.DSAPrivateKey) else (2, 7)
    return b"SHA256" if version >= first else b"SHA1"
