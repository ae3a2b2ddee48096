"""MQTT 5.0 control packets as bytes, and back (OASIS Standard, 7 March 2019), where they differ from 3.1.1.

Pure functions, like :mod:`.codec`. The body of a PUBLISH from a device is read by :mod:`.ingest5`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import pack
from typing import Any

import msgspec

from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.codec import encode_length, packet_bytes, read_level
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.packets import IDENTIFIER_SHIFT, Connect, PacketType, Publish, Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.properties import (
    FROM_CLIENT,
    WILL,
    Properties,
    Property,
    encode_variable,
    read_properties,
    text_bytes,
    write_properties,
    write_property,
)
from millwright.devices.mqtt.topics import check_filter, check_topic, split_share

LEVEL = 5

# Reason codes that a client may send (table 2-6).
_ACKNOWLEDGED = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_RELEASED = frozenset({0x00, 0x92})
_DISCONNECTED = frozenset({0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99})
_REASONS = {
    PacketType.PUBACK: _ACKNOWLEDGED,
    PacketType.PUBREC: _ACKNOWLEDGED,
    PacketType.PUBREL: _RELEASED,
    PacketType.PUBCOMP: _RELEASED,
    PacketType.DISCONNECT: _DISCONNECTED,
    PacketType.AUTH: frozenset({0x18, 0x19}),
}


class Authentication(msgspec.Struct, frozen=True):
    """AUTH (3.15)."""

    reason: int
    method: str | None
    data: bytes = b""


class Goodbye(msgspec.Struct, frozen=True):
    """DISCONNECT (3.14) of a client; ``session_expiry_s`` is ``None`` when it says nothing about it."""

    reason: int
    session_expiry_s: int | None = None


# --- CONNECT and what ends ------------------------------------------------------------------------------------------


def decode_connect(data: bytes) -> Connect:
    """CONNECT (3.1)."""
    body = Body(data)
    level = read_level(body)
    flags, keep_alive_s = body.byte(), body.number()
    will_flag, will_qos, will_retain = flags & 0x04, flags >> 3 & 3, bool(flags & 0x20)
    if flags & 0x01 or will_qos == 3 or (not will_flag and (will_qos or will_retain)):
        raise malformed("A CONNECT has wrong flags.")
    told = read_properties(body, FROM_CLIENT[PacketType.CONNECT])
    if Property.AUTHENTICATION_DATA in told and Property.AUTHENTICATION_METHOD not in told:
        raise ProtocolError("protocol_error", "A CONNECT has authentication data without a method.")
    client_id, will = body.text(), None
    if will_flag:
        wanted = read_properties(body, WILL)
        topic, payload = check_topic(body.text()), body.binary()
        check_format(wanted, payload)
        will = Will(
            topic,
            payload,
            will_qos,
            will_retain,
            wanted.forwarded,
            wanted.get(Property.WILL_DELAY, 0),
            wanted.get(Property.MESSAGE_EXPIRY),
        )
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    body.end()
    return Connect(
        level,
        client_id,
        bool(flags & 0x02),
        keep_alive_s,
        will,
        username,
        password,
        told.get(Property.SESSION_EXPIRY, 0),
        told.get(Property.RECEIVE_MAXIMUM, 65535),
        told.get(Property.MAXIMUM_PACKET, 0),
        told.get(Property.TOPIC_ALIAS_MAXIMUM, 0),
        told.get(Property.REQUEST_RESPONSE, 0) == 1,
        told.get(Property.REQUEST_PROBLEM, 1) == 1,
        told.get(Property.AUTHENTICATION_METHOD),
        told.get(Property.AUTHENTICATION_DATA, b""),
        told.user,
    )


def check_format(properties: Properties, payload: bytes) -> None:
    """Raise ``payload_format_invalid`` when the payload is said to be UTF-8 and is not (3.3.2.3.2)."""
    if properties.get(Property.PAYLOAD_FORMAT) and not is_utf8(payload):
        raise ProtocolError("payload_format_invalid", "A payload is said to be UTF-8 and is not.")


def is_utf8(payload: bytes) -> bool:
    """Whether the payload is text."""
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def encode_connect(packet: Connect) -> bytes:
    """CONNECT."""
    will, flags = packet.will, packet.clean_session << 1
    told: list[tuple[int, Any]] = [
        (identifier, value)
        for identifier, value, default in (
            (Property.SESSION_EXPIRY, packet.session_expiry_s, 0),
            (Property.RECEIVE_MAXIMUM, packet.receive_maximum, 65535),
            (Property.MAXIMUM_PACKET, packet.maximum_packet, 0),
            (Property.TOPIC_ALIAS_MAXIMUM, packet.alias_maximum, 0),
            (Property.REQUEST_RESPONSE, int(packet.wants_response_information), 0),
            (Property.REQUEST_PROBLEM, int(packet.wants_problem_information), 1),
            (Property.AUTHENTICATION_METHOD, packet.authentication_method, None),
            (Property.AUTHENTICATION_DATA, packet.authentication_data, b""),
        )
        if value != default
    ]
    told += [(Property.USER_PROPERTY, pair) for pair in packet.user_properties]
    body = text_bytes(packet.client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        wanted = will.properties
        if will.delay_s:
            wanted += write_property(Property.WILL_DELAY, will.delay_s)
        if will.expiry_s is not None:
            wanted += write_property(Property.MESSAGE_EXPIRY, will.expiry_s)
        body += encode_variable(len(wanted)) + wanted + text_bytes(will.topic)
        body += pack(">H", len(will.payload)) + will.payload
    if packet.username is not None:
        flags |= 0x80
        body += text_bytes(packet.username)
    if packet.password is not None:
        flags |= 0x40
        body += pack(">H", len(packet.password)) + packet.password
    head = pack(">6sBBH", b"\x00\x04MQTT", LEVEL, flags, packet.keep_alive_s)
    return packet_bytes(0x10, head + write_properties(told) + body)


def encode_connack(code: int, session_present: bool = False, properties: Sequence[tuple[int, Any]] = ()) -> bytes:
    """CONNACK (3.2)."""
    return packet_bytes(0x20, bytes((session_present and not code, code)) + write_properties(properties))


def decode_disconnect(data: bytes) -> Goodbye:
    """DISCONNECT from a client (3.14)."""
    if not data:
        return Goodbye(0)
    body = Body(data)
    reason = _reason(body, PacketType.DISCONNECT)
    if body.exhausted:
        return Goodbye(reason)
    told = read_properties(body, FROM_CLIENT[PacketType.DISCONNECT])
    body.end()
    return Goodbye(reason, told.get(Property.SESSION_EXPIRY))


def encode_disconnect(reason: int, text: str = "") -> bytes:
    """DISCONNECT from the server, with a reason string when there is one."""
    if not text:
        return bytes((0xE0, 1, reason)) if reason else b"\xe0\x00"
    return packet_bytes(0xE0, bytes((reason,)) + write_properties([(Property.REASON_STRING, text)]))


def decode_auth(data: bytes) -> Authentication:
    """AUTH from a client (3.15)."""
    if not data:
        raise malformed("An AUTH of a client says nothing.")
    body = Body(data)
    reason = _reason(body, PacketType.AUTH)
    told = read_properties(body, FROM_CLIENT[PacketType.AUTH])
    body.end()
    return Authentication(reason, told.get(Property.AUTHENTICATION_METHOD), told.get(Property.AUTHENTICATION_DATA, b""))


def encode_auth(packet: Authentication) -> bytes:
    """AUTH."""
    told: list[tuple[int, Any]] = [(Property.AUTHENTICATION_METHOD, packet.method)]
    if packet.data:
        told.append((Property.AUTHENTICATION_DATA, packet.data))
    return packet_bytes(0xF0, bytes((packet.reason,)) + write_properties(told))


def _reason(body: Body, kind: PacketType) -> int:
    reason = body.byte()
    if reason not in _REASONS[kind]:
        raise malformed(f"A {kind.name} has the reason code 0x{reason:02X}.")
    return reason


# --- PUBLISH and its answers ----------------------------------------------------------------------------------------


def decode_publish(flags: int, data: bytes) -> tuple[Publish, Properties]:
    """PUBLISH (3.3) with its properties; the topic may be empty when an alias stands for it."""
    qos = flags >> 1 & 3
    if qos == 3 or (flags & 0x08 and not qos):
        raise malformed("A PUBLISH has wrong flags.")
    body = Body(data)
    topic = body.text()
    packet_id = body.packet_id() if qos else 0
    told = read_properties(body, FROM_CLIENT[PacketType.PUBLISH] | {Property.SUBSCRIPTION_IDENTIFIER})
    if topic or Property.TOPIC_ALIAS not in told:
        check_topic(topic)
    return Publish(topic, body.rest(), qos, bool(flags & 1), bool(flags & 8), packet_id), told


def publish_bytes(first: int, head: bytes, packet_id: int, properties: bytes, payload: bytes) -> bytes:
    """A PUBLISH from its first byte, topic as in the packet, packet id, properties (without length) and payload."""
    many = len(properties)
    before = bytes((many,)) if many < 128 else encode_variable(many)
    if first & 0x06:
        size = len(head) + 2 + len(before) + many + len(payload)
        return b"%c%b%b%b%b%b%b" % (
            first,
            encode_length(size),
            head,
            packet_id.to_bytes(2, "big"),
            before,
            properties,
            payload,
        )
    size = len(head) + len(before) + many + len(payload)
    return b"%c%b%b%b%b%b" % (first, encode_length(size), head, before, properties, payload)


def decode_answer(kind: int, data: bytes) -> tuple[int, int]:
    """Packet id and reason code of a PUBACK, PUBREC, PUBREL or PUBCOMP (3.4–3.7)."""
    body = Body(data)
    packet_id = body.packet_id()
    if body.exhausted:
        return packet_id, 0
    reason = _reason(body, PacketType(kind))
    if not body.exhausted:
        read_properties(body, FROM_CLIENT[kind])
        body.end()
    return packet_id, reason


def encode_answer(first: int, packet_id: int, reason: int, text: str = "") -> bytes:
    """A PUBACK, PUBREC, PUBREL or PUBCOMP that says more than success."""
    head = pack(">HB", packet_id, reason)
    return packet_bytes(first, head + write_properties([(Property.REASON_STRING, text)]) if text else head)


# --- subscriptions --------------------------------------------------------------------------------------------------


def decode_subscribe(data: bytes) -> Subscribe:
    """SUBSCRIBE (3.8); what is asked for is one number with the identifier in it, see :mod:`.packets`."""
    body = Body(data)
    packet_id = body.packet_id()
    told = read_properties(body, FROM_CLIENT[PacketType.SUBSCRIBE])
    identifier = told.get(Property.SUBSCRIPTION_IDENTIFIER, 0) << IDENTIFIER_SHIFT
    filters = []
    while not body.exhausted:
        topic_filter, options = check_filter(body.text()), body.byte()
        if options & 0x03 == 3 or options & 0x30 == 0x30 or options & 0xC0:
            raise malformed("A SUBSCRIBE has options that do not exist.")
        if options & 0x04 and split_share(topic_filter)[0]:
            raise ProtocolError("protocol_error", "A shared subscription cannot be without what is local (3.8.3.1).")
        filters.append((topic_filter, options | identifier))
    if not filters:
        raise ProtocolError("protocol_error", "A SUBSCRIBE names no topic filter.")
    return Subscribe(packet_id, filters)


def encode_subscribe(packet: Subscribe, identifier: int = 0) -> bytes:
    """SUBSCRIBE, with a subscription identifier for all of its filters if need be."""
    told = [(Property.SUBSCRIPTION_IDENTIFIER, identifier)] if identifier else []
    body = pack(">H", packet.packet_id) + write_properties(told)
    return packet_bytes(0x82, body + b"".join(text_bytes(f) + bytes((options,)) for f, options in packet.filters))


def decode_unsubscribe(data: bytes) -> Unsubscribe:
    """UNSUBSCRIBE (3.10)."""
    body = Body(data)
    packet_id, filters = body.packet_id(), []
    read_properties(body, FROM_CLIENT[PacketType.UNSUBSCRIBE])
    while not body.exhausted:
        filters.append(check_filter(body.text()))
    if not filters:
        raise ProtocolError("protocol_error", "An UNSUBSCRIBE names no topic filter.")
    return Unsubscribe(packet_id, filters)


def encode_unsubscribe(packet: Unsubscribe) -> bytes:
    """UNSUBSCRIBE."""
    return packet_bytes(0xA2, pack(">HB", packet.packet_id, 0) + b"".join(map(text_bytes, packet.filters)))


def encode_codes(kind: PacketType, packet_id: int, codes: Iterable[int], text: str = "") -> bytes:
    """A SUBACK or UNSUBACK (3.9, 3.11): a code for each filter."""
    told = [(Property.REASON_STRING, text)] if text else []
    return packet_bytes(kind << 4, pack(">H", packet_id) + write_properties(told) + bytes(codes))
