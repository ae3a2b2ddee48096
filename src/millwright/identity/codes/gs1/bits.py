"""Bits read one field after another, most significant first."""

from __future__ import annotations


class OutOfBits(Exception):
    """There are fewer bits than the next field needs, or they mean nothing."""


def value_bits(digits: int) -> int:
    """How many bits hold every number of so many digits."""
    return int(10**digits - 1).bit_length()


class BitReader:
    """``length`` bits of a number, with a place in them."""

    __slots__ = ("_number", "at", "length")

    def __init__(self, number: int, length: int) -> None:
        self._number = number
        self.length = length
        self.at = 0

    @property
    def left(self) -> int:
        """How many bits are left."""
        return self.length - self.at

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number; raises :class:`OutOfBits`."""
        end = self.at + count
        if end > self.length:
            raise OutOfBits
        self.at = end
        return (self._number >> (self.length - end)) & ((1 << count) - 1)

    def back(self, count: int) -> None:
        """Go back ``count`` bits."""
        self.at -= count

    def next_one(self) -> int | None:
        """Where the next bit that is 1 stands; nothing when all that is left is 0."""
        rest = self._number & ((1 << self.left) - 1)
        return self.length - rest.bit_length() if rest else None
