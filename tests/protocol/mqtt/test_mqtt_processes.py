"""One listener in several processes: to clients it is one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from millwright.devices.mqtt import MqttListener, codec
from millwright.devices.mqtt.packets import Subscribe, Unsubscribe
from support.mqtt import RawClient, connect_bytes, publish_bytes, until
from support.mqtt5 import Raw5
from support.mqtt_processes import devices_of, running_processes
from support.nats import RunningNats

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
