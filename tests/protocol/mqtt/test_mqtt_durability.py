"""What was acknowledged is stored: with the broker killed, the listener killed, the stream full."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from millwright.devices.intake import INTAKE
from millwright.devices.mqtt import PresenceReport, codec
from millwright.devices.mqtt.journal import JetStreamJournal
from millwright.devices.mqtt.packets import PacketType, Subscribe, Will
from millwright.devices.mqtt.properties import Property
from millwright.engines.nats import NatsConnection
from millwright.kernel import Unavailable
from support.intake import stored_payloads
from support.mqtt import RawClient, connect_bytes, publish_bytes, running_listener, until
from support.mqtt5 import Raw5, publish5_bytes
from support.nats import RunningNats

LISTENER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from support.mqtt import running_listener
async def main():
    async with running_listener(sys.argv[1]) as listener:
        print(listener.port, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Publisher:
    """Publishes numbered QoS 1 messages with a window, and knows which were acknowledged."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix.encode()
        self.sent = 0
        self.acknowledged: set[bytes] = set()

    async def run(self, client: RawClient, stop: asyncio.Event, window: int = 500) -> None:
        unacknowledged: dict[int, bytes] = {}
        while not stop.is_set() or unacknowledged:
            while len(unacknowledged) < window and not stop.is_set():
                self.sent += 1
                packet_id, payload = self.sent % 65535 + 1, b"%b%d" % (self.prefix, self.sent)
                unacknowledged[packet_id] = payload
                client.send(publish_bytes("plant/a", payload, 1, packet_id))
            first, body = await client.packet(timeout_s=20)
            assert first == 0x40
            self.acknowledged.add(unacknowledged.pop(int.from_bytes(body, "big")))


async def test_no_acknowledged_message_is_lost_when_the_broker_is_killed_again_and_again(nats: RunningNats) -> None:
    async with running_listener(nats.url, commit_bytes=16384) as listener:
        clients = [await RawClient.connected(listener.port, f"c{n}", keep_alive_s=0) for n in range(4)]
        publishers, stop = [Publisher(f"{n}:") for n in range(4)], asyncio.Event()
        pairs = list(zip(publishers, clients, strict=True))
        work = [asyncio.create_task(publisher.run(client, stop)) for publisher, client in pairs]

        def acknowledged() -> int:
            return sum(len(publisher.acknowledged) for publisher in publishers)

        for _ in range(3):
            before = acknowledged()
            await until(lambda before=before: acknowledged() > before + 2000, 20)
            await nats.kill()
            await asyncio.sleep(0.2)
            await nats.start()
        before = acknowledged()
        await until(lambda: acknowledged() > before + 2000, 20)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*work), 20)
        for client in clients:
            await client.close()
    stored = await stored_payloads(nats.url)
    for publisher in publishers:
        assert publisher.acknowledged == {b"%b%d" % (publisher.prefix, n) for n in range(1, publisher.sent + 1)}
        assert publisher.acknowledged <= set(stored)
    assert len(stored) == len(set(stored)), "a frame was stored twice"


async def started_listener(nats: RunningNats) -> tuple[asyncio.subprocess.Process, int]:
    support = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LISTENER, nats.url, support, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await asyncio.wait_for(process.stdout.readline(), 20))


