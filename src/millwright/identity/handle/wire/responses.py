"""The bodies of responses (RFC 3652, 3), behind the request's digest if there is one."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from millwright.identity.handle.model import HandleValue, read_values
from millwright.identity.handle.naming import MAX_HANDLE_BYTES
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int


class Resolved(Struct, frozen=True):
    """What a resolution (3.2) or a referral (3.4) gave."""

    handle: bytes
    values: tuple[HandleValue, ...] = ()


def encode_resolved(handle: bytes, encoded_values: bytes, count: int) -> bytes:
    """A resolution from values that are encoded already."""
    return write_bytes(handle) + write_int(count) + encoded_values


def decode_resolved(body: bytes) -> Resolved:
    """A resolution or referral; a referral may have no values. Raises ``MessageError``."""
    reader = Reader(body)
    handle = reader.take(min(reader.number(), MAX_HANDLE_BYTES))
    values = () if reader.exhausted else read_values(reader)
    reader.end()
    return Resolved(handle, values)


def encode_handles(handles: Iterable[bytes]) -> bytes:
    """A list of handles (3.5.6)."""
    listed = [write_bytes(handle) for handle in handles]
    return write_int(len(listed)) + b"".join(listed)


def decode_handles(body: bytes) -> tuple[bytes, ...]:
    """A list of handles. Raises ``MessageError``."""
    reader = Reader(body)
    handles = tuple(reader.array() for _ in range(reader.count(4)))
    reader.end()
    return handles


def encode_error(text: str) -> bytes:
    """An error's text (3.3)."""
    return write_bytes(text.encode())


def decode_error(body: bytes) -> str:
    """An error's text; none is an empty one. Raises ``MessageError``."""
    reader = Reader(body)
    return "" if reader.exhausted else reader.array().decode(errors="replace")


def encode_challenge(nonce: bytes, old_digest: bytes | None = None) -> bytes:
    """A challenge (3.5.1); before 2.1 the request's digest stands behind the nonce."""
    return write_bytes(nonce) + (write_bytes(old_digest) if old_digest is not None else b"")


def decode_challenge(body: bytes) -> bytes:
    """The nonce of a challenge. Raises ``MessageError``."""
    reader = Reader(body)
    nonce = reader.array()
    reader.end()
    return nonce


def encode_session(mode: int, data: bytes) -> bytes:
    """A session's key material (3.6.1)."""
    return mode.to_bytes(2, "big") + write_bytes(data)


def decode_session(body: bytes) -> tuple[int, bytes]:
    """Mode and key material. Raises ``MessageError``."""
    reader = Reader(body)
    mode, data = reader.short(), reader.array()
    return mode, data
