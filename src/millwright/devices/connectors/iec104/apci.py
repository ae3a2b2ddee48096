"""Frames of the link: the APCI of IEC 60870-5-104, clause 5. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

START: Final = 0x68
MODULUS: Final = 32768
MAX_LENGTH: Final = 253
"""Longest length field: four control octets and an ASDU of 249."""


class Malformed(Exception):
    """What was received is no frame of this protocol; the connection cannot go on."""


class Control(IntEnum):
    """Unnumbered functions (U format), as their first control octet."""

    STARTDT_ACT = 0x07
    STARTDT_CON = 0x0B
    STOPDT_ACT = 0x13
    STOPDT_CON = 0x23
    TESTFR_ACT = 0x43
    TESTFR_CON = 0x83


@dataclass(frozen=True, slots=True)
class Information:
    """I format: an ASDU with both sequence numbers."""

    send: int
    receive: int
    asdu: bytes


@dataclass(frozen=True, slots=True)
class Supervisory:
    """S format: an acknowledgement."""

    receive: int


@dataclass(frozen=True, slots=True)
class Unnumbered:
    """U format."""

    control: Control


Frame = Information | Supervisory | Unnumbered


def encode(frame: Frame) -> bytes:
    """The octets of a frame."""
    if isinstance(frame, Unnumbered):
        return bytes((START, 4, frame.control, 0, 0, 0))
    if isinstance(frame, Supervisory):
        return bytes((START, 4, 1, 0)) + (frame.receive << 1).to_bytes(2, "little")
    head = (frame.send << 1).to_bytes(2, "little") + (frame.receive << 1).to_bytes(2, "little")
    return bytes((START, 4 + len(frame.asdu))) + head + frame.asdu


def decode(body: bytes) -> Frame:
    """The frame whose octets after the length are ``body``. Raises :class:`Malformed`."""
    first = body[0]
    if not first & 1:
        if len(body) == 4:
            raise Malformed("an I frame without an ASDU")
        if body[2] & 1:
            raise Malformed("the receive sequence number has its lowest bit set")
        return Information(_number(body, 0), _number(body, 2), bytes(body[4:]))
    if len(body) != 4:
        raise Malformed(f"an S or U frame of {len(body)} octets instead of 4")
    if first & 3 == 1:
        if first != 1 or body[1] or body[2] & 1:
            raise Malformed(f"an S frame with control octets {body.hex(' ')}")
        return Supervisory(_number(body, 2))
    try:
        control = Control(first)
    except ValueError:
        raise Malformed(f"a U frame with control octet {first:02x}") from None
    if any(body[1:]):
        raise Malformed(f"a U frame with control octets {body.hex(' ')}")
    return Unnumbered(control)


def length(header: bytes) -> int:
    """How many octets follow the two of ``header``. Raises :class:`Malformed`."""
    if header[0] != START:
        raise Malformed(f"a frame begins with {header[0]:02x} instead of 68")
    if not 4 <= header[1] <= MAX_LENGTH:
        raise Malformed(f"a frame of length {header[1]}, which must be 4 to {MAX_LENGTH}")
    return header[1]


def behind(number: int, other: int) -> int:
    """By how much ``other`` is ahead of ``number``, round the modulus."""
    return (other - number) % MODULUS


def _number(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 2], "little") >> 1
