"""However the bytes of MQTT 5 are cut, a connection reads the same packets; whatever they are, it ends in order."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millwright.devices.mqtt import codec5
from millwright.devices.mqtt.connection import State
from millwright.devices.mqtt.packets import Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.properties import Property
from support.mqtt5 import connect5_bytes, publish5_bytes
from unit.mqtt.test_connection import cut, feed

told = st.lists(
    st.sampled_from(
        [
            (Property.USER_PROPERTY, ("a", "b")),
            (Property.CONTENT_TYPE, "x"),
            (Property.MESSAGE_EXPIRY, 9),
            (Property.CORRELATION_DATA, b"\0" * 200),
        ]
    ),
    max_size=3,
    unique_by=lambda pair: pair[0],
)
messages = st.lists(
    st.tuples(
        st.sampled_from(["a", "a/b", "温度/1", "v1/devices/me/telemetry"]),
        st.one_of(st.binary(max_size=20), st.integers(100, 2000).map(lambda n: b"x" * n)),
        st.integers(0, 2),
        told,
    ),
    max_size=12,
)


@given(messages, st.lists(st.integers(0, 100_000), max_size=8))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_messages_are_the_same_however_the_bytes_are_cut(
    published: list[tuple[str, bytes, int, list[tuple[int, Any]]]], places: list[int]
) -> None:
    data = connect5_bytes()
    for number, (topic, payload, qos, properties) in enumerate(published, 1):
        data += publish5_bytes(topic, payload, qos, number if qos else 0, properties)
    data += b"\xc0\x00"
    connection, _, store, listener = asyncio.run(feed(cut(data, places)))
    assert store.messages == [
        (topic, int(qos > 0), payload, number if qos else 0)
        for number, (topic, payload, qos, _) in enumerate(published, 1)
    ]
    assert connection.state is State.CONNECTED
    assert listener.messages_in == len(published)


fragments = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            publish5_bytes("a", b"1", 1, 1),
            publish5_bytes("a", b"2", 2, 7, [(Property.TOPIC_ALIAS, 1)]),
            publish5_bytes("", b"2", 0, 0, [(Property.TOPIC_ALIAS, 1)]),
            publish5_bytes("forbidden/a", b"2", 1, 8),
            publish5_bytes("a", b"\xff", 1, 9, [(Property.PAYLOAD_FORMAT, 1)]),
            codec5.encode_answer(0x62, 7, 0),
            codec5.encode_answer(0x40, 1, 0x80, "no"),
            codec5.encode_answer(0x50, 1, 0x80),
            b"\x70\x02\x00\x01",
            b"\xc0\x00",
            b"\xe0\x00",
            b"\xe0\x01\x04",
            b"\xf0\x02\x18\x00",
            codec5.encode_subscribe(Subscribe(3, [("a/#", 1), ("$share/g/a", 2)]), 5),
            codec5.encode_unsubscribe(Unsubscribe(4, ["a/#", "b"])),
            b"\x32\x05\x00\x01a\x00\x01",
            b"\x32\x06\x00\x01a\x00\x01\x7f",
            b"\x30\x04\x00\x01a\x05",
            b"\x30\x02\x00\x00",
        ]
    ),
)
connects = st.sampled_from(
    [
        connect5_bytes(),
        connect5_bytes(maximum_packet=20, alias_maximum=3, receive_maximum=1),
        connect5_bytes(will=Will("a", b"w", 2, True, b"", 9, 9), session_expiry_s=5),
        connect5_bytes(authentication_method="X509-SIGNATURE", authentication_data=b"x"),
        b"",
    ]
)


@given(connects, st.lists(fragments, max_size=10), st.lists(st.integers(0, 100_000), max_size=8))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
def test_any_bytes_end_the_connection_in_order_or_are_answered(
    hello: bytes, parts: list[bytes], places: list[int]
) -> None:
    data = hello + b"".join(parts)
    if not data:
        return
    connection, wire, _, listener = asyncio.run(feed(cut(data, places)))
    # Each test has one connection, so exactly one reason was counted, be it that the test hung up in the end.
    assert sum(listener.closed.values()) == 1, listener.closed
    if wire.closed:
        assert connection.state is State.CLOSED


def test_a_message_whose_head_runs_into_the_next_packet_is_malformed() -> None:
    whole = publish5_bytes("abc", b"", 1, 1)
    short = b"\x32\x05\x00\x03abc"
    for rest in (whole, b"\x00" * 20):
        connection, _, store, _ = asyncio.run(feed([connect5_bytes() + whole + short + rest]))
        assert len(store.messages) == 1
        assert connection.state is State.CLOSED


def test_topic_aliases_of_a_connection_are_bounded_in_bytes() -> None:
    def named(alias: int, letter: str) -> bytes:
        return publish5_bytes(letter * 4000, b"", 1, 1, [(Property.TOPIC_ALIAS, alias)])

    four = b"".join(named(alias, "a") for alias in range(1, 5))
    again = b"".join(named(1, letter) for letter in "bcdef")
    for data, ends in ((four + again, 0), (four + named(5, "a"), 1)):
        connection, _, store, listener = asyncio.run(feed([connect5_bytes(), data]))
        assert listener.closed["quota_exceeded"] == ends
        assert (connection.state is State.CLOSED) == bool(ends)
        assert len(store.messages) == (4 if ends else 9)
