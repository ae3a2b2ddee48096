"""A session's window, queue and repetition."""

from __future__ import annotations

from millwright.devices.mqtt import codec
from millwright.devices.mqtt.codec import publish_head
from millwright.devices.mqtt.session import Session


class Wire:
    """Takes packets down as (first byte, packet id, payload)."""

    def __init__(self) -> None:
        self.packets: list[tuple[int, int, bytes]] = []
        self.full = False

    def send(self, data: bytes) -> None:
        while data:
            size, start = codec.decode_length(data, 1)
            body, first = data[start : start + size], data[0]
            data = data[start + size :]
            if first >> 4 == 3:
                packet = codec.decode_publish(first & 15, body)
                self.packets.append((first, packet.packet_id, packet.payload))
            else:
                self.packets.append((first, codec.decode_packet_id(body), b""))

    framing = None

    def has_room(self) -> bool:
        return not self.full

    def take(self) -> list[tuple[int, int, bytes]]:
        packets, self.packets = self.packets, []
        return packets


HEAD = publish_head("a/b")


def session(max_inflight: int = 2, max_queued: int = 3, max_queued_bytes: int = 10_000) -> Session:
    return Session(
        "dev", "me", 3600, max_inflight=max_inflight, max_queued=max_queued, max_queued_bytes=max_queued_bytes
    )


def test_window_holds_back_and_acknowledgements_let_go_in_order() -> None:
    one, wire = session(), Wire()
    one.attach(wire)
    for payload in (b"1", b"2", b"3", b"4"):
        one.deliver(HEAD, payload, 1, False)
    assert wire.take() == [(0x32, 1, b"1"), (0x32, 2, b"2")]
    one.on_puback(9)
    assert wire.take() == []
    one.on_puback(1)
    assert wire.take() == [(0x32, 3, b"3")]
    one.on_puback(3)
    one.on_puback(2)
    assert wire.take() == [(0x32, 4, b"4")]


def test_qos_2_exchange_goes_through_release_and_repeats_the_right_half() -> None:
    one, wire = session(), Wire()
    one.attach(wire)
    one.deliver(HEAD, b"1", 2, False)
    one.deliver(HEAD, b"2", 2, True)
    one.on_pubrec(1, wire)
    one.on_puback(2)  # no answer to QoS 2
    assert wire.take() == [(0x34, 1, b"1"), (0x35, 2, b"2"), (0x62, 1, b"")]
    one.detach(wire, 1.0)
    again = Wire()
    one.attach(again)
    assert again.take() == [(0x62, 1, b""), (0x3D, 2, b"2")]
    one.on_pubcomp(2)  # before PUBREC: not over
    one.on_pubcomp(1)
    assert list(one.inflight) == [2]


def test_away_client_keeps_the_newest_and_counts_the_rest() -> None:
    one, wire = session(max_queued=3), Wire()
    for number in range(5):
        one.deliver(HEAD, b"%d" % number, 1, False)
    one.deliver(HEAD, b"qos 0", 0, False)
    assert one.dropped == 2
    one.attach(wire)
    one.on_puback(1)
    assert [payload for _, _, payload in wire.take()] == [b"2", b"3", b"4"]
    assert one.queue is None
    assert one.queued_bytes == 0


def test_queue_is_bounded_in_bytes() -> None:
    one = session(max_queued=1000, max_queued_bytes=500)
    for _ in range(10):
        one.deliver(HEAD, b"x" * 100, 1, False)
    assert one.queue is not None
    assert len(one.queue) == 4
    assert one.dropped == 6


def test_qos_0_to_a_slow_reader_is_dropped_and_counted() -> None:
    one, wire = session(), Wire()
    one.attach(wire)
    wire.full = True
    one.deliver(HEAD, b"x", 0, False)
    assert (wire.packets, one.dropped) == ([], 1)


def test_packet_ids_go_round_and_pass_over_those_in_use() -> None:
    one, wire = session(), Wire()
    one.attach(wire)
    one.next_id = 65534
    one.deliver(HEAD, b"a", 1, False)
    one.deliver(HEAD, b"b", 1, False)
    one.on_puback(65535)
    one.next_id = 65535
    one.deliver(HEAD, b"c", 1, False)
    one.on_puback(1)
    assert [number for _, number, _ in wire.take()] == [65535, 1, 2]


def test_a_stale_connection_does_not_detach_its_successor() -> None:
    one, old, new = session(), Wire(), Wire()
    one.attach(old)
    one.attach(new)
    one.detach(old, 5.0)
    assert one.connection is new
