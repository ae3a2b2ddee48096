"""A session: what the listener remembers of a client, whatever connection carries it (MQTT 3.1.1 and 5.0, 4.1, 4.4)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from millwright.devices.mqtt.codec import acknowledgement, encode_acknowledgements, publish_bytes
from millwright.devices.mqtt.codec5 import encode_answer
from millwright.devices.mqtt.framing import Framing
from millwright.devices.mqtt.packets import NEVER, PacketType, Reason
from millwright.devices.mqtt.queues import Batch
from millwright.kernel import Clock, SystemClock

if TYPE_CHECKING:
    from millwright.devices.mqtt.wills import DelayedWill

_CLOCK = SystemClock()


class Outlet(Protocol):
    """The connection that carries a session now."""

    @property
    def framing(self) -> Framing | None:
        """How the client gets its messages when it speaks MQTT 5."""
        ...

    def send(self, data: bytes) -> None:
        """Send packets that must not be lost while the connection lasts."""
        ...

    def has_room(self) -> bool:
        """Whether a QoS 0 packet may be sent; not while the client reads too slowly."""
        ...


class Outgoing(msgspec.Struct, gc=False):
    """A message for the client: PUBLISH's first byte without DUP, topic as in the packet, payload.

    ``properties`` are those its publisher gave it (MQTT 5), ``identifiers`` those of the client's subscriptions;
    ``expires_ms`` is UTC, 0 for never. ``kept`` is the entry of the journal that holds it.
    """

    first: int
    head: bytes
    payload: bytes
    properties: bytes = b""
    expires_ms: int = 0
    identifiers: tuple[int, ...] = ()
    released: bool = False
    """QoS 2: PUBREC was received; PUBREL goes out from now on."""
    kept: Batch | None = None

    @property
    def size(self) -> int:
        """Bytes it occupies, roughly."""
        return len(self.head) + len(self.payload) + len(self.properties)


class Session:
    """One client's session; ``connection`` is ``None`` while the client is away.

    It ends ``expiry_s`` after its client left (0: with the connection; then it is ``clean``). Of one that outlives its
    connection the subscriptions and the messages for the client outlive the listener too; the ids of QoS 2 messages
    being received live as long as the listener's process.
    """

    __slots__ = (
        "_clock",
        "client_id",
        "connection",
        "delayed_will",
        "device_id",
        "dropped",
        "expiry_s",
        "inflight",
        "left_s",
        "max_inflight",
        "max_queued",
        "max_queued_bytes",
        "next_id",
        "organisation_id",
        "queue",
        "queued_bytes",
        "received",
        "repeat",
        "subscriptions",
        "window",
    )

    def __init__(
        self,
        device_id: str,
        client_id: str,
        expiry_s: int,
        *,
        max_inflight: int,
        max_queued: int,
        max_queued_bytes: int,
        clock: Clock = _CLOCK,
    ) -> None:
        self.device_id = device_id
        self.client_id = client_id
        self.organisation_id = ""
        """Whose the device is; empty while that is not known."""
        self.expiry_s = expiry_s
        self.max_inflight = max_inflight
        self.max_queued = max_queued
        self.max_queued_bytes = max_queued_bytes
        self._clock = clock
        self.connection: Outlet | None = None
        self.left_s = 0.0
        self.subscriptions: dict[str, int] = {}
        self.inflight: dict[int, Outgoing] = {}
        self.repeat: deque[int] = deque()
        """Ids in flight that have not been repeated on this connection yet: its window was too small."""
        self.window = max_inflight
        self.queue: deque[Outgoing] | None = None
        self.queued_bytes = 0
        self.next_id = 0
        self.dropped = 0
        self.received: dict[int, Outlet | None] = {}
        """QoS 2 packet ids from the client until PUBREL; the value is who waits for PUBREC, ``None`` once sent."""
        self.delayed_will: DelayedWill | None = None

    @property
    def clean(self) -> bool:
        """Whether the session ends with its connection."""
        return not self.expiry_s

    @property
    def key(self) -> tuple[str, str]:
        """Device id and client id: one device's client ids cannot collide with another's."""
        return self.device_id, self.client_id

    def is_over(self, now_s: float) -> bool:
        """Whether the client has stayed away for too long."""
        return self.connection is None and self.expiry_s != NEVER and now_s - self.left_s > self.expiry_s

    def has_window(self) -> bool:
        """Whether a message for the client would leave at once."""
        return self.connection is not None and not self.queue and self._open() < self.window

    def deliver(
        self,
        head: bytes,
        payload: bytes,
        qos: int,
        retain: bool,
        properties: bytes = b"",
        expires_ms: int = 0,
        identifiers: tuple[int, ...] = (),
        kept: Batch | None = None,
    ) -> None:
        """Send a message, or queue it while the client is away or its window is full (oldest dropped, counted)."""
        connection = self.connection
        if not qos:
            if connection is None:
                return
            if not connection.has_room():
                self.dropped += 1
            elif connection.framing is None:
                connection.send(publish_bytes(0x30 | retain, head, 0, payload))
            else:
                self._frame(connection, Outgoing(0x30 | retain, head, payload, properties, expires_ms, identifiers), 0)
            return
        message = Outgoing(
            0x30 | qos << 1 | bool(retain), head, payload, properties, expires_ms, identifiers, kept=kept
        )
        if connection is not None and not self.queue and self._open() < self.window:
            self._transmit(connection, message)
        else:
            self._enqueue(message)

    def offer(self, head: bytes, payload: bytes) -> bool:
        """Send a message with QoS 0 now or not at all; whether the connection took it."""
        connection = self.connection
        if connection is None or not connection.has_room():
            return False
        if connection.framing is not None:
            return self._frame(connection, Outgoing(0x30, head, payload), 0)
        connection.send(publish_bytes(0x30, head, 0, payload))
        return True

    def _open(self) -> int:
        return len(self.inflight) - len(self.repeat)

    def _enqueue(self, message: Outgoing) -> None:
        queue = self.queue
        if queue is None:
            queue = self.queue = deque()
        queue.append(message)
        self.queued_bytes += message.size
        while len(queue) > self.max_queued or self.queued_bytes > self.max_queued_bytes:
            oldest = queue.popleft()
            self.queued_bytes -= oldest.size
            self._drop(oldest)

    def _drop(self, message: Outgoing) -> None:
        self.dropped += 1
        _finish(message)

    def _transmit(self, connection: Outlet, message: Outgoing) -> None:
        packet_id = self.next_id
        while True:
            packet_id = packet_id % 65535 + 1
            if packet_id not in self.inflight:
                break
        if connection.framing is None:
            connection.send(publish_bytes(message.first, message.head, packet_id, message.payload))
        elif not self._frame(connection, message, packet_id):
            _finish(message)
            return
        self.next_id = packet_id
        self.inflight[packet_id] = message

    def _frame(self, connection: Outlet, message: Outgoing, packet_id: int, again: int = 0) -> bool:
        """Send as MQTT 5 does; ``False``, and counted as dropped, when the client takes no packet of that size."""
        framing = connection.framing
        assert framing is not None
        left_s = -1
        if message.expires_ms:
            left_s = max(0, -(-(message.expires_ms - self._clock.now_ms()) // 1000))
        data = framing.publish(
            message.first | again,
            message.head,
            packet_id,
            message.payload,
            message.properties,
            message.identifiers,
            left_s,
        )
        if data:
            connection.send(data)
        else:
            self.dropped += 1
        return bool(data)

    def _pump(self) -> None:
        queue, connection = self.queue, self.connection
        while self.repeat and connection is not None and self._open() < self.window:
            self._repeat(connection, self.repeat.popleft())
        while queue and connection is not None and self._open() < self.window:
            message = queue.popleft()
            self.queued_bytes -= message.size
            if message.expires_ms and message.expires_ms <= self._clock.now_ms():
                self._drop(message)
            else:
                self._transmit(connection, message)
        if queue is not None and not queue:
            self.queue = None

    def attach(self, connection: Outlet, window: int = 65535) -> None:
        """The client is back: repeat what was not acknowledged, in order, then what was queued (4.4, 4.6).

        ``window`` is how many messages the client takes unacknowledged; ours is the most.
        """
        self.connection = connection
        self.window = min(window, self.max_inflight)
        for packet_id, message in self.inflight.items():
            if message.released:
                _send(connection, PacketType.PUBREL, packet_id)
        self.repeat = deque(number for number, message in self.inflight.items() if not message.released)
        self._pump()

    def _repeat(self, connection: Outlet, packet_id: int) -> None:
        message = self.inflight.get(packet_id)
        if message is None:
            return
        if connection.framing is None:
            connection.send(publish_bytes(message.first | 0x08, message.head, packet_id, message.payload))
        elif not self._frame(connection, message, packet_id, 0x08):
            del self.inflight[packet_id]
            _finish(message)

    def detach(self, connection: Outlet, now_s: float) -> None:
        """The connection ended; nothing happens when another one carries the session already."""
        if self.connection is connection:
            self.connection = None
            self.left_s = now_s

    def discard(self) -> None:
        """The session is over: what was in it is needed no more."""
        self.inflight.clear()
        self.repeat.clear()
        self.queue, self.queued_bytes = None, 0

    def on_puback(self, packet_id: int) -> None:
        """The client has a QoS 1 message, or does not want it."""
        message = self.inflight.get(packet_id)
        if message is not None and message.first & 0x02:
            self._end(packet_id, message)

    def on_pubrec(self, packet_id: int, connection: Outlet, reason: int = 0) -> None:
        """The client has a QoS 2 message and awaits its release, or does not want it."""
        message = self.inflight.get(packet_id)
        known = message is not None and message.first & 0x04
        if reason >= 0x80:
            if message is not None and known:
                self._end(packet_id, message)
            return
        if message is not None and known:
            message.released = True
            message.payload = b""
        _send(connection, PacketType.PUBREL, packet_id, bool(known))

    def on_pubcomp(self, packet_id: int) -> None:
        """A QoS 2 exchange is over."""
        message = self.inflight.get(packet_id)
        if message is not None and message.released:
            self._end(packet_id, message)

    def _end(self, packet_id: int, message: Outgoing) -> None:
        del self.inflight[packet_id]
        if self.repeat and packet_id in self.repeat:
            self.repeat.remove(packet_id)
        _finish(message)
        self._pump()

    def on_pubrel(self, packet_id: int, connection: Outlet) -> None:
        """The client releases the id of a QoS 2 message it sent; unknown ids are answered too (4.3.3)."""
        known = packet_id in self.received
        self.received.pop(packet_id, None)
        _send(connection, PacketType.PUBCOMP, packet_id, known)


def _finish(message: Outgoing) -> None:
    if message.kept is not None:
        message.kept.finish()
        message.kept = None


def _send(connection: Outlet, kind: PacketType, packet_id: int, known: bool = True) -> None:
    number = acknowledgement(kind, packet_id)
    if known or connection.framing is None:
        connection.send(encode_acknowledgements((number,)))
    else:
        connection.send(encode_answer(number >> 24, packet_id, Reason.PACKET_ID_NOT_FOUND))
