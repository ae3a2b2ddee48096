"""What was kept for a device that was removed, or is another organisation's now, is delivered to nobody."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import pytest

from millwright.devices.mqtt import JetStreamJournal, MqttListener
from millwright.devices.mqtt.listener import OUT_SUBJECT, OutMessage
from millwright.engines.nats import NatsConnection
from millwright.kernel import Unavailable
from support.mqtt import OpenDoor, RawClient, connect_bytes, running_listener, until
from support.nats import RunningNats


class Registry:
    """The devices that there are."""

    def __init__(self, *device_ids: str) -> None:
        self.there, self.away = set(device_ids), False

    async def registered(self, device_ids: Collection[str]) -> set[str]:
        if self.away:
            raise Unavailable("The records do not answer.", code="engines.records_unavailable")
        return self.there & set(device_ids)


async def leave_much(listener: MqttListener, device: str) -> None:
    """A session that waits for its client with a message in it, and something retained on the device's own topic."""
    client = await RawClient.connected(listener.port, "me", clean=False, username=f"device:{device}@red")
    topic = b"v1/devices/me/rpc/request/+"
    body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
    client.send(bytes([0x82, len(body)]) + body)
    assert (await client.packet())[0] == 0x90
    await client.close()
    key = device, "me"
    await until(lambda: listener.exchange.sessions[key].connection is None)
    for retain in (False, True):
        message = OutMessage(f"$device/{device}/v1/devices/me/rpc/request/1", b"secret of red", 1, retain)
        await listener._on_out(OUT_SUBJECT, msgspec.msgpack.encode(message))
    await until(lambda: len(listener.exchange.sessions[key].queue) == 2)
    assert listener.exchange.retained.find(f"$device/{device}/v1/devices/me/rpc/request/1") is not None


async def kept(nats: RunningNats) -> tuple[int, int, int]:
    """What the journal holds: retained messages, sessions, batches."""
    connection = NatsConnection(nats.url, "who looks")
    await connection.start()
    try:
        found = await JetStreamJournal(connection).load()
        return len(found.retained), len(found.sessions), len(found.batches)
    finally:
        await connection.stop()


async def heard(listener: MqttListener, username: str) -> tuple[bool, bool]:
    """Whether a session was present, and whether anything came though everything of its own is subscribed."""
    client = await RawClient.open(listener.port)
    client.send(connect_bytes("me", clean=False, username=username))
    first, body = await client.packet()
    assert (first, body[1]) == (0x20, 0)
    for topic in (b"v1/devices/me/rpc/request/+", b"v1/devices/me/#"):
        wanted = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
        client.send(bytes([0x82, len(wanted)]) + wanted)
    got = False
    codes = 0
    while codes < 2:
        first, packet = await client.packet()
        codes += first == 0x90
        got = got or b"secret of red" in packet
    got = got or not await client.silent()
    await client.close()
    return bool(body[0] & 1), got


@pytest.mark.parametrize("when", ["running", "away", "stopped"])
async def test_nothing_is_kept_for_a_device_that_was_removed(nats: RunningNats, when: str) -> None:
    registry = Registry("dev_1", "dev_2")
    async with running_listener(nats.url, registered=registry.registered) as listener:
        for device in ("dev_1", "dev_2"):
            await leave_much(listener, device)
        await listener.forget_removed()
        await listener.forget_removed("dev_1")
        assert len(listener.exchange.sessions) == 2, "they are there"
        if when != "stopped":
            registry.there.discard("dev_1")
            registry.away = when == "away"
            await listener.forget_removed("dev_1")
            if when == "away":
                assert len(listener.exchange.sessions) == 2, "nobody knows"
                registry.away = False
                assert listener._unsure
                await listener.forget_removed()
            assert {device for device, _ in listener.exchange.sessions} == {"dev_2"}
            assert len(listener.exchange.retained) == 1
    registry.there.discard("dev_1")
    async with running_listener(nats.url, registered=registry.registered) as listener:
        await until(lambda: {device for device, _ in listener.exchange.sessions} == {"dev_2"})
        assert len(listener.exchange.retained) == 1
    retained, sessions, _ = await kept(nats)
    assert (retained, sessions) == (1, 1)


@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "restarts"])
async def test_a_new_owner_gets_nothing_of_the_former(nats: RunningNats, restart: bool) -> None:
    async with running_listener(nats.url) as listener:
        await leave_much(listener, "dev_1")
        if not restart:
            assert await heard(listener, "device:dev_1@blue") == (False, False)
    async with running_listener(nats.url) as listener:
        assert await heard(listener, "device:dev_1@blue") == (not restart, False)


async def test_the_owner_gets_it_all(nats: RunningNats) -> None:
    async with running_listener(nats.url) as listener:
        await leave_much(listener, "dev_1")
    async with running_listener(nats.url) as listener:
        assert await heard(listener, "device:dev_1@red") == (True, True)


async def test_a_device_that_becomes_somebody_elses_is_let_go(nats: RunningNats) -> None:
    class Door(OpenDoor):
        owner = "red"

        async def authenticate(self, username: str | None, password: bytes | None, client_id: str, peer: str):  # type: ignore[no-untyped-def]
            return await super().authenticate(f"device:dev_1@{self.owner}", password, client_id, peer)

    door = Door()
    async with running_listener(nats.url, door=door) as listener:
        client = await RawClient.connected(listener.port, "me", clean=False)
        await listener.reauthenticate("dev_1")
        assert await client.silent(0.1)
        door.owner = "blue"
        await listener.reauthenticate("dev_1")
        await client.closed()
        await client.close()
        await until(lambda: listener.closed["credential_moved"] == 1)
