"""Challenges and their answers (RFC 3652, 3.5.1 and 3.5.2; Handle.Net from 2.7 on)."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from millwright.identity.handle.errors import MessageError, denied
from millwright.identity.handle.keys import decode_public_key, default_hash, sign, verifies
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.special import HS_PUBKEY, HS_SECKEY
from millwright.identity.handle.wire.codes import Rc, effective
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int
from millwright.identity.handle.wire.requests import Answer

NONCE_BYTES = 16
_SHA1, _PBKDF2 = 2, 0x22
# What a client may make a server do for one answer: Handle.Net's own clients ask for 10,000.
MAX_ITERATIONS = 100_000
MIN_ITERATIONS = 1_000
_MAX_SALT_BYTES = 128
MAX_KEYS = 10
"""How many keys of a handle one answer is compared with."""
_OWN_ITERATIONS = 10_000

FindKeys = Callable[[bytes], Iterable[HandleValue]]
"""Finds the values of a handle that holds keys."""


def new_nonce() -> bytes:
    """What a challenge asks to be signed."""
    return os.urandom(NONCE_BYTES)


def verify_answer(answer: Answer, nonce: bytes, digest: bytes, version: tuple[int, int], keys: FindKeys) -> Reference:
    """Who gave this answer. May take milliseconds. Raises ``Denied`` (``handle.denied``).

    Index 0 asks for any key of the handle; the result names the one that fits.
    """
    kind = answer.kind.upper()
    if kind not in (HS_SECKEY, HS_PUBKEY):
        raise denied("this kind of authentication is not known", Rc.INVALID_CREDENTIAL)
    tried = 0
    for value in keys_named(keys(answer.handle), kind, answer.index):
        tried += 1
        if kind == HS_SECKEY:
            holds = secret_answer_holds(value.data, answer.response, nonce + digest, version)
        else:
            holds = _public_answer_holds(value.data, answer.response, nonce + digest, answer.handle)
        if holds:
            return Reference(answer.handle, value.index)
    if not tried:
        raise denied("the key it names is not known here", Rc.INVALID_CREDENTIAL)
    raise denied("the answer to the challenge is not by the key it names", Rc.AUTHENTICATION_FAILED)


def keys_named(values: Iterable[HandleValue], kind: bytes, index: int) -> Iterator[HandleValue]:
    """The keys of a kind among a handle's values that an index means, 0 any of them: ``MAX_KEYS`` at most."""
    return islice((each for each in values if each.is_type(kind) and index in (0, each.index)), MAX_KEYS)


def secret_answer_holds(secret: bytes, response: bytes, signed: bytes, version: tuple[int, int]) -> bool:
    """Whether an answer was made with this secret."""
    if effective(version) < (2, 1):
        return hmac.compare_digest(_wrapped("md5", secret, signed), response)
    if not response:
        return False
    try:
        expected = _expected(response[0], secret, signed, response[1:])
    except MessageError:
        return False
    return expected is not None and hmac.compare_digest(expected, response[1:])


def _expected(kind: int, secret: bytes, signed: bytes, given: bytes) -> bytes | None:
    match kind:
        case 1:
            return _wrapped("md5", secret, signed)
        case 2:
            return _wrapped("sha1", secret, signed)
        case 3:
            return _wrapped("sha256", secret, signed)
        case 0x12:
            return hmac.digest(secret, signed, "sha1")
        case 0x13:
            return hmac.digest(secret, signed, "sha256")
        case 0x22:
            reader = Reader(given)
            salt, iterations, bits = reader.array(), reader.number(), reader.number()
            if (
                not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS
                or bits not in (128, 160, 192, 256)
                or len(salt) > _MAX_SALT_BYTES
            ):
                return None
            return _derived(secret, signed, salt, iterations, bits)
    return None


def _wrapped(name: str, secret: bytes, signed: bytes) -> bytes:
    return hashlib.new(name, secret + signed + secret, usedforsecurity=False).digest()


def _derived(secret: bytes, signed: bytes, salt: bytes, iterations: int, bits: int) -> bytes:
    # Java takes a password as characters and encodes them as UTF-8; Handle.Net makes one of each octet.
    password = secret.decode("latin-1").encode()
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, iterations, bits // 8)
    code = hmac.digest(derived, signed, "sha1")
    return write_bytes(salt) + write_int(iterations) + write_int(bits) + write_bytes(code)


def _public_answer_holds(key_data: bytes, response: bytes, signed: bytes, handle: bytes) -> bool:
    try:
        reader = Reader(response)
        hash_name, signature = reader.array(), reader.array()
        key = decode_public_key(key_data)
    except MessageError:
        return False
    return verifies(key, hash_name, signature, signed, handle)


def answer_by_secret(who: Reference, secret: bytes, nonce: bytes, digest: bytes, version: tuple[int, int]) -> Answer:
    """A client's answer by HS_SECKEY, in the best form that a server of this version knows."""
    signed, spoken = nonce + digest, effective(version)
    if spoken >= (2, 7):
        response = bytes((_PBKDF2,)) + _derived(secret, signed, os.urandom(16), _OWN_ITERATIONS, 160)
    elif spoken >= (2, 1):
        response = bytes((_SHA1,)) + _wrapped("sha1", secret, signed)
    else:
        response = _wrapped("md5", secret, signed)
    return Answer(HS_SECKEY, who.handle, who.index, response)


def answer_by_key(who: Reference, key: Any, nonce: bytes, digest: bytes, version: tuple[int, int]) -> Answer:
    """A client's answer by HS_PUBKEY; ``key`` is the private key."""
    hash_name = default_hash(key, effective(version))
    signature = sign(key, hash_name, nonce + digest, who.handle)
    return Answer(HS_PUBKEY, who.handle, who.index, write_bytes(hash_name) + write_bytes(signature))
