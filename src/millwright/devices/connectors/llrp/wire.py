"""LLRP's octets: messages and parameters, read and written without I/O.

Numbers of messages and parameters are those of GS1 LLRP 1.1, clauses 16 and 17; what is unknown is passed over where
its length is known. Everything that contradicts itself raises :class:`Malformed`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

HEADER: Final = 10
MOST_BYTES: Final = 4 << 20
"""Largest message that is taken."""
MOST_READS: Final = 10_000
"""Most tags in a report: that is more than a reader sees in a minute."""

GET_READER_CAPABILITIES, GET_READER_CAPABILITIES_RESPONSE = 1, 11
GET_READER_CONFIG, GET_READER_CONFIG_RESPONSE = 2, 12
SET_READER_CONFIG, SET_READER_CONFIG_RESPONSE = 3, 13
CLOSE_CONNECTION, CLOSE_CONNECTION_RESPONSE = 14, 4
ADD_ROSPEC, ADD_ROSPEC_RESPONSE = 20, 30
DELETE_ROSPEC, DELETE_ROSPEC_RESPONSE = 21, 31
START_ROSPEC, START_ROSPEC_RESPONSE = 22, 32
ENABLE_ROSPEC, ENABLE_ROSPEC_RESPONSE = 24, 34
SET_PROTOCOL_VERSION, SET_PROTOCOL_VERSION_RESPONSE = 47, 57
RO_ACCESS_REPORT, KEEPALIVE, READER_EVENT_NOTIFICATION = 61, 62, 63
KEEPALIVE_ACK, ERROR_MESSAGE = 72, 100

ANSWERS: Final = {
    GET_READER_CAPABILITIES: GET_READER_CAPABILITIES_RESPONSE,
    GET_READER_CONFIG: GET_READER_CONFIG_RESPONSE,
    SET_READER_CONFIG: SET_READER_CONFIG_RESPONSE,
    CLOSE_CONNECTION: CLOSE_CONNECTION_RESPONSE,
    ADD_ROSPEC: ADD_ROSPEC_RESPONSE,
    DELETE_ROSPEC: DELETE_ROSPEC_RESPONSE,
    START_ROSPEC: START_ROSPEC_RESPONSE,
    ENABLE_ROSPEC: ENABLE_ROSPEC_RESPONSE,
    SET_PROTOCOL_VERSION: SET_PROTOCOL_VERSION_RESPONSE,
}

MOST_PORTS: Final = 64
"""Inputs or outputs that are shown."""
GENERAL_DEVICE_CAPABILITIES, GPIO_CAPABILITIES, IDENTIFICATION, ANTENNA_PROPERTIES = 137, 141, 218, 221
_KEEPALIVE_SPEC, _EVENT_SPEC, _EVENT_STATE = 220, 244, 245
_ROSPEC, _BOUNDARY, _START, _STOP = 177, 178, 179, 182
_AISPEC, _AI_STOP, _INVENTORY, _REPORT_SPEC, _CONTENT = 183, 184, 186, 237, 238
_TAG_REPORT, _EPC_DATA, _STATUS, _EVENT_DATA = 240, 241, 287, 246
_READER_EXCEPTION, _ANTENNA_EVENT, _CONNECTION_ATTEMPT, _CONNECTION_CLOSE = 252, 255, 256, 257
_BUFFER_OVERFLOW, _GPI_EVENT = 251, 248
_UTC = 128
_TV: Final = {
    1: 2, 2: 8, 3: 8, 4: 8, 5: 8, 6: 1, 7: 2, 8: 2, 9: 4, 10: 2, 11: 2, 12: 2, 13: 12, 14: 2, 15: 2, 16: 4, 17: 2,
    18: 4, 19: 2, 20: 2,
}  # fmt: skip
"""Parameters without a length of their own: type → octets of the value."""
_EVENTS_WANTED: Final = (1, 3, 4, 8)
"""Inputs, buffer warnings, exceptions, antennas."""
_WHAT_IS_REPORTED: Final = 0b0001_0111_1000_0000
"""Antenna, peak RSSI, first and last time seen, count."""


class Malformed(Exception):
    """Octets that are no LLRP."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message: ``body`` is what follows the header."""

    type: int
    id: int
    body: bytes = b""
    version: int = 1


