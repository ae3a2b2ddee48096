"""Bits read one field after another, most significant first."""

from __future__ import annotations


class OutOfBits(Exception):
    """There are fewer bits than the next field needs, or they mean nothing."""


def value_bits(digits: int) -> int:
    """How many bits hold every number of so many digits."""
    return int(10**digits - 1).bit_length()


class BitReader:
    """A string of ``0`` and ``1`` with a place in it."""

    def __init__(self, bits: str) -> None:
        self.bits = bits
        self.at = 0

    @property
    def left(self) -> int:
        """How many bits are left."""
        return len(self.bits) - self.at

    def take(self, count: int) -> int:
        """The next ``count`` bits as a number; raises :class:`OutOfBits`."""
        end = self.at + count
        if end > len(self.bits):
            raise OutOfBits
        value = int(self.bits[self.at : end] or "0", 2)
        self.at = end
        return value

    def back(self, count: int) -> None:
        """Go back ``count`` bits."""
        self.at -= count
