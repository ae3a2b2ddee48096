"""One listener in several processes: to clients it is one."""

from __future__ import annotations

import asyncio
import queue
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.mqtt import MqttListener, OutMessage, codec, codec5
from millwright.devices.mqtt.codec5 import Authentication
from millwright.devices.mqtt.packets import Subscribe, Unsubscribe, Will
from millwright.devices.mqtt.properties import Property
from millwright.devices.mqtt.shards import wire
from millwright.devices.mqtt.signatures import signed_text
from millwright.engines.nats import NatsConnection
from support.intake import stored_payloads
from support.mqtt import RawClient, connect_bytes, hang_up, publish_bytes, until
from support.mqtt5 import Raw5, connect5_bytes, told_in
from support.mqtt_processes import KnownCertificate, devices_of, running_process, running_processes, self_signed
from support.nats import RunningNats
from support.ports import free_port
from support.tls import certificate, needs_openssl

# A connection that is on its way between two processes when both stop is closed by the loop's end, which tells of it.
pytestmark = [
    pytest.mark.alone,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

FIRST, SECOND = devices_of(1), devices_of(2)


def connections(listener: MqttListener) -> int:
    return int(listener.stats()["gauges"]["connections"])


def counted(listeners: list[MqttListener], name: str) -> int:
    return sum(listener.stats()["counters"].get(name, 0) for listener in listeners)


async def subscribed(port: int, device: str, *filters: tuple[str, int], clean: bool = True) -> RawClient:
    client = await RawClient.connected(port, "s", username=f"device:{device}", clean=clean)
    client.send(codec.encode_subscribe(Subscribe(1, list(filters))))
    assert await client.packet() == (0x90, b"\x00\x01" + bytes(qos for _, qos in filters))
    return client


async def published(client: RawClient, topic: str, payload: bytes, packet_id: int, *, retain: bool = False) -> None:
    client.send(publish_bytes(topic, payload, 1, packet_id, retain=retain))
    assert await client.packet() == (0x40, packet_id.to_bytes(2, "big"))


async def received(client: RawClient) -> bytes:
    """The payload of the next message, which is acknowledged."""
    first, body = await client.packet()
    assert first & 0xF0 == 0x30, hex(first)
    size = 2 + int.from_bytes(body[:2], "big")
    if not first & 0x06:
        return body[size:]
    client.send(codec.encode_acknowledgements([0x40020000 | int.from_bytes(body[size : size + 2], "big")]))
    return body[size + 2 :]


async def test_every_device_is_served_where_it_belongs_wherever_it_was_accepted(
    nats: RunningNats, tmp_path: Path
) -> None:
    async with running_processes(nats.url, tmp_path) as (first, second):
        clients = []
        for _ in range(40):  # the system chooses who accepts
            for device in (*FIRST, *SECOND):
                clients.append(await RawClient.connected(first.port, f"c{len(clients)}", username=f"device:{device}"))
        assert (connections(first), connections(second)) == (160, 160)
        passed, taken = counted([first, second], "handed_over"), counted([first, second], "taken_in")
        assert 0 < passed == taken < 320
        assert counted([first, second], "connections_accepted") == 320
        for client in clients:
            client.send(b"\xc0\x00")
        assert [await client.packet() for client in clients] == [(0xD0, b"")] * 320
        for client in clients:
            await client.close()
        await until(lambda: not connections(first) + connections(second))
        assert counted([first, second], "closed_connection_lost") == 320


async def test_a_client_id_has_one_connection_and_its_session_stays(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path) as (first, second):
        login = {"username": f"device:{SECOND[0]}", "clean": False, "session_expiry_s": 600}
        client = await Raw5.connect(first.port, "same", **login)
        assert await client.subscribe(1, ("plant/#", 1)) == [1]
        sender = await RawClient.connected(first.port, username=f"device:{FIRST[0]}")
        for round_ in range(1, 9):
            following = await Raw5.connect(first.port, "same", **login)
            assert following.connack[0] & 1, "the session is not there"
            left = await client.closed()
            assert left[:3] == b"\xe0" + left[1:2] + b"\x8e", "it was not told that another took over"
            await client.close()
            client = following
            await published(sender, "plant/a", b"%d" % round_, round_)
            message, _ = await client.message()
            assert message.payload == b"%d" % round_
            client.send(codec.encode_acknowledgements([0x40020000 | message.packet_id]))
        # Several at one instant: one is left, whoever accepted it.
        rivals = await asyncio.gather(
            *(
                RawClient.open(first.port, connect_bytes("same", username=login["username"], clean=False))
                for _ in range(16)
            )
        )
        await until(lambda: second.closed["taken_over"] == 8 + 16)
        assert (connections(first), connections(second)) == (1, 1)
        await published(sender, "plant/a", b"last", 20)
        await until(lambda: second.exchange.messages_out == 9)
        for rival in rivals:
            await rival.close()
        await client.close()
        await sender.close()


async def test_messages_go_from_device_to_device_in_order(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path, 3) as listeners:
        port = listeners[0].port
        names = [devices_of(number, 3)[0] for number in (1, 2, 3)]
        takers = [await subscribed(port, name, ("plant/+/x", 1), ("line/#", 0)) for name in names]
        senders = [await RawClient.connected(port, "p", username=f"device:{name}") for name in names]
        for sender, name in zip(senders, names, strict=True):
            for number in range(1, 51):
                sender.send(publish_bytes(f"plant/{name}/x", b"%b:%d" % (name.encode(), number), 1, number))
            assert [await sender.packet() for _ in range(50)] == [(0x40, n.to_bytes(2, "big")) for n in range(1, 51)]
        for taker in takers:
            got = [await received(taker) for _ in range(150)]
            for name in names:
                mine = [payload for payload in got if payload.startswith(name.encode() + b":")]
                assert mine == [b"%b:%d" % (name.encode(), number) for number in range(1, 51)]
        senders[0].send(publish_bytes("line/q0", b"once"))
        for taker in takers:
            assert await received(taker) == b"once"
            assert await taker.silent(0.1)
        takers[1].send(codec.encode_unsubscribe(Unsubscribe(7, ["line/#"])))
        assert await takers[1].packet() == (0xB0, b"\x00\x07")
        senders[0].send(publish_bytes("line/q0", b"twice"))
        assert [await received(takers[0]), await received(takers[2])] == [b"twice", b"twice"]
        assert await takers[1].silent(0.1)
        for client in (*takers, *senders):
            await client.close()


async def test_retained_messages_are_the_same_everywhere(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path) as (first, second):
        one = await RawClient.connected(first.port, "p", username=f"device:{FIRST[0]}")
        two = await RawClient.connected(first.port, "p", username=f"device:{SECOND[0]}")
        for number in range(1, 31):  # both on the same topics, at the same time
            for client, name in ((one, b"one"), (two, b"two")):
                client.send(publish_bytes(f"state/{number % 3}", b"%b %d" % (name, number), 1, number, retain=True))
        for client in (one, two):
            assert [await client.packet() for _ in range(30)] == [(0x40, n.to_bytes(2, "big")) for n in range(1, 31)]
        kept = []
        for listener in (first, second):
            retained = listener.exchange.retained
            kept.append({topic: found.payload for n in range(3) if (found := retained.find(topic := f"state/{n}"))})
        assert kept[0] == kept[1]
        assert set(kept[0]) == {"state/0", "state/1", "state/2"}
        await published(one, "state/0", b"", 99, retain=True)
        late = await subscribed(first.port, SECOND[1], ("state/#", 1))
        assert {await received(late), await received(late)} == {kept[0]["state/1"], kept[0]["state/2"]}
        assert await late.silent(0.1)
        for client in (one, two, late):
            await client.close()
    async with running_processes(nats.url, tmp_path) as (first, second):  # and after a start
        for listener in (first, second):
            retained = listener.exchange.retained
            assert {t: m.payload for n in range(3) if (m := retained.find(t := f"state/{n}"))} == {
                "state/1": kept[0]["state/1"],
                "state/2": kept[0]["state/2"],
            }


async def test_of_those_that_share_a_subscription_one_gets_each_message(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path) as (first, _second):
        sharing = []
        for name in ("a", "b", "c"):
            client = await Raw5.connect(first.port, name, username=f"device:{SECOND[0]}")
            assert await client.subscribe(1, ("$share/line/jobs/#", 1)) == [1]
            sharing.append(client)
        sender = await RawClient.connected(first.port, username=f"device:{FIRST[0]}")
        for number in range(1, 31):
            await published(sender, "jobs/x", b"%d" % number, number)
        got = [[(await client.message())[0].payload for _ in range(10)] for client in sharing]
        assert sorted(int(payload) for each in got for payload in each) == list(range(1, 31))
        for client in (*sharing, sender):
            await client.close()


async def test_a_qos_2_message_is_taken_once_over_a_broken_connection(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path) as (first, _second):
        taker = await subscribed(first.port, FIRST[0], ("plant/#", 1))
        login = {"username": f"device:{SECOND[0]}", "clean": False}
        for packet_id in range(1, 9):
            client = await RawClient.connected(first.port, "twice", **login)
            client.send(publish_bytes("plant/a", b"%d" % packet_id, 2, packet_id))
            assert await client.packet() == (0x50, packet_id.to_bytes(2, "big"))
            await client.close()
            client = await RawClient.connected(first.port, "twice", **login)
            client.send(publish_bytes("plant/a", b"%d" % packet_id, 2, packet_id, duplicate=True))
            assert await client.packet() == (0x50, packet_id.to_bytes(2, "big"))
            client.send(b"\x62\x02" + packet_id.to_bytes(2, "big"))
            assert await client.packet() == (0x70, packet_id.to_bytes(2, "big"))
            await client.close()
        assert [await received(taker) for _ in range(8)] == [b"%d" % n for n in range(1, 9)]
        assert await taker.silent(0.1)
        await taker.close()
    assert await stored_payloads(nats.url) == [b"%d" % n for n in range(1, 9)]


async def test_messages_of_other_roles_reach_a_device_once_and_are_retained_everywhere(
    nats: RunningNats, tmp_path: Path
) -> None:
    bus = NatsConnection(nats.url, "web")
    await bus.start()
    async with running_processes(nats.url, tmp_path) as listeners:
        takers = [await subscribed(listeners[0].port, name, ("spBv1.0/#", 1)) for name in (FIRST[0], SECOND[0])]
        private = await subscribed(listeners[0].port, SECOND[1], ("v1/devices/me/#", 1))
        state = OutMessage("spBv1.0/STATE/host", b"online", 1, True)
        await bus.publish("mqtt.out", msgspec.msgpack.encode(state))
        own = OutMessage(f"$device/{SECOND[1]}/v1/devices/me/attributes", b"yours", 1)
        await bus.publish("mqtt.out", msgspec.msgpack.encode(own))
        for taker, payload in ((takers[0], b"online"), (takers[1], b"online"), (private, b"yours")):
            assert await received(taker) == payload
            assert await taker.silent(0.1)
        await until(lambda: all(each.exchange.retained.find("spBv1.0/STATE/host") for each in listeners))
        for client in (*takers, private):
            await client.close()
    await bus.stop()


async def test_limits_hold_over_all_processes(nats: RunningNats, tmp_path: Path) -> None:
    limits = {"max_unauthenticated_per_address": 20, "max_connections_per_device": 3, "connect_timeout_s": 60}
    async with running_processes(nats.url, tmp_path, **limits) as listeners:
        port = listeners[0].port

        async def refused(client: RawClient) -> bool:
            try:
                return await client.closed(1.5) == b""
            except TimeoutError:
                return False

        silent = []
        for _ in range(24):
            silent.append(await RawClient.open(port))
            await asyncio.sleep(0.3 if len(silent) == 19 else 0)  # the others hear of it a few times a second
            if len(silent) == 19:
                assert sum(each.stats()["gauges"]["connections_waiting"] for each in listeners) == 19
        assert sum(await asyncio.gather(*(refused(client) for client in silent))) in range(1, 5)
        assert counted(listeners, "closed_too_many_unauthenticated") in range(1, 5)
        for client in silent:
            await client.close()
        await until(lambda: not any(each.stats()["gauges"]["connections_waiting"] for each in listeners))
        await asyncio.sleep(0.6)
        known = [await RawClient.connected(port, f"k{n}", username=f"device:{SECOND[0]}") for n in range(3)]
        further = await RawClient.open(port, connect_bytes("k3", username=f"device:{SECOND[0]}"))
        assert await further.packet() == (0x20, b"\x00\x03")
        for client in (*known, further):
            await client.close()


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
@pytest.mark.parametrize("secured", [False, pytest.param(True, marks=needs_openssl)])
async def test_paho_is_served_by_either_process_over_every_way_in(
    nats: RunningNats, tmp_path: Path, transport: Any, secured: bool
) -> None:
    settings: dict[str, Any] = {}
    if secured:
        chain, key = certificate(tmp_path, "IP:127.0.0.1")
        settings = {"tls_port": free_port(), "certificate": str(chain), "key": str(key)}
    async with running_processes(nats.url, tmp_path, **settings) as listeners:
        port = listeners[0].tls_port if secured else listeners[0].port
        payload = b"x" * 300_000
        loop = asyncio.get_running_loop()
        taker = await subscribed(listeners[0].port, FIRST[0], ("plant/#", 1))
        for number in range(12):  # the system chooses who accepts
            messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
            client = paho.Client(CallbackAPIVersion.VERSION2, "p", protocol=paho.MQTTv5, transport=transport)
            client.username_pw_set(f"device:{SECOND[0]}", "")
            if secured:
                client.tls_set(str(chain))
            subscribed_to = asyncio.Event()
            client.on_message = lambda c, d, message, found=messages: found.put(message)
            client.on_subscribe = lambda *_, seen=subscribed_to: loop.call_soon_threadsafe(seen.set)
            client.on_connect = lambda c, *_: c.subscribe("plant/#", 2)
            await asyncio.to_thread(client.connect, "127.0.0.1", port)
            client.loop_start()
            await asyncio.wait_for(subscribed_to.wait(), 10)
            client.publish("plant/a", b"%d" % number + payload, 2)
            found = await asyncio.to_thread(messages.get, timeout=10)
            assert found.payload == b"%d" % number + payload
            assert (await received(taker))[:2] == (b"%d" % number + payload)[:2]
            client.disconnect()
            await asyncio.to_thread(hang_up, client)
        assert counted(listeners, "handed_over") > 0
        await until(lambda: not any(listener.stats()["gauges"]["relays"] for listener in listeners))
        await until(lambda: connections(listeners[1]) == 0)
        # paho may close the socket before its farewell has gone through the relay.
        assert sum(listeners[1].closed.values()) == 12
        assert set(listeners[1].closed) <= {"client", "connection_lost"}
        await taker.close()


async def test_a_signature_that_one_process_verified_holds_in_the_other(nats: RunningNats, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    shown = self_signed(key)
    der, digest = shown.public_bytes(serialization.Encoding.DER), shown.fingerprint(hashes.SHA256())
    door = KnownCertificate(digest, SECOND[0])

    async def answered(client: Raw5) -> None:
        first, body = await client.packet()
        assert (first, body[0]) == (0xF0, 0x18)
        text = signed_text(told_in(body, 1)[Property.AUTHENTICATION_DATA], "press")
        signature = key.sign(text, ec.ECDSA(hashes.SHA256()))
        client.send(codec5.encode_auth(Authentication(0x18, "X509-SIGNATURE", signature)))

    async with running_processes(nats.url, tmp_path, door=door, certificates=door) as (first, second):
        for _ in range(12):
            connect = connect5_bytes(
                "press", authentication_method="X509-SIGNATURE", authentication_data=der, session_expiry_s=60
            )
            client = Raw5(*(await RawClient.open(first.port, connect)).ends())
            await answered(client)
            assert (await client.packet())[1][1] == 0
            assert list(second.revisions()) == [SECOND[0]]
            client.send(codec5.encode_auth(Authentication(0x19, "X509-SIGNATURE")))  # and it may be looked at anew
            await answered(client)
            assert (await client.packet())[1][0] == 0
            await client.close()
        assert counted([first, second], "handed_over") > 0


async def test_a_connect_larger_than_goes_with_a_socket(nats: RunningNats, tmp_path: Path) -> None:
    async with running_processes(nats.url, tmp_path) as (first, second):
        taker = await subscribed(first.port, FIRST[0], ("wills/#", 1))
        for number in range(8):
            will = Will("wills/a", b"%d" % number + b"." * 60_000, 1, False)
            client = await RawClient.connected(first.port, "w", username=f"device:{SECOND[0]}", will=will)
            await client.close()
            assert (await received(taker))[:2] == b"%d." % number
        assert counted([first, second], "handed_over") > 0
        await taker.close()


async def test_who_belongs_to_a_process_that_is_not_there_waits_at_the_door(nats: RunningNats, tmp_path: Path) -> None:
    port = free_port()

    def one(number: int) -> Any:
        return running_process(nats.url, tmp_path, number, 2, port=port)

    async with one(1) as first:
        waiting = await RawClient.open(port, connect_bytes("w", username=f"device:{SECOND[0]}"))
        gone = await RawClient.open(port, connect_bytes("g", username=f"device:{SECOND[0]}"))
        own = await RawClient.connected(port, "o", username=f"device:{FIRST[0]}")
        assert await waiting.silent(0.3)
        await gone.close()
        async with one(2) as second:
            assert await waiting.packet() == (0x20, b"\x00\x00")
            await until(lambda: (connections(first), connections(second)) == (1, 1))
            for client in (waiting, own):
                await client.close()


async def test_more_filters_than_a_message_holds_are_told_in_parts(
    nats: RunningNats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "_MOST_BYTES", 1000)
    monkeypatch.setattr(wire, "_MOST_PART", 200)
    port = free_port()

    def one(number: int) -> Any:
        return running_process(nats.url, tmp_path, number, 2, port=port)

    topics = [f"plant/{number:03}/{'x' * 40}" for number in range(50)]
    async with one(1) as _:
        listening = await subscribed(port, FIRST[0], *((topic, 1) for topic in topics))
        async with asyncio.timeout(30), one(2) as _:
            sending = await RawClient.connected(port, "p", username=f"device:{SECOND[0]}")
            for number, topic in enumerate(topics):
                await published(sending, topic, b"%d" % number, number + 1)
                assert await received(listening) == b"%d" % number
            await sending.close()
            await listening.close()
