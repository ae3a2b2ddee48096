"""Properties of MQTT 5.0 packets (2.2.2): which there are, where they may stand, and how they are read and written.

What a message's receivers get unchanged is not taken apart further than checking asks for: of a PUBLISH the bytes of
those properties are kept as they came, in their order (3.3.2.3.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from struct import pack
from typing import Any, Final

from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.packets import PacketType
from millwright.devices.mqtt.topics import check_topic


class Property(IntEnum):
    """Identifiers (table 2-4)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET = 0x27
    WILDCARD_AVAILABLE = 0x28
    IDENTIFIERS_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


_BYTE, _TWO, _FOUR, _VARIABLE, _BINARY, _TEXT, _PAIR = range(7)

_KINDS: Final[dict[int, int]] = {
    Property.PAYLOAD_FORMAT: _BYTE,
    Property.MESSAGE_EXPIRY: _FOUR,
    Property.CONTENT_TYPE: _TEXT,
    Property.RESPONSE_TOPIC: _TEXT,
    Property.CORRELATION_DATA: _BINARY,
    Property.SUBSCRIPTION_IDENTIFIER: _VARIABLE,
    Property.SESSION_EXPIRY: _FOUR,
    Property.ASSIGNED_CLIENT_ID: _TEXT,
    Property.SERVER_KEEP_ALIVE: _TWO,
    Property.AUTHENTICATION_METHOD: _TEXT,
    Property.AUTHENTICATION_DATA: _BINARY,
    Property.REQUEST_PROBLEM: _BYTE,
    Property.WILL_DELAY: _FOUR,
    Property.REQUEST_RESPONSE: _BYTE,
    Property.RESPONSE_INFORMATION: _TEXT,
    Property.SERVER_REFERENCE: _TEXT,
    Property.REASON_STRING: _TEXT,
    Property.RECEIVE_MAXIMUM: _TWO,
    Property.TOPIC_ALIAS_MAXIMUM: _TWO,
    Property.TOPIC_ALIAS: _TWO,
    Property.MAXIMUM_QOS: _BYTE,
    Property.RETAIN_AVAILABLE: _BYTE,
    Property.USER_PROPERTY: _PAIR,
    Property.MAXIMUM_PACKET: _FOUR,
    Property.WILDCARD_AVAILABLE: _BYTE,
    Property.IDENTIFIERS_AVAILABLE: _BYTE,
    Property.SHARED_AVAILABLE: _BYTE,
}

_MESSAGE: Final = frozenset(
    {
        Property.PAYLOAD_FORMAT,
        Property.MESSAGE_EXPIRY,
        Property.CONTENT_TYPE,
        Property.RESPONSE_TOPIC,
        Property.CORRELATION_DATA,
        Property.USER_PROPERTY,
    }
)
_FORWARDED: Final = _MESSAGE - {Property.MESSAGE_EXPIRY}
_ANSWER: Final = frozenset({Property.REASON_STRING, Property.USER_PROPERTY})

FROM_CLIENT: Final[dict[int, frozenset[Property]]] = {
    PacketType.CONNECT: frozenset(
        {
            Property.SESSION_EXPIRY,
            Property.RECEIVE_MAXIMUM,
            Property.MAXIMUM_PACKET,
            Property.TOPIC_ALIAS_MAXIMUM,
            Property.REQUEST_RESPONSE,
            Property.REQUEST_PROBLEM,
            Property.USER_PROPERTY,
            Property.AUTHENTICATION_METHOD,
            Property.AUTHENTICATION_DATA,
        }
    ),
    PacketType.PUBLISH: _MESSAGE | {Property.TOPIC_ALIAS},
    PacketType.PUBACK: _ANSWER,
    PacketType.PUBREC: _ANSWER,
    PacketType.PUBREL: _ANSWER,
    PacketType.PUBCOMP: _ANSWER,
    PacketType.SUBSCRIBE: frozenset({Property.SUBSCRIPTION_IDENTIFIER, Property.USER_PROPERTY}),
    PacketType.UNSUBSCRIBE: frozenset({Property.USER_PROPERTY}),
    PacketType.DISCONNECT: _ANSWER | {Property.SESSION_EXPIRY},
    PacketType.AUTH: _ANSWER | {Property.AUTHENTICATION_METHOD, Property.AUTHENTICATION_DATA},
}
"""What a client may send in each packet (table 2-4)."""

