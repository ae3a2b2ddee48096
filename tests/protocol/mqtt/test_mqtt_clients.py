"""Clients that were not written here: paho-mqtt, and mosquitto's where installed."""

from __future__ import annotations

import asyncio
import queue
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.intake import FLAG_WILL
from millwright.devices.mqtt import Refusal
from millwright.devices.mqtt.packets import Will
from millwright.engines.nats import NatsConnection
from millwright.kernel import Invalid
from support.intake import stored_payloads, stored_runs
from support.mqtt import OpenDoor, RawClient, hang_up, running_listener, until
from support.nats import RunningNats
from support.ports import free_port
from support.tls import certificate, needs_openssl


class Client:
    """paho with its callbacks turned into waiting."""

    def __init__(self, name: str, *, clean: bool = True, username: str | None = None) -> None:
        self.raw = paho.Client(CallbackAPIVersion.VERSION2, name, clean_session=clean, protocol=paho.MQTTv311)
        if username is not None:
            self.raw.username_pw_set(username)
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.connack: queue.Queue[tuple[int, bool]] = queue.Queue()
        self.granted: queue.Queue[list[int]] = queue.Queue()
        self.lost = threading.Event()
        self.raw.on_message = lambda client, data, message: self.messages.put(message)
        self.raw.on_connect = lambda c, d, flags, reason, properties: self.connack.put(
            (reason.value, flags.session_present)
        )
        self.raw.on_subscribe = lambda c, d, mid, reasons, p: self.granted.put([r.value for r in reasons])
        self.raw.on_disconnect = lambda *_: self.lost.set()

    async def connect(self, port: int, keepalive: int = 60) -> tuple[int, bool]:
        await asyncio.to_thread(self.raw.connect, "127.0.0.1", port, keepalive)
        self.raw.loop_start()
        return await asyncio.to_thread(self.connack.get, timeout=5)

    async def subscribe(self, topic_filter: str, qos: int = 0) -> list[int]:
        self.raw.subscribe(topic_filter, qos)
        return await asyncio.to_thread(self.granted.get, timeout=5)

    async def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        await asyncio.to_thread(self.raw.publish(topic, payload, qos, retain).wait_for_publish, 5)

    async def receive(self) -> tuple[str, bytes, int, bool]:
        message = await asyncio.to_thread(self.messages.get, timeout=5)
        return message.topic, message.payload, message.qos, message.retain

    async def nothing_arrives(self, for_s: float = 0.3) -> bool:
        await asyncio.sleep(for_s)
        return self.messages.empty()

    async def close(self) -> None:
        self.raw.disconnect()
        await asyncio.to_thread(hang_up, self.raw)

    async def vanish(self) -> None:
        """Close the socket without a DISCONNECT."""
        await asyncio.to_thread(hang_up, self.raw)


@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_messages_are_stored_and_delivered_at_each_qos(nats: RunningNats, qos: int) -> None:
    async with running_listener(nats.url) as listener:
        sender, receiver = Client("sender"), Client("receiver")
        await sender.connect(listener.port)
        await receiver.connect(listener.port)
        assert await receiver.subscribe("plant/#", qos) == [qos]
        for number in range(50):
            await sender.publish("plant/a", b"%d" % number, qos)
        received = [await receiver.receive() for _ in range(50)]
        assert received == [("plant/a", b"%d" % number, qos, False) for number in range(50)]
        await sender.close()
        await receiver.close()
    runs = await stored_runs(nats.url)
    assert [payload for run in runs for payload in run.payloads] == [b"%d" % number for number in range(50)]
    assert {(run.device_id, run.topic, run.flags) for run in runs} == {("dev_1", "plant/a", int(qos > 0))}
    assert all(len(run.packet_ids) == (len(run.payloads) if qos else 0) for run in runs)