async def test_acknowledged_messages_retained_ones_and_sessions_survive_kill_9_of_the_listener(
    nats: RunningNats,
) -> None:
    process, port = await started_listener(nats)
    sleeper = await RawClient.connected(port, "sleeper", clean=False)
    sleeper.send(codec.encode_subscribe(Subscribe(1, [("plant/#", 1), ("v1/devices/me/attributes", 1)])))
    assert await sleeper.packet() == (0x90, b"\x00\x01\x01\x01")
    ended = await RawClient.connected(port, "ended", clean=False)
    ended.send(codec.encode_subscribe(Subscribe(1, [("plant/#", 1)])))
    await ended.packet()
    await ended.close()
    ended = await RawClient.connected(port, "ended", clean=True)
    client, publisher, stop = await RawClient.connected(port, "sender"), Publisher(), asyncio.Event()
    for number, (topic, payload) in enumerate((("state/a", b"old"), ("state/a", b"new"), ("state/b", b"gone")), 1):
        client.send(publish_bytes(topic, payload, 1, number, retain=True))
        assert await client.packet() == (0x40, number.to_bytes(2, "big"))
    client.send(publish_bytes("state/b", b"", 1, 4, retain=True))
    assert await client.packet() == (0x40, b"\x00\x04")
    work = asyncio.create_task(publisher.run(client, stop))
    await until(lambda: len(publisher.acknowledged) > 1000, 20)
    process.kill()
    await process.wait()
    await asyncio.gather(work, return_exceptions=True)
    for one in (sleeper, ended, client):
        await one.close()
    assert publisher.acknowledged <= set(await stored_payloads(nats.url))

    process, port = await started_listener(nats)
    sender = await RawClient.connected(port, "sender")
    sender.send(codec.encode_subscribe(Subscribe(1, [("state/+", 1)])))
    assert await sender.packet() == (0x90, b"\x00\x01\x01")
    first, body = await sender.packet()
    assert (first, body[2:9], body[11:]) == (0x33, b"state/a", b"new")
    assert await sender.silent(0.2)
    sender.send(publish_bytes("plant/x", b"while away", 1, 2))
    assert await sender.packet() == (0x40, b"\x00\x02")
    present = {}
    for name in ("sleeper", "ended"):
        one = await RawClient.open(port, connect_bytes(name, clean=False))
        present[name] = (await one.packet())[1][0]
        if name == "sleeper":
            # What it had not acknowledged before the end comes too: what was in flight and the newest of the queue.
            numbers, payload = [], b""
            while payload != b"while away":
                first, body = await one.packet()
                assert first & 0xF0 == 0x30
                size = 2 + int.from_bytes(body[:2], "big")
                payload = body[size + 2 :]
                one.send(codec.encode_acknowledgements([0x40020000 | int.from_bytes(body[size : size + 2], "big")]))
                if payload.isdigit():
                    numbers.append(int(payload))
            assert len(numbers) > 900
            assert numbers == sorted(set(numbers))
            assert max(publisher.acknowledged, key=int) in {b"%d" % number for number in numbers}
        await one.close()
    assert present == {"sleeper": 1, "ended": 0}
    await sender.close()
    process.kill()
    await process.wait()


async def test_messages_for_a_client_that_is_away_survive_kill_9_of_the_listener(nats: RunningNats) -> None:
    process, port = await started_listener(nats)
    try:
        away = await Raw5.connect(port, "away", session_expiry_s=600)
        assert await away.subscribe(1, ("jobs/#", 2), identifier=9) == [2]
        sender = await Raw5.connect(port, "sender")
        sender.send(publish5_bytes("jobs/1", b"done", 1, 1))
        assert await sender.packet() == (0x40, b"\x00\x01")
        packet, _ = await away.message()
        away.send(codec.encode_acknowledgements([0x40020000 | packet.packet_id]))
        await asyncio.sleep(1.5)  # what it acknowledged is trimmed every second
        await away.close()
        told = [(Property.USER_PROPERTY, ("order", "7")), (Property.MESSAGE_EXPIRY, 500)]
        sender.send(publish5_bytes("jobs/2", b"first", 1, 2, told) + publish5_bytes("jobs/3", b"second", 2, 3))
        assert [await sender.packet() for _ in range(2)] == [(0x40, b"\x00\x02"), (0x50, b"\x00\x03")]
    finally:
        process.kill()
        await process.wait()
    await sender.close()
    process, port = await started_listener(nats)
    try:
        away = await Raw5.connect(port, "away", clean=False, session_expiry_s=600)
        assert away.connack[0]
        first, properties = await away.message()
        assert (first.topic, first.payload, first.qos) == ("jobs/2", b"first", 1)
        assert (properties.user, properties.identifiers) == ([("order", "7")], [9])
        assert properties[Property.MESSAGE_EXPIRY] <= 500
        second, _ = await away.message()
        assert (second.topic, second.payload, second.qos) == ("jobs/3", b"second", 2)
        ended = await Raw5.connect(port, "away", clean=True)  # its messages end with the session
        assert not ended.connack[0]
        await away.close()
        await ended.close()
        bus = NatsConnection(nats.url, "look")
        await bus.start()
        for _ in range(500):
            if not (await bus.state("MQTT_QUEUES")).messages:
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("the journal keeps messages of a session that is over")
        await bus.stop()
    finally:
        process.kill()
        await process.wait()


