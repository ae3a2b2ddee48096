"""HS_CERT and HS_SIGNATURE: claims about a handle's values, signed as a JSON Web Signature (Handle.Net 9, "trust").

The signature is RFC 7515's, compact or JSON, with ``RS256``; ``DS256`` (DSA) and ``ES256`` are taken too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, utils
from msgspec import Struct

from millwright.identity import base64url
from millwright.identity.handle.errors import MessageError, unsupported
from millwright.identity.handle.keys import sign, verifies
from millwright.identity.handle.model import HandleValue, Reference, encode_value

MAX_SIGNATURE_BYTES = 262_144
_ALGORITHMS = {"SHA-256": "sha256", "SHA-1": "sha1", "SHA-512": "sha512"}


class ValueDigest(Struct, frozen=True):
    """The digest of one value, in Base64."""

    index: int
    digest: str


class Digests(Struct, frozen=True):
    """Digests of the values that a signature covers."""

    alg: str
    digests: tuple[ValueDigest, ...]


class TrustPermission(Struct, frozen=True):
    """What an HS_CERT lets its subject sign: ``everything``, ``thisHandle``, ``derivedPrefixes`` …"""

    handle: str
    perm: str


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed; times are in seconds since 1970.

    HS_SIGNATURE has ``digests``; HS_CERT has ``perms`` and ``public_key`` (a JSON Web Key).
    """

    iss: str = ""
    sub: str = ""
    exp: int | None = None
    nbf: int | None = None
    iat: int | None = None
    perms: tuple[TrustPermission, ...] | None = None
    digests: Digests | None = None
    chain: tuple[str, ...] | None = None
    public_key: dict[str, Any] | None = msgspec.field(default=None, name="publicKey")
    content: str | None = None

    def valid_at(self, now_s: int) -> bool:
        """Whether ``now_s`` is within the time of the claims."""
        return (self.exp is None or now_s <= self.exp) and (self.nbf is None or now_s >= self.nbf)


class SignedClaims(Struct, frozen=True):
    """Claims with their signature, as they came."""

    header: str
    payload: str
    signature: bytes
    algorithm: str
    claims: Claims

    def signed_by(self, public_key: Any) -> bool:
        """Whether this key made the signature."""
        data = f"{self.header}.{self.payload}".encode()
        wanted = {"RS": rsa.RSAPublicKey, "DS": dsa.DSAPublicKey, "ES": ec.EllipticCurvePublicKey}
        kind = wanted.get(self.algorithm[:2])
        if kind is None or not isinstance(public_key, kind) or self.algorithm[2:] not in ("256", "384", "512"):
            return False
        signature = self.signature
        if self.algorithm.startswith("ES"):
            # RFC 7518, 3.4: the two numbers one after the other, instead of DER.
            half = len(signature) // 2
            if not half:
                return False
            numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            signature = utils.encode_dss_signature(*numbers)
        return verifies(public_key, f"SHA{self.algorithm[2:]}".encode(), signature, data)


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
        algorithm = msgspec.json.decode(base64url.decode(header))["alg"]
        claims = msgspec.json.decode(base64url.decode(payload), type=Claims)
        octets = base64url.decode(signature)
        if not all(isinstance(each, str) for each in (header, payload, signature, algorithm)):
            raise MessageError("a signature has wrong parts")
    except (
        UnicodeDecodeError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        RecursionError,
        msgspec.MsgspecError,
    ) as error:
        raise MessageError("a signature is no JSON Web Signature of claims") from error
    return SignedClaims(header, payload, octets, algorithm, claims)


def encode_signature(claims: Claims, private_key: Any) -> bytes:
    """Claims signed by a key (RSA, DSA or P-256), as data of HS_SIGNATURE or HS_CERT, in compact form."""
    if isinstance(private_key, rsa.RSAPrivateKey):
        algorithm = "RS256"
    elif isinstance(private_key, dsa.DSAPrivateKey):
        algorithm = "DS256"
    elif isinstance(private_key, ec.EllipticCurvePrivateKey) and private_key.curve.name == "secp256r1":
        algorithm = "ES256"
    else:
        raise unsupported("Signing by this kind of key")
    header = base64url.encode(b'{"alg":"%s"}' % algorithm.encode())
    payload = base64url.encode(msgspec.json.encode(claims))
    signature = sign(private_key, b"SHA256", f"{header}.{payload}".encode())
    if algorithm == "ES256":
        signature = b"".join(part.to_bytes(32, "big") for part in utils.decode_dss_signature(signature))
    return f"{header}.{payload}.{base64url.encode(signature)}".encode()


def digest_of(value: HandleValue, algorithm: str = "SHA-256") -> ValueDigest:
    """The digest of a value: all of it but index and timestamp. Raises ``MessageError`` for another algorithm."""
    name = _ALGORITHMS.get(algorithm.upper())
    if name is None:
        raise MessageError("a digest algorithm is not known")
    digest = hashlib.new(name, encode_value(value)[8:], usedforsecurity=False).digest()
    return ValueDigest(value.index, base64.b64encode(digest).decode())


def claims_for(
    handle: bytes,
    values: Iterable[HandleValue],
    signer: Reference,
    chain: tuple[str, ...] = (),
    *,
    now_s: int,
    expires_s: int,
) -> Claims:
    """The claims of an HS_SIGNATURE over these values."""
    return Claims(
        iss=str(signer),
        sub=handle.decode(),
        iat=now_s,
        nbf=now_s,
        exp=expires_s,
        chain=chain or None,
        digests=Digests("SHA-256", tuple(digest_of(value) for value in values)),
    )


def covered(signed: SignedClaims, values: Iterable[HandleValue]) -> tuple[set[int], set[int]]:
    """The indexes of the values that the digests match, and of those that they contradict."""
    digests = signed.claims.digests
    if digests is None:
        return set(), set()
    expected = {each.index: each.digest for each in digests.digests}
    good: set[int] = set()
    bad: set[int] = set()
    for value in values:
        if value.index in expected:
            (good if digest_of(value, digests.alg).digest == expected[value.index] else bad).add(value.index)
    return good, bad
