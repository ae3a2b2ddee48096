"""What is signed: digests of a handle's values (HS_SIGNATURE), or a key and what it may sign (HS_CERT)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.model import MAX_INDEX, HandleValue, Reference, encode_value

_ALGORITHMS: Final = {"SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
"""As Java names them; MD5 and SHA-1, which Java has too, are not taken."""
_NOT_SIGNED: Final = 8
"""Index and time of change, which stand first in a value, are not part of what is digested."""
_MOST_SECONDS: Final = 1 << 53


class ValueDigest(Struct, frozen=True):
    """The digest of one value, in Base64."""

    index: int
    digest: str


class Digests(Struct, frozen=True):
    """Digests of the values that a signature covers."""

    alg: str
    digests: tuple[ValueDigest, ...]


class TrustPermission(Struct, frozen=True, omit_defaults=True):
    """What an HS_CERT lets its subject sign (:mod:`.permissions`)."""

    handle: str | None = None
    perm: str | None = None


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed; times are in seconds since 1970.

    ``iss`` and ``sub`` are, as ``300:0.NA/88.118``, the issuer's key and, in a certificate, the key that it is about;
    in a signature ``sub`` is the handle. ``chain`` names the certificates up to the root, that of the issuer first.
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


def digest_of(value: HandleValue, algorithm: str = "SHA-256") -> ValueDigest:
    """The digest of a value: all of it but index and timestamp. Raises ``MessageError`` for another algorithm."""
    return ValueDigest(value.index, digest_of_encoded(encode_value(value), algorithm))


def digest_of_encoded(data: bytes, algorithm: str = "SHA-256") -> str:
    """The same for a value in its binary form."""
    name = _ALGORITHMS.get(algorithm.upper())
    if name is None:
        raise MessageError("a digest algorithm is not known")
    return base64.b64encode(hashlib.new(name, data[_NOT_SIGNED:]).digest()).decode()


def digests_of(values: Iterable[HandleValue]) -> Digests:
    """The digests of values, by SHA-256."""
    return Digests("SHA-256", tuple(digest_of(value) for value in values))


def covered(claims: Claims, values: Iterable[HandleValue]) -> tuple[set[int], set[int]]:
    """The indexes of the values that the digests match, and of those that they contradict. Raises ``MessageError``."""
    digests = claims.digests
    if digests is None:
        raise MessageError("a signature has no digests")
    expected: dict[int, str] = {}
    for each in digests.digests:
        # Of two digests for one value the first counts, as in Handle.Net.
        expected.setdefault(each.index, each.digest)
    good: set[int] = set()
    bad: set[int] = set()
    for value in values:
        if value.index in expected:
            (good if digest_of(value, digests.alg).digest == expected[value.index] else bad).add(value.index)
    return good, bad


def read_reference(text: str) -> Reference:
    """``300:0.NA/88.118``; a handle alone has index 0. Raises ``MessageError``."""
    index, colon, handle = text.partition(":")
    if not colon or not (index.isascii() and index.isdigit()):
        index, handle = "0", text
    if not handle or len(handle) > 2_048 or len(index) > 10 or int(index) > MAX_INDEX:
        raise MessageError("a reference to a value of a handle is not valid")
    return Reference(handle.encode(), int(index))


def check_times(claims: Claims) -> None:
    """Raise ``MessageError`` for times that are none."""
    for each in (claims.exp, claims.nbf, claims.iat):
        if each is not None and not 0 <= each <= _MOST_SECONDS:
            raise MessageError("a time of a signature is none")