async def test_full_stream_holds_acknowledgements_and_intake_resumes_by_itself(tmp_path: Path) -> None:
    async with (
        RunningNats(tmp_path / "small", max_store_gb=0.004) as nats,
        running_listener(nats.url, commit_bytes=65536) as listener,
    ):
        client = await RawClient.connected(listener.port, keep_alive_s=1)
        for number in range(1, 201):
            client.send(publish_bytes("plant/a", b"%d" % number + b"." * 40_000, 1, number))
        await until(
            lambda: (
                [p["code"] for p in listener.stats()["problems"]] == ["listener.intake_full"]
                and listener.stats()["gauges"]["reading_paused"] == 1
            ),
            10,
        )
        acknowledged = listener.stats()["counters"]["messages_acked"]
        assert acknowledged < 200
        # The client is silent for longer than its keep-alive allows, but it is not heard: it stays.
        await asyncio.sleep(2)
        assert listener.stats()["gauges"]["connections"] == 1

        historian = NatsConnection(nats.url, "historian")
        await historian.start()
        seen: set[int] = set()
        while len(seen) < 200:
            for message in [m async for m in historian.scan(INTAKE.name)]:
                frame = msgspec.msgpack.decode(message.data)
                seen |= {int(payload.split(b".")[0]) for run in frame[2] for payload in run[4]}
                await historian.trim(INTAKE.name, message.sequence + 1)
            await asyncio.sleep(0.05)
        await historian.stop()
        numbers = [await client.packet(10) for _ in range(200)]
        assert numbers == [(0x40, number.to_bytes(2, "big")) for number in range(1, 201)]
        await until(lambda: listener.stats()["problems"] == [])
        assert listener.stats()["gauges"]["reading_paused"] == 0
        await client.close()


async def test_stop_acknowledges_what_was_taken(nats: RunningNats) -> None:
    async with running_listener(nats.url, commit_delay_ms=500) as listener:
        client = await RawClient.connected(listener.port)
        client.send(publish_bytes("a", b"1", 1, 1) + publish_bytes("a", b"2", 2, 2))
        await until(lambda: listener.messages_in == 2)
    numbers = [codec.acknowledgement(PacketType.PUBACK, 1), codec.acknowledgement(PacketType.PUBREC, 2)]
    assert await client.closed() == codec.encode_acknowledgements(numbers)
    await client.close()
    assert await stored_payloads(nats.url) == [b"1", b"2"]


async def test_presence_is_told_at_once_and_as_a_whole(nats: RunningNats) -> None:
    bus, reports = NatsConnection(nats.url, "historian"), []
    await bus.start()

    async def take(subject: str, data: bytes) -> None:
        assert subject == "presence.listener1"
        reports.append(msgspec.msgpack.decode(data, type=PresenceReport))

    await bus.subscribe("presence.*", take)
    async with running_listener(nats.url) as listener:
        await until(lambda: len(reports) == 1)
        assert (reports[0].snapshot, reports[0].connected) == (True, [])
        start = asyncio.get_running_loop().time()
        first = await RawClient.connected(listener.port, "a", username="device:x")
        second = await RawClient.connected(listener.port, "b", username="device:x")
        await until(lambda: any(report.connected for report in reports))
        assert asyncio.get_running_loop().time() - start < 0.5
        ((device_id, since_ms, last_seen_ms),) = reports[-1].connected
        assert device_id == "x"
        assert 0 <= last_seen_ms - since_ms + 5 < 1000
        await first.close()
        await until(lambda: listener.stats()["gauges"]["connections"] == 1)
        second.send(b"\xe0\x00")
        await until(lambda: any(report.disconnected for report in reports))
        assert [(d, reason) for d, _, reason in reports[-1].disconnected] == [("x", "client")]
        await second.close()
        third = await RawClient.connected(listener.port, "c", username="device:y")
    await until(lambda: reports[-1].snapshot and reports[-1].sequence > 1)
    assert (reports[-1].connected, [d for d, _, _ in reports[-1].disconnected]) == ([], ["y"])
    assert [report.sequence for report in reports] == list(range(1, len(reports) + 1))
    await third.close()
    await bus.stop()


async def test_a_client_that_tries_while_the_broker_is_away_leaves_no_will_behind(
    nats: RunningNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    will = Will("wills/mine", b"gone", 1, False)
    async with running_listener(nats.url, connect_timeout_s=0.2) as listener:
        journal = JetStreamJournal(listener.writer._journal._connection)  # type: ignore[attr-defined]

        async def away(*_: object) -> None:
            raise Unavailable("away", code="engines.nats_unavailable")

        before = len(listener._tasks)
        with monkeypatch.context() as broken:
            broken.setattr(listener.writer._journal, "write", away)
            for _ in range(10):
                client = await RawClient.open(listener.port, connect_bytes("c1", username="device:d1", will=will))
                await client.closed()  # after the time for signing in
                await client.close()
            await until(lambda: len(listener._tasks) <= before)
            assert len(listener.writer._wills) <= 1, "the first is on its way, and is taken back"
        writing = listener.writer._task
        await until(lambda: writing is None or writing.done(), 20)
        assert not list((await journal.load()).wills)
