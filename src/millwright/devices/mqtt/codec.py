"""MQTT 3.1.1 control packets as bytes, and back (OASIS Standard, 29 October 2014).

Pure functions. The body of a PUBLISH from a device is read by :mod:`millwright.devices.mqtt.ingest` instead, many at
a time. Decoders take the packet's fixed-header flags and its body, and raise :class:`ProtocolError` and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.packets import Connect, PacketType, Publish, Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.topics import check_filter, check_topic

PINGRESP = b"\xd0\x00"
MAX_REMAINING = 268_435_455

# The flags each packet type must carry (2.2.2); PUBLISH's are its own.
_FLAGS: dict[int, int] = {PacketType.PUBREL: 0b0010, PacketType.SUBSCRIBE: 0b0010, PacketType.UNSUBSCRIBE: 0b0010}


def decode_length(data: bytes, position: int) -> tuple[int, int]:
    """The remaining length at ``position`` and where the body starts (2.2.3); ``(-1, position)`` when incomplete."""
    value = shift = 0
    for index in range(position, min(position + 4, len(data))):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    if len(data) - position >= 4:
        raise malformed("The remaining length has more than four bytes.")
    return -1, position


def encode_length(value: int) -> bytes:
    """A remaining length in one to four bytes."""
    if value < 128:
        return bytes((value,))
    if not value <= MAX_REMAINING:
        raise ValueError("a packet has at most 268,435,455 bytes")
    out = bytearray()
    while True:
        value, digit = value >> 7, value & 0x7F
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)


def check_flags(kind: int, flags: int) -> None:
    """Raise unless ``flags`` are those reserved for the packet type ``kind``."""
    if kind != PacketType.PUBLISH and flags != _FLAGS.get(kind, 0):
        raise malformed(f"A {PacketType(kind).name} has wrong flags.")


def read_level(body: Body) -> int:
    """The protocol's level in a CONNECT: 3, 4 or 5. Raises ``not_mqtt`` or ``unacceptable_version`` for another."""
    name, level = body.binary(), body.byte()
    if name not in (b"MQTT", b"MQIsdp"):
        raise ProtocolError("not_mqtt", "The first packet is not of MQTT.")
    if (name, level) not in ((b"MQTT", 4), (b"MQTT", 5), (b"MQIsdp", 3)):
        raise ProtocolError("unacceptable_version", f"MQTT level {level} is not spoken here.")
    return level


def decode_connect(data: bytes) -> Connect:
    """CONNECT (3.1) of 3.1 or 3.1.1. Raises ``unacceptable_version`` for a level this node does not speak."""
    body = Body(data)
    level = read_level(body)
    if level == 5:
        raise ProtocolError("unacceptable_version", "This CONNECT is of MQTT 5.")
    flags, keep_alive_s = body.byte(), body.number()
    will_flag, will_qos, will_retain = flags & 0x04, flags >> 3 & 3, bool(flags & 0x20)
    if flags & 0x01 or will_qos == 3 or (not will_flag and (will_qos or will_retain)):
        raise malformed("A CONNECT has wrong flags.")
    if flags & 0x40 and not flags & 0x80:
        raise malformed("A CONNECT has a password without a user name.")
    client_id = body.text()
    will = Will(check_topic(body.text()), body.binary(), will_qos, will_retain) if will_flag else None
    username = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None
    body.end()
    return Connect(level, client_id, bool(flags & 0x02), keep_alive_s, will, username, password)


