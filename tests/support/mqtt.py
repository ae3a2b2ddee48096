"""A real listener on free ports, an authenticator that lets everybody in, and a client that speaks raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho

from millwright.devices.mqtt import (
    JetStreamIntake,
    JetStreamJournal,
    MqttListener,
    MqttSettings,
    Principal,
    Refusal,
)
from millwright.devices.mqtt.codec import decode_length, encode_connect, encode_publish
from millwright.devices.mqtt.packets import Connect, Publish, Will
from millwright.devices.mqtt.shards import Shards
from millwright.engines.nats import NatsConnection
from millwright.kernel import SystemClock
from support.ports import free_port


def hang_up(client: paho.Client) -> None:
    """End paho's thread and close its sockets, also those that wake the thread: paho leaves them to the collector."""
    client.loop_stop()
    client.reinitialise()


@dataclass
class OpenPrincipal:
    """A device that may do all but what starts with ``forbidden/`` (publish) and ``test/nosubscribe`` (subscribe)."""

    device_id: str = "dev_1"
    name: str = "press 1"
    revision: int = 1
    organisation_id: str = "org_root"

    def may_publish(self, topic: str) -> bool:
        return not topic.startswith("forbidden/")

    def may_subscribe(self, topic_filter: str) -> bool:
        return not topic_filter.startswith("test/nosubscribe")


@dataclass
class OpenDoor:
    """Everybody is the one device, except ``device:<id>`` or ``device:<id>@<organisation>`` (that device) and whoever
    is in ``refused``."""

    refused: dict[str, Refusal] = field(default_factory=dict)
    delay_s: float = 0.0

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if username in self.refused:
            return self.refused[username]
        if username == "broken":
            raise RuntimeError("the authenticator is broken")
        if username and username.startswith("device:"):
            device_id, _, owner = username.removeprefix("device:").partition("@")
            return OpenPrincipal(device_id=device_id, organisation_id=owner or "org_root")
        return OpenPrincipal()


@asynccontextmanager
async def running_listener(
    nats_url: str,
    *,
    door: Any = None,
    listener_id: str = "listener1",
    on_refused: Callable[[str | None, str, str, int], None] | None = None,
    wrap_intake: Callable[[Any], Any] = lambda intake: intake,
    tls: Any = None,
    certificates: Any = None,
    pacer: Any = None,
    shards: Callable[[NatsConnection], Shards] | None = None,
    replicas: int = 0,
    registered: Any = None,
    **settings: Any,
) -> AsyncIterator[MqttListener]:
    connection = NatsConnection(nats_url, "test listener", replicas=replicas)
    await connection.start()
    try:
        intake = JetStreamIntake(connection, listener_id)
        await intake.start()
        settings.setdefault("host", "127.0.0.1")
        settings.setdefault("port", free_port())
        listener = MqttListener(
            MqttSettings(**settings),
            door or OpenDoor(),
            wrap_intake(intake),
            JetStreamJournal(connection),
            connection,
            SystemClock(),
            listener_id=listener_id,
            on_refused=on_refused,
            tls=tls,
            certificates=certificates,
            pacer=pacer,
            shards=shards(connection) if shards is not None else None,
            registered=registered,
        )
        await listener.start()
        try:
            yield listener
        finally:
            await listener.stop()
    finally:
        await connection.stop()


async def until(holds: Callable[[], bool], timeout_s: float = 5) -> None:
    """Return when ``holds()``; fails after ``timeout_s``."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


def connect_bytes(client_id: str = "raw", *, clean: bool = True, keep_alive_s: int = 60, **options: Any) -> bytes:
    will: Will | None = options.get("will")
    return encode_connect(
        Connect(4, client_id, clean, keep_alive_s, will, options.get("username"), options.get("password"))
    )


def publish_bytes(topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, **options: bool) -> bytes:
    return encode_publish(Publish(topic, payload, qos, packet_id=packet_id, **options))


class RawClient:
    """A socket and packets as ``(first byte, body)``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, first: bytes = b"") -> RawClient:
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        client.send(first)
        return client

    @classmethod
    async def connected(cls, port: int, client_id: str = "raw", **options: Any) -> RawClient:
        client = await cls.open(port, connect_bytes(client_id, **options))
        first, body = await client.packet()
        assert (first, body[1]) == (0x20, 0)
        return client

    def ends(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return self._reader, self._writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def packet(self, timeout_s: float = 5) -> tuple[int, bytes]:
        async with asyncio.timeout(timeout_s):
            head = await self._reader.readexactly(2)
            while head[-1] & 0x80:
                head += await self._reader.readexactly(1)
            size, _ = decode_length(head, 1)
            return head[0], await self._reader.readexactly(size)

    async def closed(self, timeout_s: float = 5) -> bytes:
        """What still comes before the server closes the connection; fails when it does not."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self._reader.read(-1)
            except ConnectionError:
                return b""

    async def silent(self, for_s: float = 0.3) -> bool:
        """Whether nothing arrives, and the connection stays open."""
        try:
            async with asyncio.timeout(for_s):
                await self._reader.readexactly(1)
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return
