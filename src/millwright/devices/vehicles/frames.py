"""Messages on the wire (GB/T 32960.3, clause 6): mark, command, answer flag, VIN, encryption, length, data, check.

The check byte is the exclusive-or of everything from the command to the end of the data.
"""

from __future__ import annotations

from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final, Literal, NamedTuple

Edition = Literal[2016, 2025]

HEAD_BYTES: Final = 24
"""Start mark, command, answer flag, VIN, encryption and length."""
VIN_BYTES: Final = 17
CLOCK_BYTES: Final = 6
"""The time at the front of the data."""
MARKS: Final[dict[bytes, Edition]] = {b"##": 2016, b"$$": 2025}
_MARK_OF: Final[dict[int, bytes]] = {edition: mark for mark, edition in MARKS.items()}


class Command(IntEnum):
    """Command identifiers (table 3); ``ACTIVATION`` and ``KEY_EXCHANGE`` are of the edition of
    2025, those from ``QUERY`` on go to terminals."""

    LOGIN = 0x01
    REALTIME = 0x02
    REISSUED = 0x03
    LOGOUT = 0x04
    PLATFORM_LOGIN = 0x05
    PLATFORM_LOGOUT = 0x06
    HEARTBEAT = 0x07
    TIME = 0x08
    ACTIVATION = 0x09
    KEY_EXCHANGE = 0x0B
    QUERY = 0x80
    SET = 0x81
    CONTROL = 0x82


class Answer(IntEnum):
    """Answer flags (table 4); those from ``VIN_UNKNOWN`` on are of the edition of 2025."""

    SUCCESS = 0x01
    ERROR = 0x02
    VIN_TWICE = 0x03
    VIN_UNKNOWN = 0x04
    SIGNATURE = 0x05
    STRUCTURE = 0x06
    DECRYPTION = 0x07
    COMMAND = 0xFE
    """No answer at all: the message wants one."""


PLAIN: Final = 0x01
ENCRYPTIONS: Final = {
    0x01: "none",
    0x02: "RSA",
    0x03: "AES128",
    0x04: "SM2",
    0x05: "SM4",
    0xFE: "abnormal",
    0xFF: "invalid",
}
_ANSWERS: Final = frozenset(Answer)


class Message(NamedTuple):
    """A whole message. ``vin`` is that of the vehicle, or the code of a platform; ``raw`` all of its bytes."""

    edition: Edition
    command: int
    answer: int
    vin: str
    encryption: int
    data: bytes
    raw: bytes
    sound: bool = True
    """Whether the check byte is right."""

    @property
    def clock(self) -> bytes:
        """The six bytes of its time; fewer where it has none."""
        return self.data[:CLOCK_BYTES]


def encode(
    command: int,
    vin: str,
    data: bytes,
    *,
    answer: int = Answer.COMMAND,
    edition: int = 2016,
    encryption: int = PLAIN,
) -> bytes:
    """A message. Raises ``ValueError`` when the data does not fit its length of two bytes."""
    if len(data) > 0xFFFF:
        raise ValueError(f"{len(data)} bytes of data do not fit")
    name = vin.encode("ascii", "replace").ljust(VIN_BYTES, b"\0")[:VIN_BYTES]
    body = bytes((command, answer)) + name + bytes((encryption,)) + len(data).to_bytes(2, "big") + data
    return _MARK_OF[edition] + body + bytes((check_of(body),))


def answer_to(message: Message, flag: int, data: bytes | None = None) -> bytes:
    """The answer: the message's head with another flag, and of its data the time alone (6.3.2)."""
    told = message.clock if data is None else data
    return encode(message.command, message.vin, told, answer=flag, edition=message.edition)


def check_of(body: bytes) -> int:
    """The exclusive-or of all bytes."""
    # As numbers: halves are folded onto each other, which is quicker than a byte at a time.
    size = len(body)
    if size < 64:
        return reduce(xor, body, 0)
    width = 1 << (size - 1).bit_length()
    number = int.from_bytes(body, "big")
    while width > 1:
        width >>= 1
        number = (number >> 8 * width) ^ (number & ((1 << 8 * width) - 1))
    return number


def decode(raw: bytes) -> Message:
    """The message that ``raw`` is, exactly. Raises ``ValueError`` when it is none, or its check byte is wrong."""
    reader = FrameReader()
    found = reader.feed(raw)
    if len(found) != 1 or reader.partial or reader.skipped or not found[0].sound:
        raise ValueError("no message of GB/T 32960, or its check byte is wrong")
    return found[0]


class FrameReader:
    """Cuts a stream into messages, and finds its way again after what is none.

    ``skipped`` counts bytes that belonged to no message. A message whose check byte is wrong is handed over as not
    ``sound`` where its end is plain: another start mark follows it, or nothing does; otherwise its start mark may have
    been none, and messages are looked for inside it. Where more than ``most_skipped`` was skipped, the rest is left.
    """

    __slots__ = ("_marks", "_most_skipped", "_rest", "skipped")

    def __init__(self, most_skipped: int | None = None) -> None:
        self._rest = b""
        self._most_skipped = most_skipped
        self._marks: dict[bytes, int] = {}
        self.skipped = 0

    @property
    def partial(self) -> int:
        """How many bytes of a message that is not whole yet are held."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now."""
        held = self._rest + data if self._rest else data
        out: list[Message] = []
        at, end = 0, len(held)
        self._marks = {}
        while end - at >= 2:
            if self._most_skipped is not None and self.skipped > self._most_skipped:
                break
            edition = MARKS.get(held[at : at + 2])
            if edition is None:
                at = self._seek(held, at + 1, at)
                continue
            if not _is_head(held, at, end):
                at = self._seek(held, at + 1, at)
                continue
            if end - at < HEAD_BYTES:
                break
            stop = at + HEAD_BYTES + (held[at + 22] << 8 | held[at + 23]) + 1
            if stop > end:
                break
            sound = check_of(held[at + 2 : stop - 1]) == held[stop - 1]
            if not sound and stop < end and held[stop : stop + 2] not in MARKS:
                at = self._seek(held, at + 1, at)
                continue
            out.append(_message(held[at:stop], edition, sound))
            at = stop
        self._rest = held[at:]
        return out

    def _seek(self, held: bytes, start: int, at: int) -> int:
        """Where the next start mark may be; counts what lies before it."""
        # A single byte of a mark at the end may be the first of two.
        following = len(held) - (held[-1:] in (b"#", b"$") and len(held) - 1 >= start)
        for mark in MARKS:
            # Where each mark comes next is remembered: looked for anew from every start, a read of one mark alone
            # would be gone through to its end as often as it has bytes.
            known = self._marks.get(mark, -1)
            if known < start:
                known = held.find(mark, start)
                self._marks[mark] = known = len(held) if known < 0 else known
            if known < len(held):
                following = min(following, known)
        self.skipped += following - at
        return following


def _is_head(held: bytes, at: int, end: int) -> bool:
    """Whether what is there of a head can be one; two bytes alone in the middle of values seldom are."""
    if end - at > 3 and held[at + 3] not in _ANSWERS:
        return False
    name = held[at + 4 : min(at + 4 + VIN_BYTES, end)]
    if any(byte and not 0x20 <= byte < 0x7F for byte in name):
        return False
    return end - at <= 21 or held[at + 21] in ENCRYPTIONS


def _message(raw: bytes, edition: Edition, sound: bool) -> Message:
    vin = raw[4:21].decode("ascii", "replace").rstrip("\0 ")
    return Message(edition, raw[2], raw[3], vin, raw[21], raw[HEAD_BYTES:-1], raw, sound)
