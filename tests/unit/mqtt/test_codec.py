"""Packets survive the way to bytes and back; bytes from anywhere raise the protocol error or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.mqtt import ProtocolError, codec
from millwright.devices.mqtt.packets import Connect, PacketType, Publish, Subscribe, Unsubscribe, Will

text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=40)
topic = st.text(st.characters(blacklist_characters="\0+#", blacklist_categories=("Cs",)), min_size=1, max_size=40)
topic_filter = st.lists(st.one_of(st.just("+"), st.sampled_from(["a", "bé", "", "x y"])), min_size=1, max_size=6).map(
    lambda levels: "/".join(levels) or "a"
)
packet_id = st.integers(1, 65535)
qos = st.integers(0, 2)
will = st.builds(Will, topic, st.binary(max_size=50), qos, st.booleans())


@st.composite
def connects(draw: st.DrawFn) -> Connect:
    username = draw(st.none() | text)
    password = None if username is None else draw(st.none() | st.binary(max_size=20))
    return Connect(
        draw(st.sampled_from([3, 4])),
        draw(text),
        draw(st.booleans()),
        draw(st.integers(0, 65535)),
        draw(st.none() | will),
        username,
        password,
    )


def body_of(packet: bytes) -> bytes:
    size, start = codec.decode_length(packet, 1)
    assert start + size == len(packet)
    return packet[start:]


@given(connects())
def test_connect_round_trip(packet: Connect) -> None:
    data = codec.encode_connect(packet)
    assert data[0] == 0x10
    assert codec.decode_connect(body_of(data)) == packet


@given(topic, st.binary(max_size=300), qos, st.booleans(), st.booleans(), packet_id)
def test_publish_round_trip(name: str, payload: bytes, level: int, retain: bool, repeated: bool, number: int) -> None:
    packet = Publish(name, payload, level, retain, repeated and level > 0, number if level else 0)
    data = codec.encode_publish(packet)
    assert codec.decode_publish(data[0] & 0x0F, body_of(data)) == packet


@given(packet_id, st.lists(st.tuples(topic_filter, qos), min_size=1, max_size=5))
def test_subscribe_round_trip(number: int, filters: list[tuple[str, int]]) -> None:
    packet = Subscribe(number, filters)
    data = codec.encode_subscribe(packet)
    assert data[0] == 0x82
    assert codec.decode_subscribe(body_of(data)) == packet


@given(packet_id, st.lists(topic_filter, min_size=1, max_size=5))
def test_unsubscribe_round_trip(number: int, filters: list[str]) -> None:
    packet = Unsubscribe(number, filters)
    data = codec.encode_unsubscribe(packet)
    assert data[0] == 0xA2
    assert codec.decode_unsubscribe(body_of(data)) == packet


@given(st.integers(0, codec.MAX_REMAINING), st.binary(max_size=4))
def test_remaining_length_round_trip(size: int, after: bytes) -> None:
    data = codec.encode_length(size)
    assert codec.decode_length(data + after, 0) == (size, len(data))
    assert codec.decode_length(data[:-1], 0)[0] == -1


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16383, "ff7f"),
        (16384, "808001"),
        (2097151, "ffff7f"),
        (2097152, "80808001"),
        (268435455, "ffffff7f"),
    ],
)
def test_remaining_length_is_that_of_table_2_4(size: int, expected: str) -> None:
    assert codec.encode_length(size).hex() == expected


def test_five_byte_remaining_length_is_refused() -> None:
    with pytest.raises(ProtocolError, match="remaining length"):
        codec.decode_length(b"\xff\xff\xff\xff\x01", 0)


DECODERS: list[Callable[[bytes], Any]] = [
    codec.decode_connect,
    lambda data: codec.decode_publish(0x02, data),
    lambda data: codec.decode_publish(0x00, data),
    codec.decode_packet_id,
    codec.decode_subscribe,
    codec.decode_unsubscribe,
    lambda data: codec.decode_length(data, 0),
]


@given(st.sampled_from(DECODERS), st.binary(max_size=60))
def test_any_bytes_raise_the_protocol_error_or_nothing(decode: Callable[[bytes], Any], data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        decode(data)


@given(connects(), st.data())
def test_damaged_connects_raise_the_protocol_error_or_nothing(packet: Connect, data: st.DataObject) -> None:
    body = bytearray(body_of(codec.encode_connect(packet)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):
        codec.decode_connect(bytes(body))


def test_acknowledgements_are_the_bytes_of_the_standard() -> None:
    kinds = (PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP, PacketType.UNSUBACK)
    numbers = [codec.acknowledgement(kind, 0x0A0B) for kind in kinds]
    assert codec.encode_acknowledgements(numbers).hex(" ", 4) == "40020a0b 50020a0b 62020a0b 70020a0b b0020a0b"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00\x04MQTT\x05\x02\x00\x00\x00\x00", "unacceptable_version"),
        (b"\x00\x04MQTT\x84\x02\x00\x00\x00\x00", "unacceptable_version"),
        (b"\x00\x02hj\x04\x02\x00\x00\x00\x00", "not_mqtt"),
        (b"\x00\x04MQTT\x04\x03\x00\x00\x00\x00", "malformed"),  # reserved flag
        (b"\x00\x04MQTT\x04\x1e\x00\x00\x00\x00", "malformed"),  # will QoS 3
        (b"\x00\x04MQTT\x04\x0a\x00\x00\x00\x00", "malformed"),  # will QoS without a will
        (b"\x00\x04MQTT\x04\x42\x00\x00\x00\x00\x00\x00", "malformed"),  # password without user name
        (b"\x00\x04MQTT\x04\x02\x00\x00\x00\x00tail", "malformed"),
        (b"\x00\x04MQTT\x04\x02\x00\x00\x00\x01\x00", "invalid_utf8"),
        (b"\x00\x04MQTT\x04\x02\x00\x00\x00\x03\xed\xa0\x80", "invalid_utf8"),  # surrogate
    ],
)
def test_wrong_connects_are_told_apart(body: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.decode_connect(body)
    assert caught.value.reason == reason


@pytest.mark.parametrize("topic_filter", ["", "a#", "#/a", "a/#/b", "+a", "a/b+", "a/+b/c", "/".join("a" * 80)])
def test_wrong_filters_are_refused(topic_filter: str) -> None:
    with pytest.raises(ProtocolError):
        codec.decode_subscribe(body_of(codec.encode_subscribe(Subscribe(1, [(topic_filter, 0)]))))


@pytest.mark.parametrize("name", ["", "a/+", "#", "a/#", "+"])
def test_wrong_topics_are_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        codec.decode_publish(0, body_of(codec.encode_publish(Publish(name, b""))))