@dataclass(frozen=True, slots=True)
class TagRead:
    """A tag in a report. Times are UTC milliseconds, or ``None`` where the reader has no clock."""

    epc: str
    antenna: int = 0
    rssi_dbm: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a reader says of itself; manufacturer by its IANA number."""

    antennas: int
    manufacturer: int
    model: int
    firmware: str
    has_utc: bool
    inputs: int = 0
    outputs: int = 0


@dataclass(frozen=True, slots=True)
class ReaderEvent:
    """What a notification says: ``antennas`` came (true) or went; ``connected`` is the status of the connection;
    ``inputs`` that went high (true) or low."""

    at_ms: int | None = None
    connected: int | None = None
    closing: bool = False
    exception: str | None = None
    antennas: dict[int, bool] = field(default_factory=dict)
    overflow: bool = False
    inputs: dict[int, bool] = field(default_factory=dict)


# --- framing -------------------------------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """A message with its header."""
    head = message.version << 10 | message.type
    return struct.pack(">HII", head, HEADER + len(message.body), message.id) + message.body


def length_of(header: bytes) -> int:
    """The octets of the message that begins with these six. Raises :class:`Malformed`."""
    head, length = struct.unpack(">HI", header[:6])
    if not 1 <= head >> 10 & 0x7 <= 2 or head >> 13:
        raise Malformed(f"a header of 0x{head:04x} is of no version of LLRP")
    if not HEADER <= length <= MOST_BYTES:
        raise Malformed(f"a message of {length} octets")
    return int(length)


def decode(data: bytes) -> Message:
    """The message in ``data``. Raises :class:`Malformed`."""
    if len(data) < HEADER or length_of(data) != len(data):
        raise Malformed("a message of another length than it says")
    head, _, number = struct.unpack(">HII", data[:HEADER])
    return Message(head & 0x3FF, number, data[HEADER:], head >> 10 & 0x7)


def iter_parameters(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The parameters one after the other: type and value. Raises :class:`Malformed`."""
    at = 0
    while at < len(data):
        if data[at] & 0x80:
            kind = data[at] & 0x7F
            size = _TV.get(kind)
            if size is None:
                raise Malformed(f"an unknown parameter {kind} without a length")
            begin, end = at + 1, at + 1 + size
        else:
            if at + 4 > len(data):
                raise Malformed("a parameter that is cut off")
            kind, size = struct.unpack_from(">HH", data, at)
            kind &= 0x3FF
            if size < 4:
                raise Malformed(f"the parameter {kind} of {size} octets")
            begin, end = at + 4, at + size
        if end > len(data):
            raise Malformed(f"the parameter {kind} is longer than what holds it")
        yield kind, data[begin:end]
        at = end


def parameter(kind: int, value: bytes) -> bytes:
    """A parameter with a length."""
    return struct.pack(">HH", kind, 4 + len(value)) + value


# --- what we say ---------------------------------------------------------------------------------------------------


def reader_config(keepalive_ms: int) -> bytes:
    """SET_READER_CONFIG: signs of life and the events we want; nothing else of the reader is changed."""
    states = b"".join(parameter(_EVENT_STATE, struct.pack(">HB", each, 0x80)) for each in _EVENTS_WANTED)
    return b"\x00" + parameter(_EVENT_SPEC, states) + parameter(_KEEPALIVE_SPEC, struct.pack(">BI", 1, keepalive_ms))


def rospec(number: int, antennas: tuple[int, ...], round_ms: int) -> bytes:
    """ADD_ROSPEC: inventory without end in rounds, each reported with what was seen in it."""
    boundary = parameter(
        _BOUNDARY, parameter(_START, b"\x00") + parameter(_STOP, struct.pack(">BI", 0, 0))
    )  # started and stopped by us
    used = antennas or (0,)
    inventory = parameter(_INVENTORY, struct.pack(">HB", 1, 1))  # EPCglobal Class 1 Generation 2
    listed = struct.pack(f">H{len(used)}H", len(used), *used)
    rounds = parameter(_AISPEC, listed + parameter(_AI_STOP, struct.pack(">BI", 1, round_ms)) + inventory)
    content = parameter(_CONTENT, struct.pack(">H", _WHAT_IS_REPORTED))
    reported = parameter(_REPORT_SPEC, struct.pack(">BH", 1, 0) + content)  # at the end of each round
    return parameter(_ROSPEC, struct.pack(">IBB", number, 0, 0) + boundary + rounds + reported)


# --- what readers say ----------------------------------------------------------------------------------------------


def status_of(body: bytes, skip: int = 0) -> tuple[int, str]:
    """The status in an answer, and what the reader says about it. Raises :class:`Malformed` without one."""
    for kind, value in iter_parameters(body[skip:]):
        if kind == _STATUS:
            code, size = unpack(">HH", value)
            return code, value[4 : 4 + size].decode("utf-8", "replace")
    raise Malformed("an answer without a status")


