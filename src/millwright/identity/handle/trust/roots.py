"""Keys that are trusted without a certificate, and reading keys from files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.jwk import fingerprint_of, jwk_of, key_of
from millwright.identity.handle.naming import fold
from millwright.identity.handle.sm2 import Sm2PrivateKey, find_public_key
from millwright.identity.handle.trust.jws import SignedClaims
from millwright.kernel import Invalid, Unsupported

GLOBAL_ROOT: Final = "0.0/0.0"
"""The handle whose keys end the chains of the Global Handle Registry."""

_MOST_BYTES = 1_000_000
_MOST_KEYS = 32
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_SM2_SECRET = re.compile(r"(?:sm2:)([0-9A-Fa-f]{64})")


class Roots:
    """Trusted keys, and the handles that speak for them: a chain ends at one of these handles by one of these keys."""

    def __init__(self, keys: Sequence[Any], handles: Iterable[str] = (GLOBAL_ROOT,)) -> None:
        self._keys = {fingerprint_of(key): key for key in keys}
        self.handles = frozenset(fold(each.encode()) for each in handles)

    def __len__(self) -> int:
        return len(self._keys)

    def signed(self, signed: SignedClaims) -> bool:
        """Whether one of the keys made a signature. As many checks as there are keys of its kind."""
        return any(signed.signed_by(key) for key in self._keys.values())


def read_keys(text: str) -> list[Any]:
    """Public keys from PEM, one after the other, from a JSON Web Key, a list of them or a set (RFC 7517, 5).

    Raises ``MessageError``.
    """
    text = text.strip()
    if text.startswith(("{", "[")):
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise MessageError("it is no JSON") from error
        listed = found if isinstance(found, list) else found.get("keys", [found])
        if not isinstance(listed, list):
            raise MessageError("`keys` is no list")
        keys = [key_of(each) for each in listed[: _MOST_KEYS + 1]]
    else:
        keys = [_from_pem(each) for each in _PEM.findall(text)[: _MOST_KEYS + 1]]
    if not 0 < len(keys) <= _MOST_KEYS:
        raise MessageError(f"it has no public key in PEM or as JSON Web Key, or more than {_MOST_KEYS}")
    return keys


def _from_pem(text: str) -> Any:
    national = find_public_key(text)
    if national is not None:
        return national
    try:
        key = load_pem_public_key(text.encode())
        # What a certificate could not hold is no root either.
        return key_of(jwk_of(key))
    except (ValueError, TypeError, UnsupportedAlgorithm, Unsupported) as error:
        raise MessageError("a key in PEM is not valid, or of a kind that does not sign records") from error


def read_roots(path: str, handles: Iterable[str] = (GLOBAL_ROOT,)) -> Roots:
    """Roots from a file. Raises ``Invalid`` (``handle.trust_roots``)."""
    try:
        data = Path(path).read_bytes()
        if len(data) > _MOST_BYTES:
            raise MessageError("it is too large")
        return Roots(read_keys(data.decode()), handles)
    except (OSError, UnicodeDecodeError, MessageError) as error:
        why = error.message if isinstance(error, MessageError) else str(error)
        raise Invalid(
            f"The trusted keys in {path} cannot be read: {why}",
            code="handle.trust_roots",
            hint="Give public keys in PEM, or a JSON Web Key Set: RSA from 2048 bits on, DSA, P-256, Ed25519 or SM2.",
            detail={"path": path},
        ) from error


def read_private_key(path: str, password: bytes | None = None) -> Any:
    """A key to sign records by: PEM (RSA, DSA, P-256, Ed25519), or ``sm2:`` and the number in hexadecimal.

    Raises ``Invalid`` (``handle.signing_key``); what is in the file is never repeated.
    """
    try:
        text = Path(path).read_bytes()[:_MOST_BYTES].decode()
        secret = _SM2_SECRET.fullmatch(text.strip())
        if secret is not None:
            return Sm2PrivateKey(bytes.fromhex(secret[1]))
        key = load_pem_private_key(text.encode(), password)
        if isinstance(
            key, rsa.RSAPrivateKey | dsa.DSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
        ):
            # Only a key that a certificate may hold.
            key_of(jwk_of(key.public_key()))
            return key
        raise MessageError("it is of no kind that signs records")
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm, Unsupported, MessageError) as error:
        raise Invalid(
            f"The signing key in {path} cannot be read.",
            code="handle.signing_key",
            hint="Give a private key without a password in PEM: RSA or DSA from 2048 bits on, P-256 or Ed25519; "
            "or `sm2:` and its number in hexadecimal.",
            detail={"path": path},
        ) from error
