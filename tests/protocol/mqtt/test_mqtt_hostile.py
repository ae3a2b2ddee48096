"""Clients that break the rules, flood, stall or lie. Each ends with a counted reason; the others go on."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from millwright.devices.mqtt import JetStreamJournal, Principal, Refusal, codec
from millwright.devices.mqtt.packets import RetainedMessage, Subscribe, Will
from millwright.engines.nats import NatsConnection, find_server
from millwright.kernel import Unsupported
from support.intake import stored_payloads
from support.mqtt import OpenDoor, OpenPrincipal, RawClient, connect_bytes, publish_bytes, running_listener, until
from support.nats import RunningNats

BEFORE_CONNECT = {
    "tls hello": (b"\x16\x03\x01\x02\x00\x01", "not_mqtt"),
    "publish first": (publish_bytes("a", b"x"), "not_mqtt"),
    "wrong name": (b"\x10\x0c\x00\x02hj\x04\x02\x00\x00\x00\x02me", "not_mqtt"),
    "connect flags in header": (b"\x11\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00", "not_mqtt"),
    "huge connect": (b"\x10\xff\xff\xff\x7f", "packet_too_large"),
    "endless length": (b"\x10\xff\xff\xff\xff\xff", "malformed"),
    "field beyond packet": (b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\xff\xff", "malformed"),
}

AFTER_CONNECT = {
    "second connect": (connect_bytes(), "unexpected_packet"),
    "type 0": (b"\x00\x00", "malformed"),
    "type 15": (b"\xf0\x00", "malformed"),
    "server's packet": (b"\x20\x02\x00\x00", "unexpected_packet"),
    "qos 3": (b"\x36\x05\x00\x01a\x00\x01", "malformed"),
    "dup with qos 0": (b"\x38\x04\x00\x01ax", "malformed"),
    "packet id 0": (b"\x32\x05\x00\x01a\x00\x00", "malformed"),
    "no packet id": (b"\x32\x03\x00\x01a", "malformed"),
    "topic beyond packet": (b"\x30\x04\x00\x09ab", "malformed"),
    "publish without topic": (b"\x30\x00", "malformed"),
    "empty topic": (publish_bytes("", b"x"), "invalid_topic"),
    "wildcard topic": (publish_bytes("a/#", b"x"), "invalid_topic"),
    "nul in topic": (publish_bytes("a\0b", b"x"), "invalid_utf8"),
    "bad utf-8 topic": (b"\x30\x04\x00\x02\xff\xfe", "invalid_utf8"),
    "deep topic": (publish_bytes("/" * 100, b"x"), "invalid_topic"),
    "other device's topic": (publish_bytes("$device/dev_2/v1/devices/me/rpc/request/1", b"x"), "not_authorized"),
    "forbidden topic": (publish_bytes("forbidden/x", b"x", 1, 1), "not_authorized"),
    "oversize": (b"\x30\x80\x80\x80\x02", "packet_too_large"),
    "subscribe flags": (b"\x80\x06\x00\x01\x00\x01a\x00", "malformed"),
    "empty subscribe": (b"\x82\x02\x00\x01", "malformed"),
    "subscribe qos 3": (b"\x82\x06\x00\x01\x00\x01a\x03", "malformed"),
    "wrong filter": (codec.encode_subscribe(Subscribe(1, [("a/#/b", 0)])), "invalid_filter"),
    "ping with a body": (b"\xc0\x01x", "unexpected_packet"),
    "puback of 3 bytes": (b"\x40\x03\x00\x01x", "malformed"),
    "pubrel flags": (b"\x60\x02\x00\x01", "malformed"),
}


async def test_broken_rules_close_with_the_reason_counted(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        witness = await RawClient.connected(listener.port, "witness")
        for name, (data, reason) in BEFORE_CONNECT.items():
            before = listener.closed[reason]
            client = await RawClient.open(listener.port, data)
            assert await client.closed() == b"", name
            assert listener.closed[reason] == before + 1, (name, listener.closed)
            await client.close()
        for name, (data, reason) in AFTER_CONNECT.items():
            before = listener.closed[reason]
            client = await RawClient.connected(listener.port, "hostile")
            client.send(data)
            assert await client.closed() == b"", name
            assert listener.closed[reason] == before + 1, (name, listener.closed)
            await client.close()
        witness.send(publish_bytes("a", b"alive", 1, 9))
        assert await witness.packet() == (0x40, b"\x00\x09")
        await witness.close()
    assert await stored_payloads(nats.url) == [b"alive"]


async def test_client_without_id_is_rejected_unless_clean_and_version_is_told(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        for data, code in (
            (connect_bytes("", clean=False), 2),
            (b"\x10\x0c\x00\x04MQTT\x07\x02\x00\x00\x00\x00", 1),
        ):
            client = await RawClient.open(listener.port, data)
            assert await client.closed() == bytes((0x20, 2, 0, code))
            await client.close()
        client = await RawClient.connected(listener.port, "")
        await client.close()


async def test_slow_connect_is_cut_off_and_slow_bytes_are_read(nats: RunningNats) -> None:
    async with running_listener(nats.url, connect_timeout_s=0.4) as listener:
        stalled = await RawClient.open(listener.port, connect_bytes()[:-1])
        trickle = await RawClient.connected(listener.port)
        for byte in publish_bytes("a", b"y" * 200, 1, 3):
            trickle.send(bytes((byte,)))
            await asyncio.sleep(0)
        assert await trickle.packet() == (0x40, b"\x00\x03")
        assert await stalled.closed() == b""
        assert listener.closed["connect_timeout"] == 1
        for client in (stalled, trickle):
            await client.close()
    assert await stored_payloads(nats.url) == [b"y" * 200]


async def test_unauthenticated_connections_of_an_address_are_bounded(nats: RunningNats) -> None:
    async with running_listener(nats.url, max_unauthenticated_per_address=5) as listener:
        waiting = [await RawClient.open(listener.port) for _ in range(5)]
        await until(lambda: listener.stats()["gauges"]["connections_waiting"] == 5)
        sixth = await RawClient.open(listener.port)
        assert await sixth.closed() == b""
        assert listener.closed["too_many_unauthenticated"] == 1
        waiting[0].send(connect_bytes())
        assert (await waiting[0].packet())[0] == 0x20
        seventh = await RawClient.connected(listener.port, "seventh")
        for client in (*waiting, sixth, seventh):
            await client.close()


async def test_connections_are_bounded_and_the_problem_is_told(nats: RunningNats) -> None:
    async with running_listener(nats.url, max_connections=2) as listener:
        first, second = [await RawClient.connected(listener.port, name) for name in "ab"]
        third = await RawClient.open(listener.port)
        assert await third.closed() == b""
        assert [p["code"] for p in listener.stats()["problems"]] == ["listener.connections_full"]
        await first.close()
        await until(lambda: listener.stats()["gauges"]["connections"] == 1)
        again = await RawClient.connected(listener.port, "c")
        for client in (second, third, again):
            await client.close()


@pytest.mark.parametrize("qos", [0, 1])
async def test_subscriber_that_does_not_read_is_bounded(nats: RunningNats, qos: int) -> None:
    options = {"max_outgoing_bytes": 256 * 1024, "max_queued": 50, "max_inflight": 65535 if qos else 64}
    async with running_listener(nats.url, **options) as listener:
        lazy = await RawClient.connected(listener.port, "lazy")
        lazy.send(codec.encode_subscribe(Subscribe(1, [("flood", qos)])))
        assert await lazy.packet() == (0x90, bytes((0, 1, qos)))
        sender = await RawClient.connected(listener.port, "sender")
        for number in range(1, 401):
            sender.send(publish_bytes("flood", b"z" * 50_000, 1, number))
            assert await sender.packet() == (0x40, number.to_bytes(2, "big"))
        stats = listener.stats()
        if qos:
            assert listener.closed["slow_reader"] == 1
        else:
            assert stats["counters"]["messages_dropped"] > 100
            assert stats["gauges"]["connections"] == 2
        for client in (lazy, sender):
            await client.close()


async def test_publisher_that_does_not_read_its_acknowledgements_is_cut_off(nats: RunningNats) -> None:
    async with running_listener(nats.url, max_outgoing_bytes=65536) as listener:
        deaf = await RawClient.connected(listener.port, "deaf", keep_alive_s=0)
        block = b"".join(publish_bytes("a", b"", 1, number) for number in range(1, 20_001))
        for _ in range(100):
            deaf.send(block)
            await asyncio.sleep(0.02)
            if listener.closed["slow_reader"]:
                break
        await until(lambda: listener.closed["slow_reader"] == 1)
        await deaf.close()


async def test_packets_sent_right_behind_connect_wait_for_the_authenticator(nats: RunningNats) -> None:
    async with running_listener(nats.url, door=OpenDoor(delay_s=0.1)) as listener:
        client = await RawClient.open(listener.port, connect_bytes() + publish_bytes("a", b"1", 1, 5) + b"\xc0\x00")
        assert await client.packet() == (0x20, b"\x00\x00")
        assert {await client.packet(), await client.packet()} == {(0xD0, b""), (0x40, b"\x00\x05")}
        early = await RawClient.open(listener.port, connect_bytes("early"))
        await asyncio.sleep(0.02)
        await early.close()
        await client.close()
        await until(lambda: not listener._connections)


async def test_a_blocked_loop_ends_no_client_that_spoke_meanwhile(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await RawClient.connected(listener.port, keep_alive_s=1)
        client.send(b"\xc0\x00")  # PINGREQ
        time.sleep(2)  # the keep-alive has passed, and what was sent is read only now
        assert await client.packet() == (0xD0, b"")
        assert await client.closed() == b""  # and then it falls silent
        assert listener.closed["keep_alive"] == 1
        await client.close()


async def test_a_vanished_peer_is_noticed_by_the_kernel(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await RawClient.connected(listener.port, keep_alive_s=0)
        [connection] = listener._connections
        assert connection._transport is not None
        opened = connection._transport.get_extra_info("socket")
        assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await client.close()


async def test_a_will_is_not_published_where_its_device_may_no_longer(nats: RunningNats) -> None:
    door = MovingDoor()
    async with running_listener(nats.url, door=door) as listener:
        for topic, allowed in (("kept", True), ("lost", False)):
            will = Will(topic, topic.encode(), 1, False)
            client = await RawClient.connected(listener.port, will=will)
            door.principal = ClosedPrincipal() if not allowed else OpenPrincipal()
            await listener.reauthenticate()
            await client.close()
            await until(lambda: not listener.stats()["gauges"]["connections"])
    assert await stored_payloads(nats.url) == [b"kept"]


@dataclass
class ClosedPrincipal(OpenPrincipal):
    def may_publish(self, topic: str) -> bool:
        return False


@dataclass
class MovingDoor(OpenDoor):
    principal: OpenPrincipal = field(default_factory=OpenPrincipal)

    async def authenticate(self, *_: object) -> Principal:
        return self.principal


async def test_who_was_shut_out_while_nobody_could_tell_is_asked_about_again(
    nats: RunningNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millwright.devices.mqtt.connection._ASK_AGAIN_S", 0.05)
    door = OpenDoor()
    async with running_listener(nats.url, door=door) as listener:
        client = await RawClient.connected(listener.port, username="device:x")
        door.refused["device:x"] = Refusal(3, "records_away")
        await listener.reauthenticate("x")
        assert await client.silent(0.2)
        door.refused["device:x"] = Refusal(5, "credential_revoked")
        assert await client.closed() == b""
        assert listener.closed["credential_revoked"] == 1
        await client.close()


async def test_one_device_cannot_take_every_connection_and_session(nats: RunningNats) -> None:
    limits = {"max_connections_per_device": 2, "max_sessions_per_device": 1}
    async with running_listener(nats.url, **limits) as listener:
        kept = await RawClient.connected(listener.port, "a", clean=False)
        more = await RawClient.open(listener.port, connect_bytes("b", clean=False))
        assert await more.packet() == (0x20, b"\x00\x03")
        again = await RawClient.connected(listener.port, "a", clean=False)
        assert await kept.closed() == b""
        second = await RawClient.connected(listener.port, "c")
        third = await RawClient.open(listener.port, connect_bytes("d"))
        assert await third.packet() == (0x20, b"\x00\x03")
        takes_over = await RawClient.connected(listener.port, "c")
        other = await RawClient.connected(listener.port, "a", username="device:other", clean=False)
        assert listener.closed["device_connections_full"] == listener.closed["sessions_full"] == 1
        ended = await RawClient.connected(listener.port, "a")  # a clean start ends the persistent session
        await takes_over.close()
        await until(lambda: listener.stats()["gauges"]["connections"] == 2)
        fourth = await RawClient.connected(listener.port, "b", clean=False)
        for client in (kept, more, again, second, third, other, ended, fourth):
            await client.close()


async def test_filters_too_long_to_be_kept_are_refused(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = await RawClient.connected(listener.port, clean=False)
        codes = []
        for number in range(4):
            client.send(codec.encode_subscribe(Subscribe(1, [(f"{number}".rjust(60_000, "x"), 1)])))
            codes.append((await client.packet())[1][2])
        assert codes == [1, 1, 0x80, 0x80]
        await client.close()


async def test_what_the_journal_can_never_keep_holds_up_nothing_else(nats: RunningNats) -> None:
    connection = NatsConnection(nats.url, "test")
    await connection.start()
    try:
        journal = JetStreamJournal(connection)
        await journal.load()
        large = RetainedMessage("large", bytes(connection.max_payload), 1)
        await journal.write({"large": large, "small": RetainedMessage("small", b"x", 1)}, {})
        retained = (await journal.load()).retained
        assert [message.topic for message in retained] == ["small"]
    finally:
        await connection.stop()


async def test_a_broker_for_small_messages_is_refused_at_the_start(tmp_path: Path) -> None:
    running = RunningNats(tmp_path / "nats")
    _, _, config = running.server.command()
    Path(config).write_text(Path(config).read_text().replace("max_payload: 8MB", "max_payload: 1MB"))
    process = await asyncio.create_subprocess_exec(find_server(), "--config", config, stderr=subprocess.DEVNULL)
    try:
        with pytest.raises(Unsupported) as caught:
            async with running_listener(running.url):
                pass
        assert caught.value.code == "listener.broker_message_size"
    finally:
        process.kill()
        await process.wait()


async def test_disabled_device_is_disconnected_and_moved_permissions_are_taken_up(nats: RunningNats) -> None:
    door = OpenDoor()
    async with running_listener(nats.url, door=door) as listener:
        one = await RawClient.connected(listener.port, "a", username="device:x")
        two = await RawClient.connected(listener.port, "b", username="device:x")
        other = await RawClient.connected(listener.port, "a", username="device:y")
        assert listener.revisions() == {"x": 1, "y": 1}
        assert listener.disconnect("x", "device_disabled") == 2
        assert await one.closed() == await two.closed() == b""
        await listener.reauthenticate("y")
        assert await other.silent(0.1)
        door.refused["device:y"] = Refusal(5, "credential_revoked")
        await listener.reauthenticate("x")
        assert await other.silent(0.1)
        await listener.reauthenticate("y")
        assert await other.closed() == b""
        assert listener.closed["device_disabled"] == 2
        assert listener.closed["credential_revoked"] == 1
        for client in (one, two, other):
            await client.close()