def capabilities_of(body: bytes) -> Capabilities:
    """What GET_READER_CAPABILITIES_RESPONSE says. Raises :class:`Malformed`."""
    for kind, value in iter_parameters(body):
        if kind == GENERAL_DEVICE_CAPABILITIES:
            antennas, flags, manufacturer, model, size = unpack(">HHIIH", value)
            firmware = value[14 : 14 + size].decode("utf-8", "replace")
            inputs, outputs = _ports_of(value[14 + size :])
            return Capabilities(antennas, manufacturer, model, firmware, bool(flags & 0x4000), inputs, outputs)
    raise Malformed("capabilities without those of the device")


def _ports_of(rest: bytes) -> tuple[int, int]:
    """How many inputs and outputs it has; none where the rest of its capabilities cannot be read."""
    try:
        for kind, value in iter_parameters(rest):
            if kind == GPIO_CAPABILITIES:
                inputs, outputs = unpack(">HH", value)
                return min(inputs, MOST_PORTS), min(outputs, MOST_PORTS)
    except Malformed:
        pass  # what a reader is good for otherwise does not depend on it
    return 0, 0


def config_of(body: bytes) -> tuple[str, dict[int, bool]]:
    """The reader's number (hexadecimal) and which antennas are connected. Raises :class:`Malformed`."""
    name, antennas = "", {}
    for kind, value in iter_parameters(body):
        if kind == IDENTIFICATION:
            _, size = unpack(">BH", value)
            name = value[3 : 3 + size].hex()
        elif kind == ANTENNA_PROPERTIES:
            flags, number = unpack(">BH", value)
            antennas[int(number)] = bool(flags & 0x80)
    return name, antennas


def reads_of(body: bytes) -> list[TagRead]:
    """The tags in an RO_ACCESS_REPORT. Raises :class:`Malformed`, also beyond ``MOST_READS``."""
    found: list[TagRead] = []
    for kind, value in iter_parameters(body):
        if kind == _TAG_REPORT:
            if len(found) == MOST_READS:
                raise Malformed(f"a report of more than {MOST_READS} tags")
            found.append(_tag(value))
    return found


def event_of(body: bytes) -> ReaderEvent:
    """What a READER_EVENT_NOTIFICATION says. Raises :class:`Malformed`."""
    at_ms: int | None = None
    connected: int | None = None
    closing = overflow = False
    exception: str | None = None
    antennas: dict[int, bool] = {}
    inputs: dict[int, bool] = {}
    for outer, data in iter_parameters(body):
        if outer != _EVENT_DATA:
            continue
        for kind, value in iter_parameters(data):
            if kind == _UTC:
                at_ms = int(unpack(">Q", value)[0]) // 1000
            elif kind == _CONNECTION_ATTEMPT:
                connected = int(unpack(">H", value)[0])
            elif kind == _CONNECTION_CLOSE:
                closing = True
            elif kind == _BUFFER_OVERFLOW:
                overflow = True
            elif kind == _READER_EXCEPTION:
                (size,) = unpack(">H", value)
                exception = value[2 : 2 + size].decode("utf-8", "replace")
            elif kind == _ANTENNA_EVENT:
                state, number = unpack(">BH", value)
                antennas[int(number)] = state == 1
            elif kind == _GPI_EVENT:
                number, state = unpack(">HB", value)
                inputs[int(number)] = bool(state & 0x80)
    return ReaderEvent(at_ms, connected, closing, exception, antennas, overflow, inputs)


def _tag(data: bytes) -> TagRead:
    epc = ""
    antenna, count = 0, 1
    rssi: int | None = None
    first: int | None = None
    last: int | None = None
    for kind, value in iter_parameters(data):
        if kind == 13:
            epc = value.hex().upper()
        elif kind == _EPC_DATA:
            (bits,) = unpack(">H", value)
            if (bits + 7) // 8 > len(value) - 2:
                raise Malformed(f"an EPC of {bits} bits in {len(value) - 2} octets")
            epc = value[2 : 2 + (bits + 7) // 8].hex().upper()
        elif kind == 1:
            (antenna,) = unpack(">H", value)
        elif kind == 6:
            (rssi,) = unpack(">b", value)
        elif kind == 2:
            first = int(unpack(">Q", value)[0]) // 1000
        elif kind == 4:
            last = int(unpack(">Q", value)[0]) // 1000
        elif kind == 8:
            (count,) = unpack(">H", value)
    if not epc:
        raise Malformed("a report of a tag without an EPC")
    return TagRead(epc, antenna, rssi, first, last, count)


def unpack(form: str, value: bytes) -> tuple[int, ...]:
    """The numbers at the beginning of ``value``. Raises :class:`Malformed` when it is too short."""
    if len(value) < struct.calcsize(form):
        raise Malformed("a parameter that is too short")
    return struct.unpack_from(form, value)
