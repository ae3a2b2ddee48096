"""Questions and answers of the application protocol (V1.1b3, clause 6): function code and data, without framing.

An answer is checked against its question to the last byte: ``BadReply`` says what does not fit, ``Refused`` carries
the device's exception code (clause 7).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

READ_COILS, READ_DISCRETES, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS, MASK_WRITE = 5, 6, 15, 16, 22
DEVICE_IDENTIFICATION, _MEI = 43, 14

READ_OF: Final[Mapping[str, int]] = {
    "coil": READ_COILS,
    "discrete": READ_DISCRETES,
    "holding": READ_HOLDING,
    "input": READ_INPUT,
}

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, FAILURE, BUSY, NO_PATH, NO_TARGET = 1, 2, 3, 4, 6, 10, 11
EXCEPTIONS: Final[Mapping[int, str]] = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class Refused(Exception):
    """The device answered with an exception."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"{EXCEPTIONS.get(code, 'unknown exception')} (exception {code})")


class BadReply(Exception):
    """What came is no answer to what was asked."""


class NoAnswer(Exception):
    """Nothing came in time."""


def read_request(function: int, start: int, count: int) -> bytes:
    """Ask for ``count`` registers or bits from ``start``."""
    return struct.pack(">BHH", function, start, count)


def write_request(function: int, start: int, data: bytes) -> bytes:
    """Write registers: function 6 with two bytes, 16 with more; or a coil: 5 and 15 with its bit in one byte."""
    if function == WRITE_REGISTER:
        return struct.pack(">BH", function, start) + data
    if function == WRITE_COIL:
        return struct.pack(">BHH", function, start, 0xFF00 if data[0] & 1 else 0)
    count = 1 if function == WRITE_COILS else len(data) // 2
    return struct.pack(">BHHB", function, start, count, len(data)) + data


def mask_request(start: int, and_mask: int, or_mask: int) -> bytes:
    """Change bits of a register: (held AND and_mask) OR (or_mask AND NOT and_mask)."""
    return struct.pack(">BHHH", MASK_WRITE, start, and_mask, or_mask)


def identification_request(code: int, first: int) -> bytes:
    """Read Device Identification (clause 6.21): ``code`` 1 basic, 2 regular, 3 extended, from object ``first``."""
    return bytes((DEVICE_IDENTIFICATION, _MEI, code, first))


def checked(question: bytes, answer: bytes) -> bytes:
    """The answer, when it has the question's function; raises ``Refused`` and ``BadReply``."""
    if not answer:
        raise BadReply("an empty answer")
    if answer[0] == question[0] | 0x80:
        if len(answer) != 2:
            raise BadReply(f"an exception of {len(answer)} bytes, it has 2")
        raise Refused(answer[1])
    if answer[0] != question[0]:
        raise BadReply(f"an answer to function {answer[0]}, asked was {question[0]}")
    return answer


def read_data(question: bytes, answer: bytes) -> bytes:
    """The bytes that were asked for by :func:`read_request`."""
    checked(question, answer)
    wanted = read_size(question)
    if len(answer) < 2 or answer[1] != wanted or len(answer) != wanted + 2:
        said = answer[1] if len(answer) > 1 else "no"
        raise BadReply(f"{said} bytes announced and {max(0, len(answer) - 2)} sent, asked were {wanted}")
    return answer[2:]


def read_size(question: bytes) -> int:
    """How many bytes of data answer a :func:`read_request`."""
    count = int.from_bytes(question[3:5], "big")
    return (count + 7) // 8 if question[0] in (READ_COILS, READ_DISCRETES) else 2 * count


def check_written(question: bytes, answer: bytes) -> None:
    """The answer to a write repeats the question, of functions 15 and 16 its first five bytes."""
    checked(question, answer)
    wanted = question[:5] if question[0] in (WRITE_COILS, WRITE_REGISTERS) else question
    if answer != wanted:
        raise BadReply(f"the answer repeats {answer.hex(' ')} in place of {wanted.hex(' ')}")


def identification(question: bytes, answer: bytes) -> tuple[dict[int, bytes], int | None]:
    """The objects of one answer, and where to go on when more follow."""
    checked(question, answer)
    if len(answer) < 7 or answer[1] != _MEI:
        raise BadReply("a short identification")
    objects, at = {}, 7
    for _ in range(answer[6]):
        if at + 2 > len(answer) or at + 2 + answer[at + 1] > len(answer):
            raise BadReply("an identification that ends within an object")
        size = answer[at + 1]
        objects[answer[at]] = answer[at + 2 : at + 2 + size]
        at += 2 + size
    if at != len(answer):
        raise BadReply(f"{len(answer) - at} bytes after the identification")
    return objects, answer[5] if answer[4] else None


def answer_size(question: bytes, begun: bytes) -> int | None:
    """How long the answer that begins so will be; ``None`` when more of it is needed; raises ``BadReply`` when it
    cannot be an answer. For framings that do not tell (RTU)."""
    if not begun:
        return None
    if begun[0] == question[0] | 0x80:
        return 2
    if begun[0] != question[0]:
        raise BadReply("another function")
    if question[0] in READ_OF.values():
        if len(begun) > 1 and begun[1] != read_size(question):
            raise BadReply("another size")
        return 2 + read_size(question)
    if question[0] == DEVICE_IDENTIFICATION:
        return _identification_size(begun)
    return 7 if question[0] == MASK_WRITE else 5


def _identification_size(begun: bytes) -> int | None:
    if len(begun) < 7:
        return None
    at = 7
    for _ in range(begun[6]):
        if len(begun) < at + 2:
            return None
        at += 2 + begun[at + 1]
    return at


def bits(data: bytes, count: int) -> Sequence[bool]:
    """The first ``count`` bits, lowest first."""
    number = int.from_bytes(data, "little")
    return [bool(number >> at & 1) for at in range(count)]