WILL: Final = _MESSAGE | {Property.WILL_DELAY}
"""What stands in the will properties of a CONNECT (3.1.3.2)."""

# Values that the standard forbids beyond their type: (least, most).
_RANGES: Final[dict[int, tuple[int, int]]] = {
    Property.PAYLOAD_FORMAT: (0, 1),
    Property.REQUEST_PROBLEM: (0, 1),
    Property.REQUEST_RESPONSE: (0, 1),
    Property.RECEIVE_MAXIMUM: (1, 0xFFFF),
    Property.MAXIMUM_PACKET: (1, 0xFFFFFFFF),
    Property.SUBSCRIPTION_IDENTIFIER: (1, 268_435_455),
}


class Properties(dict[int, Any]):
    """Values by identifier, but for those that may come again: ``user`` properties and a message's ``identifiers``.

    ``forwarded`` are the bytes that a message's receivers get.
    """

    __slots__ = ("forwarded", "identifiers", "user")

    def __init__(self) -> None:
        super().__init__()
        self.user: list[tuple[str, str]] = []
        self.identifiers: list[int] = []
        self.forwarded = b""


def read_properties(body: Body, allowed: frozenset[Property]) -> Properties:
    """The properties at the body's position, with their length before them.

    Raises ``malformed`` for what cannot be read or does not belong here, ``protocol_error`` for one that comes twice or
    has a value that the standard forbids.
    """
    end = body.variable()
    end += body.position
    if end > body.size:
        raise malformed("Properties reach beyond their packet.")
    found = Properties()
    forwarded: list[bytes] = []
    while body.position < end:
        start = body.position
        identifier = body.variable()
        kind = _KINDS.get(identifier)
        if kind is None or identifier not in allowed:
            raise malformed(f"The property 0x{identifier:02X} does not belong into this packet.")
        value = _read(body, kind)
        if identifier in _FORWARDED:
            forwarded.append(body.between(start, body.position))
        if identifier == Property.USER_PROPERTY:
            found.user.append(value)
            continue
        if identifier == Property.SUBSCRIPTION_IDENTIFIER and Property.TOPIC_ALIAS in allowed:
            found.identifiers.append(value)  # a message to a client may have one of each subscription
            continue
        if identifier in found:
            raise ProtocolError("protocol_error", f"The property 0x{identifier:02X} came twice.")
        least, most = _RANGES.get(identifier, (0, 0xFFFFFFFF))
        if isinstance(value, int) and not least <= value <= most:
            raise ProtocolError("protocol_error", f"The property 0x{identifier:02X} cannot be {value}.")
        if identifier == Property.TOPIC_ALIAS and not value:
            raise ProtocolError("topic_alias_invalid", "A topic alias is 0.")
        if identifier == Property.RESPONSE_TOPIC:
            check_topic(value)
        found[identifier] = value
    if body.position != end:
        raise malformed("A property reaches beyond the properties.")
    if forwarded:
        found.forwarded = b"".join(forwarded)
    return found


def _read(body: Body, kind: int) -> Any:
    if kind == _PAIR:
        return body.text(), body.text()
    if kind == _TEXT:
        return body.text()
    if kind == _BINARY:
        return body.binary()
    if kind == _BYTE:
        return body.byte()
    if kind == _TWO:
        return body.number()
    if kind == _FOUR:
        return body.long()
    return body.variable()


def write_property(identifier: int, value: Any) -> bytes:
    """One property as bytes."""
    kind, head = _KINDS[identifier], bytes((identifier,))
    if kind == _PAIR:
        return head + text_bytes(value[0]) + text_bytes(value[1])
    if kind == _TEXT:
        return head + text_bytes(value)
    if kind == _BINARY:
        return head + pack(">H", len(value)) + bytes(value)
    if kind == _VARIABLE:
        return head + encode_variable(value)
    return head + pack({_BYTE: ">B", _TWO: ">H", _FOUR: ">I"}[kind], value)


def write_properties(values: Sequence[tuple[int, Any]]) -> bytes:
    """Properties with their length before them."""
    joined = b"".join(write_property(identifier, value) for identifier, value in values)
    return encode_variable(len(joined)) + joined


def text_bytes(value: str) -> bytes:
    """A string as MQTT writes it."""
    raw = value.encode()
    return pack(">H", len(raw)) + raw


def encode_variable(value: int) -> bytes:
    """A variable byte integer (1.5.5)."""
    if value < 128:
        return bytes((value,))
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)
