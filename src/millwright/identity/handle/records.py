"""The port behind the protocol: where handles are kept, and the form in which they are kept.

A stored record holds its values as they stand in messages, the public ones first and behind their number: an answer to
the common question, all that the public may read, is a slice of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - it is a class
from typing import TYPE_CHECKING, Protocol

from millwright.identity.handle.errors import MessageError, broken_record
from millwright.identity.handle.model import HandleValue, Permission, Reference, encode_value, read_value, type_matcher
from millwright.identity.handle.wire.reader import Reader

if TYPE_CHECKING:
    from millwright.identity.records.effects import Effect
    from millwright.identity.records.model import Prefix

_FORMAT = 1
_HEAD = Layout(">BBIHHII")
_VALUE = Layout(">IIBIBI")
_CHECKED_FROM = 6
_PUBLIC_FROM = 14
_VALUES_FROM = _HEAD.size


class StoredRecord:
    """A handle's record in its stored form; immutable.

    The form: format, flags, CRC-32 of what follows, length of the handle, number of restricted values, bytes of public
    values, number of public values; then the public values, the restricted ones, and the handle as it was registered.
    """

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    @classmethod
    def check(cls, handle: bytes, data: bytes) -> StoredRecord:
        """A record read from storage. Raises ``Corrupt`` (``handle.record_broken``) when its checksum is wrong."""
        if len(data) < _VALUES_FROM or data[0] != _FORMAT:
            raise broken_record(handle, "it has an unknown format")
        if zlib.crc32(data[_CHECKED_FROM:]) != int.from_bytes(data[2:6], "big"):
            raise broken_record(handle, "its checksum is wrong")
        return cls(data)

    @classmethod
    def build(cls, handle: bytes, values: Iterable[HandleValue]) -> StoredRecord:
        """The stored form of values, sorted by index."""
        public: list[bytes] = []
        restricted: list[bytes] = []
        for value in sorted(values, key=lambda each: each.index):
            (public if value.public else restricted).append(encode_value(value))
        return cls.pack(handle, public, restricted)

    @classmethod
    def pack(cls, handle: bytes, public: Sequence[bytes], restricted: Sequence[bytes]) -> StoredRecord:
        """The stored form of values that are encoded already, each kind sorted by index."""
        readable = b"".join(public)
        counted = len(handle).to_bytes(2, "big") + len(restricted).to_bytes(2, "big")
        counted += len(readable).to_bytes(4, "big") + len(public).to_bytes(4, "big")
        checked = counted + readable + b"".join(restricted) + handle
        return cls(bytes((_FORMAT, 0)) + zlib.crc32(checked).to_bytes(4, "big") + checked)

    @property
    def public_block(self) -> bytes:
        """The number of public values and the values, as they stand in a response."""
        data = self.data
        return data[_PUBLIC_FROM : _VALUES_FROM + int.from_bytes(data[10:14], "big")]

    @property
    def has_restricted(self) -> bool:
        """Whether there are values that the public may not read."""
        return self.data[8:10] != b"\x00\x00"

    @property
    def shows_anything(self) -> bool:
        """Whether there are values that the public may read."""
        return self.data[_PUBLIC_FROM:_VALUES_FROM] != b"\x00\x00\x00\x00"

    @property
    def handle(self) -> bytes:
        """The handle as it was registered."""
        return self.data[len(self.data) - int.from_bytes(self.data[6:8], "big") :]

    @property
    def values(self) -> tuple[HandleValue, ...]:
        """All values, by index. Raises ``Corrupt``."""
        _, _, _, handle_bytes, restricted, _, public = _HEAD.unpack_from(self.data)
        reader = Reader(self.data, _VALUES_FROM, len(self.data) - handle_bytes)
        try:
            found = [read_value(reader) for _ in range(public + restricted)]
            reader.end()
        except MessageError as error:
            raise broken_record(self.handle, error.message) from error
        return tuple(sorted(found, key=lambda each: each.index))

    def iter_plain(self) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Index, permissions, type and data of each value, the public ones first: for who reads very many.

        Raises ``Corrupt``.
        """
        data = self.data
        _, _, _, handle_bytes, restricted, _, public = _HEAD.unpack_from(data)
        at, end = _VALUES_FROM, len(data) - handle_bytes
        try:
            for _ in range(public + restricted):
                index, _, _, _, permissions, kind_bytes = _VALUE.unpack_from(data, at)
                at += _VALUE.size
                kind = data[at : at + kind_bytes]
                at += kind_bytes
                size = int.from_bytes(data[at : at + 4], "big")
                at += 4
                if at + size > end:
                    raise broken_record(self.handle, "a value is cut")
                yield index, permissions, kind, data[at : at + size]
                at += size
                references = int.from_bytes(data[at : at + 4], "big")
                at += 4
                for _ in range(references):
                    at += 8 + int.from_bytes(data[at : at + 4], "big")
        except LayoutError as error:
            raise broken_record(self.handle, "a value is cut") from error

    def select(self, indexes: tuple[int, ...], types: tuple[bytes, ...]) -> list[HandleValue]:
        """The values asked for by index or type; all when neither is given (RFC 3652, 3.2.1)."""
        if not indexes and not types:
            return list(self.values)
        numbers, matches = set(indexes), type_matcher(types)
        return [each for each in self.values if each.index in numbers or matches(each.type)]

    def find_value(self, index: int) -> HandleValue | None:
        """The value with an index."""
        return next((each for each in self.values if each.index == index), None)


def readable(values: Iterable[HandleValue], administrator: bool) -> list[HandleValue]:
    """Those of some values that the public, or an administrator, may read."""
    mask = Permission.PUBLIC_READ | (Permission.ADMIN_READ if administrator else 0)
    return [each for each in values if each.permissions & mask]


class RecordsView(Protocol):
    """What is registered at one moment."""

    @property
    def measured(self) -> bool:
        """Whether measures hold for any names: else none need be asked for."""

    def effect(self, name: bytes) -> Effect | None:
        """What the measures in force say of a name, ``None`` when nothing."""

    def find(self, handle: bytes) -> StoredRecord | None:
        """A handle's record, ``None`` when it is not registered. Raises ``Corrupt``."""

    def authority(self, name: bytes) -> Prefix | None:
        """The entry of the longest prefix that a name stands under, ``None`` when nobody is known to own it."""

    def responsible(self, handle: bytes) -> bool:
        """Whether such a handle is registered here: what is not found then does not exist."""

    def iter_handles(self, prefix: bytes, after: bytes = b"") -> Iterator[bytes]:
        """The handles of a prefix, as they were registered; those behind one of them in the order of this."""

    def iter_prefixes(self) -> Iterator[bytes]:
        """The prefixes whose handles are registered here."""


Change = Callable[[RecordsView, StoredRecord | None], "tuple[HandleValue, ...] | None"]
"""Makes a handle's new values from what is registered; ``None`` deletes it; what it raises leaves all as it is."""


class HandleRecords(Protocol):
    """Where handles are registered. Its methods block: a mutation until it is durable."""

    def view(self) -> AbstractContextManager[RecordsView]:
        """A consistent view for the length of a block; cheap."""

    def change(self, handle: bytes, change: Change, administrator: Reference) -> None:
        """Change one handle in a transaction; ``administrator`` has been authenticated and is who did it."""
