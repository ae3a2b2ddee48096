"""Reading fields one after another within strict bounds (RFC 3652, 2.1).

Integers are unsigned and big-endian; strings and byte arrays stand behind a length of four bytes.
"""

from __future__ import annotations

from struct import Struct

from millwright.identity.handle.errors import MessageError

_INT = Struct(">I")
_INT2 = Struct(">H")

MAX_ITEMS = 2048
"""Values, indexes, types, references and so on that one list may hold."""


class Reader:
    """Reads a block of bytes; every shortage raises ``MessageError`` and nothing else."""

    __slots__ = ("_data", "_end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self._data = data
        self.position = position
        self._end = len(data) if end is None else end

    @property
    def exhausted(self) -> bool:
        """Whether everything was read."""
        return self.position >= self._end

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self._end - self.position

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        start = self.position
        if size < 0 or start + size > self._end:
            raise MessageError("a field reaches beyond its message")
        self.position = start + size
        return self._data[start : start + size]

    def byte(self) -> int:
        """One octet."""
        if self.position >= self._end:
            raise MessageError("it ends too early")
        self.position += 1
        return self._data[self.position - 1]

    def short(self) -> int:
        """Two octets."""
        if self.position + 2 > self._end:
            raise MessageError("it ends too early")
        self.position += 2
        return int(_INT2.unpack_from(self._data, self.position - 2)[0])

    def number(self) -> int:
        """Four octets."""
        if self.position + 4 > self._end:
            raise MessageError("it ends too early")
        self.position += 4
        return int(_INT.unpack_from(self._data, self.position - 4)[0])

    def array(self) -> bytes:
        """A byte array behind its length."""
        return self.take(self.number())

    def count(self, at_least: int) -> int:
        """The length of a list whose items take ``at_least`` bytes each: bounded before anything is allocated."""
        number = self.number()
        if number > MAX_ITEMS or number * at_least > self.remaining:
            raise MessageError("a list is longer than its message or has too many items")
        return number

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.remaining)

    def end(self) -> None:
        """Raise unless everything was read."""
        if self.position != self._end:
            raise MessageError("bytes are left over")


def write_int(value: int) -> bytes:
    """Four octets."""
    return _INT.pack(value & 0xFFFFFFFF)


def write_bytes(value: bytes) -> bytes:
    """A byte array behind its length."""
    return _INT.pack(len(value)) + value
