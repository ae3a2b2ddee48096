"""Handles and their values (RFC 3651, 3): frozen data and its binary form.

The data of some types has a form of its own: see :mod:`.special` (HS_ADMIN, HS_VLIST …), :mod:`.site` (HS_SITE),
:mod:`.keys` (HS_PUBKEY) and :mod:`.trust` (HS_CERT, HS_SIGNATURE).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntFlag
from struct import Struct as Layout

from msgspec import Struct

from millwright.identity.handle.naming import fold
from millwright.identity.handle.wire.reader import Reader, write_bytes, write_int

_HEAD = Layout(">IIBIB")
HEAD_BYTES = _HEAD.size
SMALLEST_VALUE_BYTES = HEAD_BYTES + 12
MAX_INDEX = 0x7FFFFFFF

TTL_RELATIVE = 0
"""The time to live counts seconds from when the value was received."""
TTL_ABSOLUTE = 1
"""The time to live is a point in time, in seconds since 1970."""

DEFAULT_TTL_S = 86_400


class Permission(IntFlag):
    """Who may read and write a value (RFC 3651, 3.1)."""

    PUBLIC_WRITE = 1
    PUBLIC_READ = 2
    ADMIN_WRITE = 4
    ADMIN_READ = 8


_PUBLIC_READ = int(Permission.PUBLIC_READ)
DEFAULT_PERMISSIONS = Permission.ADMIN_READ | Permission.ADMIN_WRITE | Permission.PUBLIC_READ
SECRET_PERMISSIONS = Permission.ADMIN_READ | Permission.ADMIN_WRITE


class Reference(Struct, frozen=True, order=True):
    """A value of a handle, by index; index 0 means any value of it (RFC 3651, 3.2.2)."""

    handle: bytes
    index: int

    def matches(self, other: Reference) -> bool:
        """Whether ``other`` is the value, or one of the values, that this refers to."""
        return fold(self.handle) == fold(other.handle) and (self.index == 0 or self.index == other.index)

    def __str__(self) -> str:
        return f"{self.index}:{self.handle.decode(errors='replace')}"


class HandleValue(Struct, frozen=True, kw_only=True):
    """One value of a handle (RFC 3651, 3.1).

    ``ttl`` is in seconds: relative, or since 1970 when ``ttl_type`` says so. ``timestamp_s`` is when the value was last
    changed, set by the server.
    """

    index: int
    type: bytes
    data: bytes
    permissions: int = int(DEFAULT_PERMISSIONS)
    ttl_type: int = TTL_RELATIVE
    ttl: int = DEFAULT_TTL_S
    timestamp_s: int = 0
    references: tuple[Reference, ...] = ()

    @property
    def public(self) -> bool:
        """Whether everybody may read it."""
        return self.permissions & _PUBLIC_READ != 0

    def is_type(self, *types: bytes) -> bool:
        """Whether its type is one of these, without regard to case."""
        return self.type.upper() in types


def encode_value(value: HandleValue) -> bytes:
    """A value as it stands in messages (RFC 3652, 2.1.4)."""
    head = _HEAD.pack(value.index, value.timestamp_s & 0xFFFFFFFF, value.ttl_type, value.ttl, value.permissions)
    parts = [head, write_bytes(value.type), write_bytes(value.data), write_int(len(value.references))]
    for reference in value.references:
        parts += write_bytes(reference.handle), write_int(reference.index)
    return b"".join(parts)


def read_value(reader: Reader) -> HandleValue:
    """The next value. Raises ``MessageError``."""
    index, timestamp_s, ttl_type, ttl, permissions = _HEAD.unpack(reader.take(HEAD_BYTES))
    kind, data = reader.array(), reader.array()
    references = tuple(Reference(reader.array(), reader.number()) for _ in range(reader.count(8)))
    return HandleValue(
        index=index,
        type=kind,
        data=data,
        permissions=permissions & 0x0F,
        ttl_type=ttl_type,
        ttl=ttl,
        timestamp_s=timestamp_s,
        references=references,
    )


def read_values(reader: Reader) -> tuple[HandleValue, ...]:
    """A list of values behind its length."""
    return tuple(read_value(reader) for _ in range(reader.count(SMALLEST_VALUE_BYTES)))


def decode_value(data: bytes) -> HandleValue:
    """One value that fills ``data``. Raises ``MessageError``."""
    reader = Reader(data)
    value = read_value(reader)
    reader.end()
    return value


def skip_value(data: bytes, position: int) -> int:
    """Where the value that starts at ``position`` ends, without decoding it. Raises ``MessageError``."""
    reader = Reader(data, position)
    reader.take(HEAD_BYTES)
    reader.take(reader.number())
    reader.take(reader.number())
    for _ in range(reader.count(8)):
        reader.take(reader.number())
        reader.number()
    return reader.position


def type_matcher(asked: Iterable[bytes]) -> Callable[[bytes], bool]:
    """Whether a type is asked for: equal without regard to case, or below one that ends with a dot (RFC 3651, 3.1).

    What is asked is looked through once, for there may be as many types as there are values.
    """
    exact = {each.upper() for each in asked}
    below = {each for each in exact if each.endswith(b".")}
    exact |= {each[:-1] for each in below}
    lengths = sorted({len(each) for each in below})

    def matches(kind: bytes) -> bool:
        kind = kind.upper()
        return kind in exact or any(kind[:length] in below for length in lengths if length < len(kind))

    return matches