async def test_retained_message_is_kept_replaced_removed(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        sender = Client("sender")
        await sender.connect(listener.port)
        for payload in (b"1", b"2"):
            await sender.publish("state/a", payload, 1, retain=True)
        late = Client("late")
        await late.connect(listener.port)
        await late.subscribe("state/+", 2)
        assert await late.receive() == ("state/a", b"2", 1, True)
        await sender.publish("state/a", b"3", 1, retain=True)
        assert await late.receive() == ("state/a", b"3", 1, False)
        await sender.publish("state/a", b"", 1, retain=True)
        assert await late.receive() == ("state/a", b"", 1, False)
        later = Client("later")
        await later.connect(listener.port)
        await later.subscribe("state/+", 2)
        assert await later.nothing_arrives()
        for client in (sender, late, later):
            await client.close()


async def test_will_is_published_when_the_connection_breaks_and_not_after_goodbye(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        watcher = Client("watcher")
        await watcher.connect(listener.port)
        await watcher.subscribe("wills/#", 1)
        polite, rude = Client("polite"), Client("rude")
        for client in (polite, rude):
            client.raw.will_set(f"wills/{client.raw._client_id.decode()}", b"gone", 1)
            await client.connect(listener.port)
        await polite.close()
        await rude.vanish()
        assert await watcher.receive() == ("wills/rude", b"gone", 1, False)
        assert await watcher.nothing_arrives()
        await watcher.close()
    assert [(r.topic, r.flags, r.payloads, r.packet_ids) for r in await stored_runs(nats.url)] == [
        ("wills/rude", FLAG_WILL, [b"gone"], [])
    ]


async def test_silent_client_is_dropped_after_one_and_a_half_keep_alives(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        watcher = Client("watcher")
        await watcher.connect(listener.port)
        await watcher.subscribe("wills/#", 1)
        will = Will("wills/silent", b"gone", 1, False)
        silent = await RawClient.connected(listener.port, "silent", keep_alive_s=1, will=will)
        start = asyncio.get_running_loop().time()
        assert await silent.closed() == b""
        assert 1.4 < asyncio.get_running_loop().time() - start < 2.5
        assert await watcher.receive() == ("wills/silent", b"gone", 1, False)
        assert listener.closed["keep_alive"] == 1
        await watcher.close()
        await silent.close()


async def test_persistent_session_keeps_subscriptions_and_queues_while_away(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        sender, sleeper = Client("sender"), Client("sleeper", clean=False)
        await sender.connect(listener.port)
        assert await sleeper.connect(listener.port) == (0, False)
        await sleeper.subscribe("work/#", 1)
        await sleeper.close()
        for qos in (0, 1, 2):
            await sender.publish("work/a", b"%d" % qos, qos)
        again = Client("sleeper", clean=False)
        assert await again.connect(listener.port) == (0, True)
        assert await again.receive() == ("work/a", b"1", 1, False)
        assert await again.receive() == ("work/a", b"2", 1, False)
        assert await again.nothing_arrives()
        await again.close()
        fresh = Client("sleeper", clean=True)
        assert await fresh.connect(listener.port) == (0, False)
        await sender.publish("work/a", b"3", 1)
        assert await fresh.nothing_arrives()
        await fresh.close()
        await sender.close()


async def test_second_connection_takes_the_session_over_but_only_of_its_own_device(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        first, second = Client("same", username="device:a"), Client("same", username="device:a")
        other = Client("same", username="device:b")
        await other.connect(listener.port)
        await first.connect(listener.port)
        first.raw.on_disconnect = lambda *_: (first.lost.set(), first.raw.disconnect())
        await second.connect(listener.port)
        assert await asyncio.to_thread(first.lost.wait, 5)
        await asyncio.to_thread(hang_up, first.raw)
        assert listener.closed["taken_over"] == 1
        await second.publish("a/b", b"still here", 1)
        await other.publish("a/b", b"me too", 1)
        assert not other.lost.is_set()
        await second.close()
        await other.close()


async def test_private_topics_do_not_leak_between_devices_and_are_reached_by_out_messages(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        one, two = Client("c", username="device:one"), Client("c", username="device:two")
        for client in (one, two):
            await client.connect(listener.port)
            await client.subscribe("v1/devices/me/rpc/request/+", 1)
            await client.subscribe("v1/devices/me/attributes", 1)
        await one.publish("v1/devices/me/attributes", b"{}", 1)
        assert await two.nothing_arrives()
        assert await one.nothing_arrives(0)
        out = {"topic": "$device/two/v1/devices/me/rpc/request/7", "payload": b"do", "qos": 1, "retain": False}
        bus = NatsConnection(nats.url, "other role")
        await bus.start()
        await bus.publish("mqtt.out", msgspec.msgpack.encode(out))
        assert await two.receive() == ("v1/devices/me/rpc/request/7", b"do", 1, False)
        await bus.publish("mqtt.out", b"\xc1 not msgpack")
        await bus.publish("mqtt.out", msgspec.msgpack.encode({**out, "topic": "a/#"}))
        assert await one.nothing_arrives()
        await bus.stop()
        await one.close()
        await two.close()


async def test_refusals_carry_the_code_and_are_reported(nats: RunningNats) -> None:
    told: list[tuple[Any, ...]] = []
    door = OpenDoor(
        {"stranger": Refusal(5, "unknown"), "wrong": Refusal(4, "password"), "quiet": Refusal(5, "off", arrival=False)}
    )
    async with running_listener(nats.url, door=door, on_refused=lambda *a: told.append(a)) as listener:
        # paho tells return codes 5, 4 and 3 in MQTT 5's numbers.
        for username, code in (("stranger", 135), ("wrong", 134), ("quiet", 135), ("broken", 136)):
            client = Client("c1", username=username)
            assert await client.connect(listener.port) == (code, False)
            await client.close()
        assert [(username, client_id) for username, client_id, _, _ in told] == [("stranger", "c1"), ("wrong", "c1")]
        assert told[0][2].startswith("127.0.0.1:")
        assert listener.closed["refused_unknown"] == 1


async def test_forbidden_publish_closes_and_forbidden_subscribe_is_answered(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        client = Client("c")
        await client.connect(listener.port)
        assert await client.subscribe("test/nosubscribe") == [0x80]
        client.raw.on_disconnect = lambda *_: (client.lost.set(), client.raw.disconnect())
        client.raw.publish("forbidden/a", b"x", 1)
        assert await asyncio.to_thread(client.lost.wait, 5)
        await asyncio.to_thread(hang_up, client.raw)
        assert listener.closed["not_authorized"] == 1
    assert await stored_payloads(nats.url) == []


@needs_openssl
async def test_tls_with_a_verified_certificate(nats: RunningNats, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, "IP:127.0.0.1")
    tls = {"tls_port": free_port(), "certificate": str(chain), "key": str(key)}
    async with running_listener(nats.url, **tls) as listener:
        client = Client("secure")
        client.raw.tls_set(str(chain), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        await client.connect(listener.tls_port)
        await client.subscribe("a", 1)
        payload = bytes(range(256)) * 1024
        await client.publish("a", payload, 1)
        assert (await client.receive())[1] == payload
        await client.close()
    assert await stored_payloads(nats.url) == [payload]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate and is not installed")
async def test_an_encrypted_key_is_refused_and_no_password_asked_for(nats: RunningNats, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, "DNS:localhost")
    locked = tmp_path / "locked.pem"
    command = ["openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", str(key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(Invalid) as caught:
        async with running_listener(nats.url, tls_port=free_port(), certificate=str(chain), key=str(locked)):
            pass
    assert caught.value.code == "listener.certificate_unusable"


needs_mosquitto = pytest.mark.skipif(
    not (shutil.which("mosquitto_pub") and shutil.which("mosquitto_sub")),
    reason="mosquitto_pub and mosquitto_sub are not installed",
)


@needs_mosquitto
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311"])
async def test_mosquitto_clients(nats: RunningNats, version: str) -> None:
    async with running_listener(nats.url) as listener:
        base = ["-h", "127.0.0.1", "-p", str(listener.port), "-V", version, "-q", "2"]
        reader = await asyncio.create_subprocess_exec(
            "mosquitto_sub", *base, "-i", "reader", "-t", "m/#", "-C", "100", "-v", stdout=asyncio.subprocess.PIPE
        )
        await until(lambda: listener.exchange.subscriptions.count == 1)
        writer = await asyncio.create_subprocess_exec(
            "mosquitto_pub", *base, "-i", "writer", "-t", "m/x", "-l", stdin=asyncio.subprocess.PIPE
        )
        await writer.communicate(b"".join(b"line %d\n" % number for number in range(100)))
        output, _ = await asyncio.wait_for(reader.communicate(), 20)
    assert output.decode().splitlines() == [f"m/x line {number}" for number in range(100)]
    assert writer.returncode == reader.returncode == 0
    assert await stored_payloads(nats.url) == [b"line %d" % number for number in range(100)]
