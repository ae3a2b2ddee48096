"""A client of MQTT 5 that speaks raw bytes."""

from __future__ import annotations

from typing import Any

from millwright.devices.mqtt import codec5
from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.codec import encode_length
from millwright.devices.mqtt.packets import Connect, Publish, Subscribe
from millwright.devices.mqtt.properties import Properties, Property, read_properties, write_properties
from support.mqtt import RawClient

ANY = frozenset(Property)


def connect5_bytes(client_id: str = "raw5", *, clean: bool = True, keep_alive_s: int = 60, **options: Any) -> bytes:
    will, username, password = (options.pop(name, None) for name in ("will", "username", "password"))
    return codec5.encode_connect(Connect(5, client_id, clean, keep_alive_s, will, username, password, **options))


def publish5_bytes(
    topic: str,
    payload: bytes,
    qos: int = 0,
    packet_id: int = 0,
    properties: list[tuple[int, Any]] | None = None,
    *,
    retain: bool = False,
    duplicate: bool = False,
) -> bytes:
    raw = topic.encode()
    body = len(raw).to_bytes(2, "big") + raw + (packet_id.to_bytes(2, "big") if qos else b"")
    body += write_properties(properties or []) + payload
    return bytes((0x30 | duplicate << 3 | qos << 1 | retain,)) + encode_length(len(body)) + body


def told_in(body: bytes, position: int) -> Properties:
    """The properties that stand at ``position`` of a packet's body."""
    reader = Body(body)
    reader.position = position
    return read_properties(reader, ANY)


class Raw5(RawClient):
    """Like ``RawClient``; ``connack`` is (session present, reason code, properties)."""

    connack: tuple[bool, int, Properties]

    @classmethod
    async def connect(cls, port: int, client_id: str = "raw5", **options: Any) -> Raw5:
        client = cls(*(await RawClient.open(port, connect5_bytes(client_id, **options))).ends())
        first, body = await client.packet()
        assert first == 0x20
        client.connack = bool(body[0]), body[1], told_in(body, 2)
        return client

    async def message(self, timeout_s: float = 5) -> tuple[Publish, Properties]:
        """The next packet, which is a PUBLISH."""
        first, body = await self.packet(timeout_s)
        assert first >> 4 == 3, (first, body)
        return codec5.decode_publish(first & 15, body)

    async def subscribe(self, packet_id: int, *filters: tuple[str, int], identifier: int = 0) -> list[int]:
        """Subscribe; the reason codes."""
        self.send(codec5.encode_subscribe(Subscribe(packet_id, list(filters)), identifier))
        first, body = await self.packet()
        assert (first, body[:2]) == (0x90, packet_id.to_bytes(2, "big"))
        return list(body[len(body) - len(filters) :])

    async def goodbye(self) -> tuple[int, Properties]:
        """The DISCONNECT that the server sends: reason code and properties; then the connection is closed."""
        first, body = await self.packet()
        assert first == 0xE0, (first, body)
        assert await self.closed() == b""
        await self.close()
        return (body[0] if body else 0), told_in(body, 1) if len(body) > 1 else Properties()
