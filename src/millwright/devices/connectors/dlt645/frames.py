"""Frames (clause 5): 68H, address, 68H, control, length, data with 33H added, check sum, 16H."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

READ, READ_FOLLOWING, READ_ADDRESS = 0x11, 0x12, 0x13
ANYBODY: Final = "AAAAAAAAAAAA"
_ANSWER, _REFUSED, _FOLLOWING, _FUNCTION = 0x80, 0x40, 0x20, 0x1F
_BEGIN, _END, _ADDED, _WAKE = 0x68, 0x16, 0x33, 0xFE

ERRORS: Final[Mapping[int, str]] = {
    0: "other error",
    1: "no such data",
    2: "wrong password or no right",
    3: "the baud rate cannot be changed",
    4: "more time zones than possible",
    5: "more day periods than possible",
    6: "more rates than possible",
}
"""The bits of the error byte of an abnormal answer."""


class Refused(Exception):
    """The meter answered abnormally; ``bits`` is its error byte."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        said = [name for bit, name in ERRORS.items() if bits >> bit & 1] or ["unknown error"]
        super().__init__(f"{', '.join(said)} (error {bits:02X}H)")

    @property
    def no_such_data(self) -> bool:
        """Whether the meter does not know what was asked for."""
        return bool(self.bits & 2)


class BadReply(Exception):
    """What came is no answer to what was asked."""


class NoAnswer(Exception):
    """Nothing came in time."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a meter: ``data`` without the added 33H."""

    meter: str
    control: int
    data: bytes

    @property
    def function(self) -> int:
        """What it answers to."""
        return self.control & _FUNCTION

    @property
    def refused(self) -> bool:
        """Whether it is an abnormal answer."""
        return bool(self.control & _REFUSED)

    @property
    def more(self) -> bool:
        """Whether frames follow."""
        return bool(self.control & _FOLLOWING)


def question(meter: str, function: int, data: bytes = b"", wake_up: int = 0) -> bytes:
    """A frame to a meter, after ``wake_up`` bytes FEH."""
    head = bytes((_BEGIN, *bytes.fromhex(meter)[::-1], _BEGIN, function, len(data)))
    body = head + bytes(byte + _ADDED & 0xFF for byte in data)
    return bytes((_WAKE,)) * wake_up + body + bytes((sum(body) & 0xFF, _END))


def identifier_bytes(identifier: str) -> bytes:
    """A data identifier as it is sent: DI0 first."""
    return bytes.fromhex(identifier)[::-1]


def frames(received: bytes) -> tuple[list[Frame], str]:
    """The whole answers within ``received``, whatever is around them; and, where there is none, what is wrong."""
    found, why, at = [], "", 0
    while at < len(received):
        size = 12 + received[at + 9] if at + 9 < len(received) else None
        begins = received[at] == _BEGIN and (at + 7 >= len(received) or received[at + 7] == _BEGIN)
        if not begins or size is None or at + size > len(received):
            at += 1
            continue
        body, end = received[at : at + size - 2], received[at + size - 1]
        if end != _END or sum(body) & 0xFF != received[at + size - 2]:
            why = "the check sum is wrong"
            at += 1
            continue
        if body[8] & _ANSWER:  # Others are questions: our own echo, or another master's.
            data = bytes(byte - _ADDED & 0xFF for byte in body[10:])
            found.append(Frame(body[6:0:-1].hex().upper(), body[8], data))
        at += size
    if not found and received and not why:
        why = f"{len(received)} bytes that are no answer: {received[:16].hex(' ')}"
    return found, why
