"""MQTT 5 packets survive the way to bytes and back; bytes from anywhere raise the protocol error or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.mqtt import ProtocolError, codec, codec5
from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.packets import Connect, PacketType, Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.properties import (
    FROM_CLIENT,
    WILL,
    Property,
    read_properties,
    write_properties,
    write_property,
)
from support.mqtt5 import ANY, connect5_bytes, publish5_bytes, told_in

text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=20)
topic = st.text(st.characters(blacklist_characters="\0+#", blacklist_categories=("Cs",)), min_size=1, max_size=20)
four = st.integers(0, 0xFFFFFFFF)
pairs = st.lists(st.tuples(text, text), max_size=3)
wills = st.builds(
    Will,
    topic,
    st.binary(max_size=20),
    st.integers(0, 2),
    st.booleans(),
    pairs.map(lambda many: b"".join(write_property(Property.USER_PROPERTY, pair) for pair in many)),
    four,
    st.none() | four,
)


@st.composite
def connects(draw: st.DrawFn) -> Connect:
    method = draw(st.none() | text)
    return Connect(
        5,
        draw(text),
        draw(st.booleans()),
        draw(st.integers(0, 65535)),
        draw(st.none() | wills),
        draw(st.none() | text),
        draw(st.none() | st.binary(max_size=20)),
        draw(four),
        draw(st.integers(1, 65535)),
        draw(four),
        draw(st.integers(0, 65535)),
        draw(st.booleans()),
        draw(st.booleans()),
        method,
        draw(st.binary(max_size=20)) if method is not None else b"",
        draw(pairs),
    )


def body_of(packet: bytes) -> bytes:
    size, start = codec.decode_length(packet, 1)
    assert start + size == len(packet)
    return packet[start:]


@given(connects())
def test_connect_round_trip(packet: Connect) -> None:
    data = codec5.encode_connect(packet)
    assert data[0] == 0x10
    assert codec5.decode_connect(body_of(data)) == packet


@given(topic, st.binary(max_size=40), st.integers(0, 2), st.booleans(), st.integers(1, 65535), pairs, st.none() | four)
def test_publish_round_trip_keeps_what_is_forwarded_in_order(
    name: str, payload: bytes, qos: int, retain: bool, number: int, user: list[tuple[str, str]], life_s: int | None
) -> None:
    forwarded: list[tuple[int, Any]] = [(Property.USER_PROPERTY, pair) for pair in user]
    forwarded.insert(0, (Property.CORRELATION_DATA, payload))
    forwarded.append((Property.CONTENT_TYPE, name))
    told = [*forwarded, *([] if life_s is None else [(Property.MESSAGE_EXPIRY, life_s)])]
    data = publish5_bytes(name, payload, qos, number, told, retain=retain)
    packet, found = codec5.decode_publish(data[0] & 15, body_of(data))
    assert (packet.topic, packet.payload, packet.qos, packet.retain) == (name, payload, qos, retain)
    assert packet.packet_id == (number if qos else 0)
    assert (found.user, found.get(Property.MESSAGE_EXPIRY)) == (user, life_s)
    assert found.forwarded == b"".join(write_property(identifier, value) for identifier, value in forwarded)


@given(st.integers(1, 65535), st.lists(st.tuples(topic, st.sampled_from([0, 1, 2, 4, 9, 0x1A, 0x20])), min_size=1))
def test_subscribe_and_unsubscribe_round_trip(number: int, filters: list[tuple[str, int]]) -> None:
    filters = [("a/" + name, options) for name, options in filters]
    data = codec5.encode_subscribe(Subscribe(number, filters), 268_435_455)
    found = codec5.decode_subscribe(body_of(data))
    assert found.filters == [(name, options | 268_435_455 << 8) for name, options in filters]
    names = [name for name, _ in filters]
    data = codec5.encode_unsubscribe(Unsubscribe(number, names))
    assert codec5.decode_unsubscribe(body_of(data)) == Unsubscribe(number, names)


@given(st.sampled_from([0x00, 0x10, 0x80, 0x87, 0x99]), st.integers(1, 65535), text)
def test_answers_round_trip_with_and_without_a_reason(reason: int, number: int, why: str) -> None:
    data = codec5.encode_answer(0x40, number, reason, why)
    assert codec5.decode_answer(PacketType.PUBACK, body_of(data)) == (number, reason)
    assert codec5.decode_answer(PacketType.PUBACK, number.to_bytes(2, "big")) == (number, 0)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        (b"\x02\x11\x00", "malformed"),  # ends within its value
        (b"\x05\x11\x00\x00\x00", "malformed"),  # the value reaches beyond the properties
        (b"\x01\x00", "malformed"),  # no such property
        (b"\x02\x01\x01", "malformed"),  # payload format does not belong into a CONNECT
        (b"\x0a\x11\x00\x00\x00\x01\x11\x00\x00\x00\x01", "protocol_error"),  # twice
        (b"\x03\x21\x00\x00", "protocol_error"),  # receive maximum 0
        (b"\x05\x27\x00\x00\x00\x00", "protocol_error"),  # maximum packet size 0
        (b"\x02\x17\x02", "protocol_error"),  # request problem information 2
        (b"\x02\x19\x02", "protocol_error"),  # request response information 2
        (b"\x04\x16\x00\x01x", "protocol_error"),  # authentication data without a method
        (b"\x05\x26\x00\x02\xff\xff", "malformed"),  # a pair of which the second is missing, and no UTF-8
        (b"\xff\xff\xff\xff\x01", "malformed"),  # a length of five bytes
        (b"\x7f", "malformed"),  # longer than the packet
    ],
)
def test_wrong_properties_of_a_connect_are_told_apart(properties: bytes, reason: str) -> None:
    body = b"\x00\x04MQTT\x05\x02\x00\x00" + properties + b"\x00\x00"
    with pytest.raises(ProtocolError) as caught:
        codec5.decode_connect(body)
    assert caught.value.reason in (reason, "invalid_utf8")


@pytest.mark.parametrize(
    ("decode", "body", "reason"),
    [
        (codec5.decode_subscribe, b"\x00\x01\x00", "protocol_error"),  # no filter
        (codec5.decode_subscribe, b"\x00\x00\x00\x00\x01a\x00", "malformed"),  # packet id 0
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x01a\x03", "malformed"),  # QoS 3
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x01a\x30", "malformed"),  # retain handling 3
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x01a\x40", "malformed"),  # reserved
        (codec5.decode_subscribe, b"\x00\x01\x02\x0b\x00\x00\x01a\x00", "protocol_error"),  # identifier 0
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x0a$share/g/a\x04", "protocol_error"),  # shared and no local
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x08$share/g\x00", "invalid_filter"),
        (codec5.decode_subscribe, b"\x00\x01\x00\x00\x0a$share/+/a\x00", "invalid_filter"),
        (codec5.decode_unsubscribe, b"\x00\x01\x00", "protocol_error"),
        (codec5.decode_disconnect, b"\x01", "malformed"),  # a reason that does not exist
        (codec5.decode_disconnect, b"\x8b", "malformed"),  # one that only servers give
        (codec5.decode_disconnect, b"\x00\x02\x11\x00", "malformed"),
        (codec5.decode_auth, b"", "malformed"),
        (codec5.decode_auth, b"\x00\x00", "malformed"),  # success is the server's to say
        (codec5.decode_auth, b"\x18", "malformed"),
    ],
)
def test_wrong_packets_are_told_apart(decode: Callable[[bytes], Any], body: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize("kind", [PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP])
@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\x00\x00", b"\x00\x01\x01", b"\x00\x01\x00\x01", b"\x00\x01\x00\x00x"]
)
def test_wrong_answers_raise(kind: PacketType, body: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"packet|reason|ends"):
        codec5.decode_answer(kind, body)


@pytest.mark.parametrize("identifier", list(Property))
def test_every_property_is_written_as_it_is_read(identifier: Property) -> None:
    tries: list[Any] = [("a", "b"), 1, "text", b"bytes"]
    for value in tries:
        try:
            data = write_properties([(identifier, value)])
        except Exception:
            continue
        found = told_in(data, 0)
        several = {Property.USER_PROPERTY: found.user, Property.SUBSCRIPTION_IDENTIFIER: found.identifiers}
        assert (several[identifier][0] if identifier in several else found[identifier]) == value
        break
    else:
        raise AssertionError(f"{identifier.name} takes nothing")


def reading(allowed: frozenset[Property]) -> Callable[[bytes], Any]:
    return lambda data: read_properties(Body(data), allowed)


DECODERS: list[Callable[[bytes], Any]] = [
    codec5.decode_connect,
    lambda data: codec5.decode_publish(0x02, data),
    lambda data: codec5.decode_publish(0x00, data),
    *(lambda data, kind=kind: codec5.decode_answer(kind, data) for kind in (4, 5, 6, 7)),
    codec5.decode_subscribe,
    codec5.decode_unsubscribe,
    codec5.decode_disconnect,
    codec5.decode_auth,
    reading(ANY),
    reading(WILL),
    *(reading(allowed) for allowed in FROM_CLIENT.values()),
]


@given(st.sampled_from(DECODERS), st.binary(max_size=60))
def test_any_bytes_raise_the_protocol_error_or_nothing(decode: Callable[[bytes], Any], data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(data)


@given(connects(), st.data())
def test_a_connect_with_a_byte_changed_or_cut_raises_the_protocol_error_or_nothing(
    packet: Connect, data: st.DataObject
) -> None:
    body = bytearray(body_of(codec5.encode_connect(packet)))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        codec5.decode_connect(bytes(body[: data.draw(st.integers(0, len(body)))]))


def test_the_helper_makes_what_the_codec_reads() -> None:
    assert codec5.decode_connect(body_of(connect5_bytes("me"))).client_id == "me"
