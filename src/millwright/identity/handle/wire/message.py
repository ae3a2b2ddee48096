"""Messages: envelope, header, body and credential (RFC 3652, 2.2)."""

from __future__ import annotations

import hashlib
from struct import Struct as Layout

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.wire.codes import EnvelopeFlag, Flag, code_for, effective

ENVELOPE = Layout(">BBBBIIII")
HEADER = Layout(">IIIHBBII")
ENVELOPE_BYTES = ENVELOPE.size
HEADER_BYTES = HEADER.size
MAX_MESSAGE_BYTES = 262_144
"""The largest message (Handle.Net); what is announced larger ends the connection."""
PACKET_BYTES = 512
"""The largest UDP packet (RFC 3652, 2.3): every packet of a message but the last has this size."""
FRAGMENT_BYTES = PACKET_BYTES - ENVELOPE_BYTES

DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256 = 1, 2, 3
DIGEST_SIZES = {DIGEST_MD5: 16, DIGEST_SHA1: 20, DIGEST_SHA256: 32}
_NAMES = {0: "md5", DIGEST_MD5: "md5", DIGEST_SHA1: "sha1", DIGEST_SHA256: "sha256"}


class Envelope(Struct, frozen=True):
    """What stands before each packet, and before each message of a connection (RFC 3652, 2.2.1)."""

    version: tuple[int, int]
    flags: int
    suggested: tuple[int, int]
    session_id: int
    request_id: int
    sequence: int
    length: int


class Message(Struct, frozen=True, kw_only=True):
    """A message without its envelope (RFC 3652, 2.2.2 to 2.2.4)."""

    op: int
    response_code: int = 0
    flags: int = 0
    site_serial: int = 0xFFFF
    recursion: int = 0
    expires_s: int = 0
    body: bytes = b""
    credential: bytes = b""


def decode_envelope(data: bytes, most: int = MAX_MESSAGE_BYTES) -> Envelope:
    """The envelope at the start of ``data``. Raises ``MessageError``."""
    if len(data) < ENVELOPE_BYTES:
        raise MessageError("it is shorter than an envelope")
    major, minor, flags, suggested_minor, session_id, request_id, sequence, length = ENVELOPE.unpack_from(data)
    if major not in (2, 5):
        raise MessageError("its version is not 2")
    if not HEADER_BYTES <= length <= most:
        raise MessageError("its length is out of bounds")
    version = (major, minor)
    suggested = (flags & 3, suggested_minor) if flags & 3 else version
    return Envelope(version, flags & 0xE0, suggested, session_id, request_id, sequence, length)


def encode_envelope(envelope: Envelope) -> bytes:
    """An envelope as bytes."""
    return ENVELOPE.pack(
        *envelope.version,
        envelope.flags & 0xE0 | envelope.suggested[0] & 3,
        envelope.suggested[1],
        envelope.session_id,
        envelope.request_id,
        envelope.sequence,
        envelope.length,
    )


def decode_message(data: bytes) -> Message:
    """A message from what follows the envelope. Raises ``MessageError``."""
    if len(data) < HEADER_BYTES:
        raise MessageError("it is shorter than a header")
    op, code, flags, serial, recursion, _, expires_s, length = HEADER.unpack_from(data)
    end = HEADER_BYTES + length
    if end > len(data):
        raise MessageError("its body reaches beyond it")
    credential = b""
    # Some clients leave out the credential's length when there is none.
    if len(data) >= end + 4:
        size = int.from_bytes(data[end : end + 4], "big")
        if end + 4 + size > len(data):
            raise MessageError("its credential reaches beyond it")
        credential = data[end + 4 : end + 4 + size]
    elif len(data) != end:
        raise MessageError("bytes are left over")
    return Message(
        op=op,
        response_code=code,
        flags=flags,
        site_serial=serial,
        recursion=recursion,
        expires_s=expires_s,
        body=data[HEADER_BYTES:end],
        credential=credential,
    )


def encode_signed_part(message: Message, version: tuple[int, int]) -> bytes:
    """Header and body: what digests and credentials are about."""
    flags = message.flags
    if effective(version) < (2, 1):
        flags &= ~Flag.REQUEST_DIGEST
    header = HEADER.pack(
        message.op,
        code_for(version, message.response_code),
        flags,
        message.site_serial & 0xFFFF,
        message.recursion,
        0,
        message.expires_s & 0xFFFFFFFF,
        len(message.body),
    )
    return header + message.body


def encode_message(message: Message, version: tuple[int, int]) -> bytes:
    """All that follows the envelope."""
    credential = message.credential
    return encode_signed_part(message, version) + len(credential).to_bytes(4, "big") + credential


def packets(version: tuple[int, int], session_id: int, request_id: int, data: bytes, flags: int = 0) -> list[bytes]:
    """A message in UDP packets (RFC 3652, 2.3)."""
    length = len(data)
    if length <= FRAGMENT_BYTES:
        head = Envelope(version, flags, _suggested(version), session_id, request_id, 0, length)
        return [encode_envelope(head) + data]
    flags |= EnvelopeFlag.TRUNCATED
    made = []
    for number, start in enumerate(range(0, length, FRAGMENT_BYTES)):
        head = Envelope(version, flags, _suggested(version), session_id, request_id, number, length)
        made.append(encode_envelope(head) + data[start : start + FRAGMENT_BYTES])
    return made


def frame(version: tuple[int, int], session_id: int, request_id: int, data: bytes, flags: int = 0) -> bytes:
    """A message for a connection."""
    head = Envelope(version, flags, _suggested(version), session_id, request_id, 0, len(data))
    return encode_envelope(head) + data


def _suggested(version: tuple[int, int]) -> tuple[int, int]:
    # The oldest clients read these bits otherwise.
    return version if version[0] == 5 else (2, 11)


def digest_kind(version: tuple[int, int]) -> int:
    """Which digest of a request a peer of this version expects; 0 is the form before 2.1, MD5 behind its length."""
    version = effective(version)
    if version < (2, 1):
        return 0
    return DIGEST_SHA256 if version >= (2, 7) else DIGEST_SHA1


def digest(kind: int, signed_part: bytes) -> bytes:
    """A digest of a request's header and body."""
    return hashlib.new(_NAMES[kind], signed_part, usedforsecurity=False).digest()


def encode_digest(kind: int, value: bytes) -> bytes:
    """A digest as it stands at the start of a response's body."""
    return bytes((kind,)) + value if kind else len(value).to_bytes(4, "big") + value


def split_digest(message: Message) -> tuple[int, bytes, bytes]:
    """Kind and value of the request's digest in a response, and the rest of its body. Raises ``MessageError``."""
    body = message.body
    if not message.flags & Flag.REQUEST_DIGEST:
        return 0, b"", body
    if not body:
        raise MessageError("a response has no digest of its request")
    kind = body[0]
    if kind == 0:
        size = int.from_bytes(body[:4], "big")
        if size != 16 or len(body) < 20:
            raise MessageError("a digest has a wrong length")
        return 0, body[4:20], body[20:]
    size = DIGEST_SIZES.get(kind, 0)
    if not size or len(body) < 1 + size:
        raise MessageError("a digest is of an unknown kind or too short")
    return kind, body[1 : 1 + size], body[1 + size :]
