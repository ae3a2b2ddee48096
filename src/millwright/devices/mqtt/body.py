"""Reading the body of a packet."""

from __future__ import annotations

from millwright.devices.mqtt.errors import malformed
from millwright.devices.mqtt.topics import decode_utf8


class Body:
    """Reads fields one after another; every shortage is a protocol error."""

    __slots__ = ("_data", "position", "size")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)
        self.position = 0

    @property
    def exhausted(self) -> bool:
        """Whether everything was read."""
        return self.position >= self.size

    def byte(self) -> int:
        """One byte."""
        if self.position >= self.size:
            raise malformed("A packet ends too early.")
        self.position += 1
        return self._data[self.position - 1]

    def number(self) -> int:
        """Two bytes, big endian."""
        return self.byte() << 8 | self.byte()

    def long(self) -> int:
        """Four bytes."""
        return self.number() << 16 | self.number()

    def variable(self) -> int:
        """A variable byte integer (MQTT 5.0, 1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            digit = self.byte()
            value |= (digit & 0x7F) << shift
            if digit < 0x80:
                return value
        raise malformed("A variable byte integer has more than four bytes.")

    def between(self, start: int, end: int) -> bytes:
        """The bytes of what was read before."""
        return self._data[start:end]

    def binary(self) -> bytes:
        """Bytes with their length in two bytes before them."""
        size = self.number()
        start = self.position
        if start + size > self.size:
            raise malformed("A field reaches beyond its packet.")
        self.position = start + size
        return self._data[start : start + size]

    def text(self) -> str:
        """A UTF-8 string."""
        return decode_utf8(self.binary())

    def packet_id(self) -> int:
        """A packet id; 0 is none."""
        value = self.number()
        if not value:
            raise malformed("A packet id is 0.")
        return value

    def rest(self) -> bytes:
        """What is left."""
        start, self.position = self.position, self.size
        return self._data[start:]

    def end(self) -> None:
        """Raise unless everything was read."""
        if self.position != self.size:
            raise malformed("A packet has bytes left over.")
