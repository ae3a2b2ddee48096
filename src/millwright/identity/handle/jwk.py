"""Public keys as JSON Web Keys, for certificates (RFC 7517; Handle.Net 9 for RSA and DSA).

Handle.Net knows RSA and DSA. ``EC`` (P-256, RFC 7518) and ``OKP`` (Ed25519, RFC 8037) are what the rest of the world
has. ``SM2`` is what two clients of the national network write: `4iot-dev/ID-SDK` with the coordinates ``x`` and ``y``,
`teleinfo-dev/id-pointer-sdk` with the SubjectPublicKeyInfo in ``d``; the first form is written.
"""

from __future__ import annotations

from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from millwright.identity import base64url
from millwright.identity.handle.errors import MessageError, unsupported
from millwright.identity.handle.keys import MAX_KEY_BITS
from millwright.identity.handle.sm2 import Sm2PublicKey, decode_info, public_key_of

LEAST_RSA_BITS: Final = 2048
_MOST_EXPONENT_BITS: Final = 33
"""A longer exponent only makes a check expensive."""
_MOST_TEXT: Final = 4_096


def jwk_of(key: Any) -> dict[str, str]:
    """A public key as a JSON Web Key. Raises ``Unsupported`` (``handle.unsupported``)."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _text(numbers.n), "e": _text(numbers.e)}
    if isinstance(key, dsa.DSAPublicKey):
        own = key.public_numbers()
        shared = own.parameter_numbers
        return {"kty": "DSA", "y": _text(own.y), "p": _text(shared.p), "q": _text(shared.q), "g": _text(shared.g)}
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        point = key.public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _text(point.x, 32), "y": _text(point.y, 32)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(key.public_bytes_raw())}
    if isinstance(key, Sm2PublicKey):
        return {"kty": "SM2", "x": base64url.encode(key.point[:32]), "y": base64url.encode(key.point[32:])}
    raise unsupported("This kind of public key")


def key_of(jwk: Any) -> Any:
    """The key in a JSON Web Key. Raises ``MessageError``, also for keys that are too weak or too large."""
    try:
        return _key_of(jwk)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, UnsupportedAlgorithm) as error:
        raise MessageError("a JSON Web Key is not valid") from error


def _key_of(jwk: Any) -> Any:
    kind = str(jwk["kty"]).upper()
    if kind == "RSA":
        modulus, exponent = _number(jwk["n"]), _number(jwk["e"])
        if not LEAST_RSA_BITS <= modulus.bit_length() <= MAX_KEY_BITS or exponent.bit_length() > _MOST_EXPONENT_BITS:
            raise MessageError(f"an RSA key has not {LEAST_RSA_BITS} to {MAX_KEY_BITS} bits, or a long exponent")
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if kind == "DSA":
        y, p, q, g = (_number(jwk[name]) for name in "ypqg")
        key = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
        if key.key_size < LEAST_RSA_BITS:
            raise MessageError(f"a DSA key has fewer than {LEAST_RSA_BITS} bits")
        return key
    if kind == "EC" and jwk["crv"] == "P-256":
        return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
    if kind == "OKP" and jwk["crv"] == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk["x"]))
    if kind == "SM2" and "x" in jwk:
        # Java writes numbers without their leading zeros, or with one for the sign.
        return public_key_of(_number(jwk["x"]).to_bytes(32, "big") + _number(jwk["y"]).to_bytes(32, "big"))
    if kind == "SM2":
        return decode_info(_octets(jwk["d"]))
    raise MessageError("a kind of key is not known")


def fingerprint_of(key: Any) -> bytes:
    """What tells a key from others, for comparing."""
    if isinstance(key, Sm2PublicKey):
        return b"SM2" + key.point
    found: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


def _octets(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > _MOST_TEXT:
        raise MessageError("a member of a JSON Web Key is no text or too long")
    return base64url.decode(text)


def _number(text: Any) -> int:
    return int.from_bytes(_octets(text), "big")


def _text(number: int, size: int = 0) -> str:
    return base64url.encode(number.to_bytes(size or max(1, (number.bit_length() + 7) // 8), "big"))