def encode_connect(packet: Connect) -> bytes:
    """CONNECT."""
    will, flags = packet.will, packet.clean_session << 1
    body = _string(packet.client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
        body += _string(will.topic) + _binary(will.payload)
    if packet.username is not None:
        flags |= 0x80
        body += _string(packet.username)
    if packet.password is not None:
        flags |= 0x40
        body += _binary(packet.password)
    name = b"\x00\x06MQIsdp" if packet.level == 3 else b"\x00\x04MQTT"
    return packet_bytes(0x10, name + pack(">BBH", packet.level, flags, packet.keep_alive_s) + body)


def encode_connack(code: int, session_present: bool = False) -> bytes:
    """CONNACK (3.2)."""
    return bytes((0x20, 2, session_present and not code, code))


def decode_publish(flags: int, data: bytes) -> Publish:
    """PUBLISH (3.3)."""
    qos = flags >> 1 & 3
    if qos == 3 or (flags & 0x08 and not qos):
        raise malformed("A PUBLISH has wrong flags.")
    body = Body(data)
    topic = check_topic(body.text())
    packet_id = body.packet_id() if qos else 0
    return Publish(topic, body.rest(), qos, bool(flags & 1), bool(flags & 8), packet_id)


def encode_publish(packet: Publish) -> bytes:
    """PUBLISH."""
    first = 0x30 | packet.duplicate << 3 | packet.qos << 1 | packet.retain
    return publish_bytes(first, publish_head(packet.topic), packet.packet_id, packet.payload)


def publish_head(topic: str) -> bytes:
    """The topic as a PUBLISH carries it; made once for many receivers."""
    return _string(topic)


def publish_bytes(first: int, head: bytes, packet_id: int, payload: bytes) -> bytes:
    """A PUBLISH from its first byte, :func:`publish_head`, packet id (unused with QoS 0) and payload."""
    if first & 0x06:
        return b"%c%b%b%b%b" % (
            first,
            encode_length(len(head) + 2 + len(payload)),
            head,
            packet_id.to_bytes(2, "big"),
            payload,
        )
    return b"%c%b%b%b" % (first, encode_length(len(head) + len(payload)), head, payload)


def decode_packet_id(data: bytes) -> int:
    """The only field of PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK."""
    body = Body(data)
    packet_id = body.packet_id()
    body.end()
    return packet_id


def acknowledgement(kind: int, packet_id: int) -> int:
    """A PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK as the number whose four bytes (big endian) are the packet."""
    return kind << 28 | _FLAGS.get(kind, 0) << 24 | 2 << 16 | packet_id


def encode_acknowledgements(numbers: Sequence[int]) -> bytes:
    """Many :func:`acknowledgement` s, one after another."""
    return pack(f">{len(numbers)}I", *numbers)


def decode_subscribe(data: bytes) -> Subscribe:
    """SUBSCRIBE (3.8)."""
    body = Body(data)
    packet_id, filters = body.packet_id(), []
    while not body.exhausted:
        topic_filter, qos = check_filter(body.text()), body.byte()
        if qos > 2:
            raise malformed("A SUBSCRIBE asks for a QoS that does not exist.")
        filters.append((topic_filter, qos))
    if not filters:
        raise malformed("A SUBSCRIBE names no topic filter.")
    return Subscribe(packet_id, filters)


def encode_subscribe(packet: Subscribe) -> bytes:
    """SUBSCRIBE."""
    return packet_bytes(
        0x82, pack(">H", packet.packet_id) + b"".join(_string(f) + bytes((q,)) for f, q in packet.filters)
    )


def encode_suback(packet_id: int, codes: Sequence[int]) -> bytes:
    """SUBACK (3.9): for each filter the QoS granted, or 0x80."""
    return packet_bytes(0x90, pack(">H", packet_id) + bytes(codes))


def decode_unsubscribe(data: bytes) -> Unsubscribe:
    """UNSUBSCRIBE (3.10)."""
    body = Body(data)
    packet_id, filters = body.packet_id(), []
    while not body.exhausted:
        filters.append(check_filter(body.text()))
    if not filters:
        raise malformed("An UNSUBSCRIBE names no topic filter.")
    return Unsubscribe(packet_id, filters)


def encode_unsubscribe(packet: Unsubscribe) -> bytes:
    """UNSUBSCRIBE."""
    return packet_bytes(0xA2, pack(">H", packet.packet_id) + b"".join(map(_string, packet.filters)))


def _binary(value: bytes) -> bytes:
    return pack(">H", len(value)) + value


def _string(value: str) -> bytes:
    return _binary(value.encode())


def packet_bytes(first: int, body: bytes) -> bytes:
    """A packet from its first byte and its body."""
    return bytes((first,)) + encode_length(len(body)) + body
