"""Credentials of messages: signatures by a server's key and codes by a session's (RFC 3652, 2.2.4; Handle.Net)."""

from __future__ import annotations

import hashlib
import hmac
from struct import pack
from typing import Any

from msgspec import Struct

from millwright.identity.handle.keys import default_hash, sign, verifies
from millwright.identity.handle.wire.codes import effective
from millwright.identity.handle.wire.message import Envelope
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int

HS_SIGNED = b"HS_SIGNED"
HS_MAC = b"HS_MAC"
_OLD_SIGNED = b"HS_DSAPUBKEY"


class Credential(Struct, frozen=True):
    """A credential as it came; ``counter`` counts the messages of a session, against replay."""

    counter: int
    kind: bytes
    hash_name: bytes
    signature: bytes


def decode_credential(data: bytes) -> Credential:
    """Raises ``MessageError``."""
    reader = Reader(data)
    reader.take(4)
    reader.array()
    counter, kind = reader.number(), reader.array()
    reader.number()
    hash_name, signature = reader.array(), reader.array()
    reader.end()
    return Credential(counter, kind, hash_name, signature)


def encode_credential(credential: Credential) -> bytes:
    """A credential as bytes."""
    section = write_bytes(credential.hash_name) + write_bytes(credential.signature)
    head = bytes(4) + write_bytes(b"") + write_int(credential.counter) + write_bytes(credential.kind)
    return head + write_int(len(section)) + section


def _covered(version: tuple[int, int], suggested: tuple[int, int], session: int, request: int, counter: int) -> bytes:
    """What of the envelope is signed: nothing before 2.6 (2.7 for codes), the suggested version since 2.8."""
    spoken = effective(version)
    head = bytes(version) + (bytes(suggested) if spoken >= (2, 8) else b"")
    numbers = pack(">III", session, request, counter)
    if spoken >= (2, 7):
        return head + numbers
    # In 2.6 each number was written over what went before.
    place = 4
    block = bytearray(head + bytes(12))
    for start, number in ((2, session), (4, request), (4, counter)):
        block[start : start + place] = number.to_bytes(place, "big")
    return bytes(block)


def signed_response(key: Any, envelope: Envelope, signed_part: bytes, counter: int = 0) -> bytes:
    """The credential of a response by the server's private key (HS_SIGNED)."""
    version = effective(envelope.version)
    data = signed_part
    if version >= (2, 6):
        data = _covered(envelope.version, envelope.suggested, envelope.session_id, envelope.request_id, counter) + data
    hash_name = default_hash(key, version)
    return encode_credential(Credential(counter, HS_SIGNED, hash_name, sign(key, hash_name, data)))


def signature_holds(key: Any, credential: Credential, envelope: Envelope, signed_part: bytes) -> bool:
    """Whether a message was signed by this public key."""
    if credential.kind not in (HS_SIGNED, _OLD_SIGNED):
        return False
    data = signed_part
    if effective(envelope.version) >= (2, 6):
        counter = credential.counter
        data = _covered(envelope.version, envelope.suggested, envelope.session_id, envelope.request_id, counter) + data
    return verifies(key, credential.hash_name, credential.signature, data)


def authentication_code(
    session_key: bytes, hash_name: bytes, envelope: Envelope, signed_part: bytes, counter: int
) -> bytes | None:
    """The code of a message of a session; ``None`` for a hash that is not known.

    Versions 2.5 and 2.6 are not supported: their code is the product of a mistake.
    """
    version = effective(envelope.version)
    data = signed_part
    if version >= (2, 7):
        data = _covered(envelope.version, envelope.suggested, envelope.session_id, envelope.request_id, counter) + data
    elif version >= (2, 5):
        return None
    match hash_name.upper().replace(b"-", b""):
        case b"HMACSHA256" | b"\x13":
            return hmac.digest(session_key, data, "sha256")
        case b"HMACSHA1" | b"\x12":
            return hmac.digest(session_key, data, "sha1")
        case b"SHA1" | b"\x02":
            return hashlib.sha1(session_key + data + session_key, usedforsecurity=False).digest()
        case b"SHA256" | b"\x03":
            return hashlib.sha256(session_key + data + session_key).digest()
    return None


def coded(session_key: bytes, envelope: Envelope, signed_part: bytes, counter: int) -> bytes:
    """The credential of a message by a session's key (HS_MAC); empty where the version has none."""
    hash_name = b"HMAC-SHA256" if effective(envelope.version) >= (2, 7) else b"\x02"
    code = authentication_code(session_key, hash_name, envelope, signed_part, counter)
    return b"" if code is None else encode_credential(Credential(counter, HS_MAC, hash_name, code))


def code_holds(session_key: bytes, credential: Credential, envelope: Envelope, signed_part: bytes) -> bool:
    """Whether a message was coded with this session's key."""
    if credential.kind != HS_MAC:
        return False
    expected = authentication_code(session_key, credential.hash_name, envelope, signed_part, credential.counter)
    return expected is not None and hmac.compare_digest(expected, credential.signature)
