"""A session: what the listener remembers of a client, whatever connection carries it (MQTT 3.1.1, 3.1.2.4, 4.4)."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import msgspec

from millwright.devices.mqtt.codec import acknowledgement, encode_acknowledgements, publish_bytes
from millwright.devices.mqtt.packets import PacketType


class Outlet(Protocol):
    """The connection that carries a session now."""

    def send(self, data: bytes) -> None:
        """Send packets that must not be lost while the connection lasts."""
        ...

    def offer(self, data: bytes) -> bool:
        """Send a QoS 0 packet, or drop it (``False``) when the client reads too slowly."""
        ...


class Outgoing(msgspec.Struct, gc=False):
    """A message for the client: PUBLISH's first byte without DUP, topic as in the packet, payload."""

    first: int
    head: bytes
    payload: bytes
    released: bool = False
    """QoS 2: PUBREC was received; PUBREL goes out from now on."""

    @property
    def size(self) -> int:
        """Bytes it occupies, roughly."""
        return len(self.head) + len(self.payload)


class Session:
    """One client's session; ``connection`` is ``None`` while the client is away.

    Of a persistent session (``clean`` is false) the subscriptions outlive the listener; messages queued or in flight,
    and the ids of QoS 2 messages being received, live as long as the listener's process.
    """

    __slots__ = (
        "clean",
        "client_id",
        "connection",
        "device_id",
        "dropped",
        "inflight",
        "left_s",
        "max_inflight",
        "max_queued",
        "max_queued_bytes",
        "next_id",
        "queue",
        "queued_bytes",
        "received",
        "subscriptions",
    )

    def __init__(
        self, device_id: str, client_id: str, clean: bool, *, max_inflight: int, max_queued: int, max_queued_bytes: int
    ) -> None:
        self.device_id = device_id
        self.client_id = client_id
        self.clean = clean
        self.max_inflight = max_inflight
        self.max_queued = max_queued
        self.max_queued_bytes = max_queued_bytes
        self.connection: Outlet | None = None
        self.left_s = 0.0
        self.subscriptions: dict[str, int] = {}
        self.inflight: dict[int, Outgoing] = {}
        self.queue: deque[Outgoing] | None = None
        self.queued_bytes = 0
        self.next_id = 0
        self.dropped = 0
        self.received: dict[int, Outlet | None] = {}
        """QoS 2 packet ids from the client until PUBREL; the value is who waits for PUBREC, ``None`` once sent."""

    @property
    def key(self) -> tuple[str, str]:
        """Device id and client id: one device's client ids cannot collide with another's."""
        return self.device_id, self.client_id

    def deliver(self, head: bytes, payload: bytes, qos: int, retain: bool) -> None:
        """Send a message, or queue it while the client is away or its window is full (oldest dropped, counted)."""
        connection = self.connection
        if not qos:
            if connection is not None and not connection.offer(publish_bytes(0x30 | retain, head, 0, payload)):
                self.dropped += 1
            return
        message = Outgoing(0x30 | qos << 1 | retain, head, payload)
        if connection is not None and not self.queue and len(self.inflight) < self.max_inflight:
            self._transmit(connection, message)
        else:
            self._enqueue(message)

    def _enqueue(self, message: Outgoing) -> None:
        queue = self.queue
        if queue is None:
            queue = self.queue = deque()
        queue.append(message)
        self.queued_bytes += message.size
        while len(queue) > self.max_queued or self.queued_bytes > self.max_queued_bytes:
            self.queued_bytes -= queue.popleft().size
            self.dropped += 1

    def _transmit(self, connection: Outlet, message: Outgoing) -> None:
        packet_id = self.next_id
        while True:
            packet_id = packet_id % 65535 + 1
            if packet_id not in self.inflight:
                break
        self.next_id = packet_id
        self.inflight[packet_id] = message
        connection.send(publish_bytes(message.first, message.head, packet_id, message.payload))

    def _pump(self) -> None:
        queue, connection = self.queue, self.connection
        while queue and connection is not None and len(self.inflight) < self.max_inflight:
            message = queue.popleft()
            self.queued_bytes -= message.size
            self._transmit(connection, message)
        if queue is not None and not queue:
            self.queue = None

    def attach(self, connection: Outlet) -> None:
        """The client is back: repeat what was not acknowledged, in order, then what was queued (4.4, 4.6)."""
        self.connection = connection
        for packet_id, message in self.inflight.items():
            if message.released:
                _send(connection, PacketType.PUBREL, packet_id)
            else:
                connection.send(publish_bytes(message.first | 0x08, message.head, packet_id, message.payload))
        self._pump()

    def detach(self, connection: Outlet, now_s: float) -> None:
        """The connection ended; nothing happens when another one carries the session already."""
        if self.connection is connection:
            self.connection = None
            self.left_s = now_s

    def on_puback(self, packet_id: int) -> None:
        """The client has a QoS 1 message."""
        message = self.inflight.get(packet_id)
        if message is not None and message.first & 0x02:
            del self.inflight[packet_id]
            self._pump()

    def on_pubrec(self, packet_id: int, connection: Outlet) -> None:
        """The client has a QoS 2 message and awaits its release."""
        message = self.inflight.get(packet_id)
        if message is not None and message.first & 0x04:
            message.released = True
            message.payload = b""
        _send(connection, PacketType.PUBREL, packet_id)

    def on_pubcomp(self, packet_id: int) -> None:
        """A QoS 2 exchange is over."""
        message = self.inflight.get(packet_id)
        if message is not None and message.released:
            del self.inflight[packet_id]
            self._pump()

    def on_pubrel(self, packet_id: int, connection: Outlet) -> None:
        """The client releases the id of a QoS 2 message it sent; unknown ids are answered too (4.3.3)."""
        self.received.pop(packet_id, None)
        _send(connection, PacketType.PUBCOMP, packet_id)


def _send(connection: Outlet, kind: PacketType, packet_id: int) -> None:
    connection.send(encode_acknowledgements((acknowledgement(kind, packet_id),)))
