"""However the bytes are cut, a connection reads the same packets; whatever they are, it ends in order."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millwright.devices.intake import decode_frame
from millwright.devices.mqtt import MqttListener, MqttSettings, VolatileJournal, codec
from millwright.devices.mqtt.connection import Connection, State
from millwright.devices.mqtt.packets import Subscribe
from millwright.kernel import Bus, SystemClock
from support.bus import LocalBus
from support.mqtt import OpenDoor, connect_bytes, publish_bytes, until


class Store:
    """An intake in memory."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int, bytes, int]] = []
        self.largest = 0

    async def commit(self, frame: bytes, message_id: str) -> None:
        self.largest = max(self.largest, len(frame))
        for run in decode_frame(frame).runs:
            packet_ids = run.packet_ids or [0] * len(run.payloads)
            self.messages += [
                (run.topic, run.flags, payload, packet_id)
                for payload, packet_id in zip(run.payloads, packet_ids, strict=True)
            ]


class Wire(asyncio.Transport):
    """The far end of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False
        self.reads = True

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    abort = close

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


async def feed(chunks: list[bytes]) -> tuple[Connection, Wire, Store, MqttListener]:
    """One connection of a listener without ports that reads ``chunks``."""
    store = Store()
    listener = MqttListener(
        MqttSettings(max_packet_bytes=16384),
        OpenDoor(),
        store,
        VolatileJournal(),
        cast(Bus, None),
        SystemClock(),
        listener_id="l1",
    )
    listener.loop = asyncio.get_running_loop()
    connection, wire = Connection(listener), Wire()
    connection.connection_made(wire)
    for chunk in chunks:
        connection.data_received(chunk)
        if connection.state is State.AUTHENTICATING:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await listener.committer.drain(2)
    sent_on, state = wire.sent, connection.state
    connection.connection_lost(None)
    assert listener.stats()["gauges"]["connections_waiting"] == 0
    wire.sent = sent_on
    connection.state = state
    return connection, wire, store, listener


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(data) for place in places} - {0}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


messages = st.lists(
    st.tuples(
        st.sampled_from(["a", "a/b", "温度/1", "v1/devices/me/telemetry"]),
        st.one_of(st.binary(max_size=20), st.integers(100, 2000).map(lambda n: b"x" * n)),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=12,
)


@given(messages, st.lists(st.integers(0, 100_000), max_size=8))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_packets_are_the_same_however_the_bytes_are_cut(
    published: list[tuple[str, bytes, int, bool]], places: list[int]
) -> None:
    data = connect_bytes()
    for number, (topic, payload, qos, retain) in enumerate(published, 1):
        data += publish_bytes(topic, payload, qos, number if qos else 0, retain=retain)
    data += b"\xc0\x00"
    connection, wire, store, listener = asyncio.run(feed(cut(data, places)))
    assert store.messages == [
        (topic, (1 if qos else 0) | (4 if retain else 0), payload, number if qos else 0)
        for number, (topic, payload, qos, retain) in enumerate(published, 1)
    ]
    answers = wire.sent.replace(b"\xd0\x00", b"", 1)
    expected = [(0x40 if qos == 1 else 0x50, number) for number, (_, _, qos, _) in enumerate(published, 1) if qos]
    assert answers[:4] == b"\x20\x02\x00\x00"
    got = [(answers[i], answers[i + 2] << 8 | answers[i + 3]) for i in range(4, len(answers), 4)]
    for kind in (0x40, 0x50):
        assert [n for k, n in got if k == kind] == [n for k, n in expected if k == kind]
    assert connection.state is State.CONNECTED
    assert listener.messages_in == len(published)


fragments = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            publish_bytes("a", b"1", 1, 1),
            publish_bytes("a", b"2", 2, 7),
            publish_bytes("a", b"2", 0),
            b"\x62\x02\x00\x07",
            b"\xc0\x00",
            b"\xe0\x00",
            b"\x40\x02\x00\x01",
            codec.encode_subscribe(Subscribe(3, [("a/#", 1)])),
            b"\x30\xff\xff\xff\x7f",
            b"\x32\x02\x00\x00",
            b"\x36\x05\x00\x01a\x00\x01",
        ]
    ),
)


@given(st.booleans(), st.lists(fragments, max_size=10), st.lists(st.integers(0, 100_000), max_size=8))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
def test_any_bytes_end_the_connection_in_order_or_are_answered(
    signed_in: bool, parts: list[bytes], places: list[int]
) -> None:
    data = (connect_bytes() if signed_in else b"") + b"".join(parts)
    if not data:
        return
    connection, wire, _, listener = asyncio.run(feed(cut(data, places)))
    assert wire.closed == (connection.state is State.CLOSED)
    if wire.closed:
        # Each test has one connection, so exactly one reason was counted.
        assert sum(listener.closed.values()) == 1, listener.closed


def test_long_topics_are_not_kept_in_the_caches() -> None:
    topics = [f"{number}".rjust(5_000, "x") for number in range(3)]
    data = connect_bytes() + b"".join(publish_bytes(topic, b"x") for topic in [*topics, "short"])
    _, _, store, listener = asyncio.run(feed([data]))
    assert [message[0] for message in store.messages] == [*topics, "short"]
    assert list(listener.exchange.subscriptions._cache) == ["short"]


async def test_a_listener_that_stops_reads_no_more() -> None:
    listener = MqttListener(
        MqttSettings(),
        OpenDoor(),
        Store(),
        VolatileJournal(),
        LocalBus(),
        SystemClock(),
        listener_id="l1",
    )
    listener.loop = asyncio.get_running_loop()
    connection, wire = Connection(listener), Wire()
    connection.connection_made(wire)
    connection.data_received(connect_bytes())
    await until(lambda: connection.state is State.CONNECTED)
    listener._on_pressure(True)
    listener._on_pressure(False)
    assert wire.reads
    stopping = asyncio.create_task(listener.stop())
    await asyncio.sleep(0)
    assert not wire.reads
    listener._on_pressure(False)
    assert not wire.reads
    await stopping
    assert wire.closed


def test_a_repeated_qos_2_message_is_taken_once() -> None:
    data = connect_bytes() + publish_bytes("a", b"1", 2, 7) + publish_bytes("a", b"1", 2, 7, duplicate=True)
    _, wire, store, _ = asyncio.run(feed([data]))
    assert store.messages == [("a", 1, b"1", 7)]
    assert wire.sent[4:] == b"\x50\x02\x00\x07"


def test_what_came_before_a_broken_packet_and_before_a_goodbye_is_stored() -> None:
    for last in (b"\x36\x05\x00\x01a\x00\x01", b"\xe0\x00", b"\x00\x00"):
        data = connect_bytes() + publish_bytes("a", b"1", 1, 1) + publish_bytes("b", b"2") + last
        connection, _, store, _ = asyncio.run(feed([data]))
        assert [message[2] for message in store.messages] == [b"1", b"2"]
        assert connection.state is State.CLOSED


def test_many_small_runs_in_one_read_do_not_make_an_oversized_frame() -> None:
    number = 40_000
    data = b"".join(publish_bytes("a" if i % 2 else "b", b"", 1, i) for i in range(1, number + 1))
    _, wire, store, _ = asyncio.run(feed([connect_bytes(), data]))
    assert len(store.messages) == number
    assert store.largest <= 1024 * 1024
    assert len(wire.sent) == 4 + 4 * number


def test_a_qos_2_message_in_flight_is_answered_on_the_connection_that_repeats_it() -> None:
    async def run() -> tuple[bytes, bytes, int]:
        first, _wire, store, listener = await feed([connect_bytes("me", clean=False)])
        first.state = State.CLOSED
        older, newer = (Connection(listener) for _ in range(2))
        wires = [Wire(), Wire()]
        for connection, far, repeated in ((older, wires[0], False), (newer, wires[1], True)):
            connection.connection_made(far)
            connection.data_received(connect_bytes("me", clean=False))
            await asyncio.sleep(0)
            connection.data_received(publish_bytes("a", b"1", 2, 7, duplicate=repeated))
        await asyncio.sleep(0.05)
        assert await listener.committer.drain(2)
        newer.connection_lost(None)
        older.connection_lost(None)
        return wires[0].sent, wires[1].sent, len(store.messages)

    assert asyncio.run(run()) == (b"\x20\x02\x01\x00", b"\x20\x02\x01\x00\x50\x02\x00\x07", 1)
