"""Jobs of the S7 protocol that read and write several items at once. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

READ, WRITE = 0x04, 0x05
MAX_ITEMS: Final = 20
GOOD: Final = 0xFF
_HEADER: Final = 10
_ANSWER_HEADER: Final = 12

ITEM_WORDS: Final = {
    0x01: "hardware fault",
    0x03: "access not allowed",
    0x05: "address beyond the area",
    0x06: "data type not supported",
    0x07: "data type inconsistent",
    0x0A: "object does not exist, or is an optimised data block",
}
"""Return codes of items."""

_REFUSALS: Final = {
    0x8104: "the CPU does not permit PUT/GET",
    0x8001: "the CPU cannot do this in its present state",
    0x8300: "no resources left",
    0x8500: "the request is too long for the CPU",
    0xD240: "the coordination rules do not allow it",
    0xD241: "a password protects it",
    0xDC01: "a parameter is not accepted",
}


class Malformed(Exception):
    """An answer that is none to the job."""


class Refused(Exception):
    """The CPU refused the whole job; the text says why."""


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes of an area that are read or written together."""

    area: int
    db: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item; ``refusal`` is that of the whole job."""

    code: int
    octets: bytes = b""
    refusal: str = ""

    @property
    def words(self) -> str:
        """Why it is not good."""
        if self.code == GOOD:
            return ""
        return self.refusal or ITEM_WORDS.get(self.code, f"return code {self.code:#04x}")


def read_job(number: int, blocks: Sequence[Block]) -> bytes:
    """A request to read ``blocks``."""
    return _job(number, READ, b"".join(_item(block) for block in blocks), len(blocks), b"")


def write_job(number: int, block: Block, octets: bytes, bit: int | None) -> bytes:
    """A request to write ``octets``, or the one bit that the first of them says."""
    if bit is not None:
        item = bytes((0x12, 0x0A, 0x10, 0x01, 0, 1)) + _place(block, block.start * 8 + bit)
        return _job(number, WRITE, item, 1, bytes((0, 0x03, 0, 1)) + octets)
    return _job(number, WRITE, _item(block), 1, bytes((0, 0x04)) + (len(octets) * 8).to_bytes(2) + octets)


def read_answer(number: int, blocks: Sequence[Block], pdu: bytes) -> list[Answer]:
    """What an answer brings of each block. Raises :class:`Malformed`, :class:`Refused`."""
    data = _data(number, READ, len(blocks), pdu)
    answers, at = [], 0
    for block in blocks:
        if at + 4 > len(data):
            raise Malformed("an answer with too few items")
        code, transport, length = data[at], data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        at += 4
        if code != GOOD:
            answers.append(Answer(code))
            continue
        # Bits and words count bits; octet strings and reals count bytes.
        size = (length + 7) // 8 if transport in (0x03, 0x04, 0x05) else length
        if size != block.size or at + size > len(data):
            raise Malformed(f"{size} bytes instead of {block.size}")
        answers.append(Answer(code, bytes(data[at : at + size])))
        at += size + size % 2
    return answers


def write_answer(number: int, pdu: bytes) -> Answer:
    """What became of a written item. Raises :class:`Malformed`, :class:`Refused`."""
    data = _data(number, WRITE, 1, pdu)
    if not data:
        raise Malformed("an answer without a return code")
    return Answer(data[0])


def is_answer(number: int, pdu: bytes) -> bool:
    """Whether ``pdu`` answers the job of this number; an older one is to be skipped."""
    return len(pdu) >= _HEADER and pdu[0] == 0x32 and int.from_bytes(pdu[4:6]) == number


def fits(blocks: Sequence[Block], pdu_length: int) -> bool:
    """Whether one job may ask for ``blocks``: request and answer within the negotiated length."""
    request = _HEADER + 2 + 12 * len(blocks)
    answer = _ANSWER_HEADER + 2 + sum(4 + block.size + block.size % 2 for block in blocks)
    return len(blocks) <= MAX_ITEMS and max(request, answer) <= pdu_length


def longest(pdu_length: int) -> int:
    """The longest block that one job can read; even."""
    return (pdu_length - _ANSWER_HEADER - 2 - 4) // 2 * 2


def longest_write(pdu_length: int) -> int:
    """The longest block that one job can write."""
    return pdu_length - _HEADER - 2 - 12 - 4


def _job(number: int, function: int, items: bytes, count: int, data: bytes) -> bytes:
    parameters = bytes((function, count)) + items
    return (
        bytes((0x32, 0x01, 0, 0))
        + number.to_bytes(2)
        + len(parameters).to_bytes(2)
        + len(data).to_bytes(2)
        + parameters
        + data
    )


def _item(block: Block) -> bytes:
    return bytes((0x12, 0x0A, 0x10, 0x02)) + block.size.to_bytes(2) + _place(block, block.start * 8)


def _place(block: Block, bits: int) -> bytes:
    return block.db.to_bytes(2) + bytes((block.area,)) + bits.to_bytes(3)


def _data(number: int, function: int, count: int, pdu: bytes) -> bytes:
    if len(pdu) < _ANSWER_HEADER or not is_answer(number, pdu) or pdu[1] not in (0x02, 0x03):
        raise Malformed(f"an answer that begins with {pdu[:12].hex(' ')}")
    error = int.from_bytes(pdu[10:12])
    if error:
        raise Refused(_REFUSALS.get(error, f"error {error:#06x}"))
    parameters, length = int.from_bytes(pdu[6:8]), int.from_bytes(pdu[8:10])
    if _ANSWER_HEADER + parameters + length != len(pdu):
        raise Malformed(f"{len(pdu)} bytes instead of {_ANSWER_HEADER + parameters + length}")
    if pdu[_ANSWER_HEADER : _ANSWER_HEADER + parameters] != bytes((function, count)):
        raise Malformed("an answer to another function, or with another number of items")
    return pdu[_ANSWER_HEADER + parameters :]
