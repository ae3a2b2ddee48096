"""JSON Web Signatures over claims (RFC 7515): the data of HS_SIGNATURE and HS_CERT, compact or as JSON.

Handle.Net makes and takes ``RS256`` and ``DS256``; ``ES256`` (RFC 7518) and ``EdDSA`` (RFC 8037) are standard and not
known to it. ``SM2SM3`` is written by `4iot-dev/ID-SDK`, ``SM2256`` by `teleinfo-dev/id-pointer-sdk`: SM2 over the same
octets, with the standard distinguishing identifier, as DER; the first name is written.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, utils
from msgspec import Struct

from millwright.identity import base64url
from millwright.identity.handle import keys, sm2
from millwright.identity.handle.errors import MessageError, unsupported
from millwright.identity.handle.sm2 import Sm2PrivateKey, Sm2PublicKey
from millwright.identity.handle.trust.claims import Claims, check_times

MAX_SIGNATURE_BYTES: Final = 262_144
_MOST_SIGNATURE_OCTETS: Final = 2_048
_RSA_DSA: Final = {
    "RS256": (rsa.RSAPublicKey, b"SHA256"),
    "RS384": (rsa.RSAPublicKey, b"SHA384"),
    "RS512": (rsa.RSAPublicKey, b"SHA512"),
    "DS256": (dsa.DSAPublicKey, b"SHA256"),
}
"""SHA-1 (``DS160``), which Handle.Net would take, is not taken."""
SM2_NAMES: Final = ("SM2SM3", "SM2256")
ALGORITHMS: Final = (*_RSA_DSA, "ES256", "EdDSA", *SM2_NAMES)


class SignedClaims(Struct, frozen=True):
    """Claims with their signature, as they came."""

    header: str
    payload: str
    signature: bytes
    algorithm: str
    claims: Claims

    def signed_by(self, public_key: Any) -> bool:
        """Whether this key made the signature. A key verifies only algorithms of its own kind."""
        data, signature, algorithm = f"{self.header}.{self.payload}".encode(), self.signature, self.algorithm
        if algorithm in _RSA_DSA:
            kind, hash_name = _RSA_DSA[algorithm]
            return isinstance(public_key, kind) and keys.verifies(public_key, hash_name, signature, data)
        if algorithm == "ES256":
            if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, ec.SECP256R1):
                return False
            # RFC 7518, 3.4: the two numbers one after the other, instead of DER.
            if len(signature) != 64:
                return False
            numbers = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
            return keys.verifies(public_key, b"SHA256", utils.encode_dss_signature(*numbers), data)
        if algorithm == "EdDSA" and isinstance(public_key, ed25519.Ed25519PublicKey):
            try:
                public_key.verify(signature, data)
            except InvalidSignature:
                return False
            return True
        if algorithm in SM2_NAMES and isinstance(public_key, Sm2PublicKey):
            return sm2.verifies(public_key, data, signature)
        return False


def decode_signature(data: bytes) -> SignedClaims:
    """HS_SIGNATURE or HS_CERT from data. Raises ``MessageError``; the signature is not verified."""
    if len(data) > MAX_SIGNATURE_BYTES:
        raise MessageError("a signature is too long")
    try:
        text = data.decode("ascii").strip()
        if text.startswith("{"):
            whole = msgspec.json.decode(text)
            payload, first = whole["payload"], whole["signatures"][0]
            header, signature = first["protected"], first["signature"]
        else:
            header, payload, signature = text.split(".")
        told = msgspec.json.decode(base64url.decode(header))
        algorithm = told["alg"]
        if "crit" in told:
            # RFC 7515, 4.1.11: who does not know what it names must refuse.
            raise MessageError("a signature has a critical extension")
        claims = msgspec.json.decode(base64url.decode(payload), type=Claims)
        octets = base64url.decode(signature)
        if not all(isinstance(each, str) for each in (header, payload, signature, algorithm)):
            raise MessageError("a signature has wrong parts")
        if not octets or len(octets) > _MOST_SIGNATURE_OCTETS:
            raise MessageError("a signature is empty or too long")
    except (
        UnicodeDecodeError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        RecursionError,
        msgspec.MsgspecError,
    ) as error:
        raise MessageError("a signature is no JSON Web Signature of claims") from error
    check_times(claims)
    return SignedClaims(header, payload, octets, algorithm, claims)


def encode_signature(claims: Claims, private_key: Any) -> bytes:
    """Claims signed by a key (RSA, DSA, P-256, Ed25519, SM2), as data of HS_SIGNATURE or HS_CERT, in compact form.

    Raises ``Unsupported`` (``handle.unsupported``).
    """
    algorithm = algorithm_of(private_key)
    header = base64url.encode(b'{"alg":"%s"}' % algorithm.encode())
    payload = base64url.encode(msgspec.json.encode(claims))
    data = f"{header}.{payload}".encode()
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        signature = private_key.sign(data)
    elif isinstance(private_key, Sm2PrivateKey):
        signature = sm2.sign(private_key, data)
    else:
        signature = keys.sign(private_key, b"SHA256", data)
    if algorithm == "ES256":
        signature = b"".join(part.to_bytes(32, "big") for part in utils.decode_dss_signature(signature))
    return f"{header}.{payload}.{base64url.encode(signature)}".encode()


def algorithm_of(private_key: Any) -> str:
    """The algorithm that a private key signs by. Raises ``Unsupported`` (``handle.unsupported``)."""
    match private_key:
        case rsa.RSAPrivateKey():
            return "RS256"
        case dsa.DSAPrivateKey():
            return "DS256"
        case ec.EllipticCurvePrivateKey() if isinstance(private_key.curve, ec.SECP256R1):
            return "ES256"
        case ed25519.Ed25519PrivateKey():
            return "EdDSA"
        case Sm2PrivateKey():
            return "SM2SM3"
    raise unsupported("Signing by this kind of key")
