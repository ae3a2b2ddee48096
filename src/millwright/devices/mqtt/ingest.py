"""The hot path: every PUBLISH in what one socket read brought, with as little work per message as Python allows.

Messages with the same first byte and topic in a row are one run: the topic is decoded, allowed and looked up once,
and a message costs two slices' worth of work.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from millwright.devices.intake import Run
from millwright.devices.mqtt.codec import decode_length
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.exchange import Exchange
from millwright.devices.mqtt.joined import joined
from millwright.devices.mqtt.packets import PacketType
from millwright.devices.mqtt.topics import check_topic, decode_utf8, is_private, is_reserved

if TYPE_CHECKING:
    from millwright.devices.mqtt.ports import Principal
    from millwright.devices.mqtt.session import Outlet, Session

PUBACK_BASE = PacketType.PUBACK << 28 | 2 << 16
PUBREC_BASE = PacketType.PUBREC << 28 | 2 << 16

_TOPIC_CACHE = 512
_TOPIC_BYTES = 512  # longer ones, up to 64 KiB, would make the cache a way to use up memory
RUN_BYTES = 512 * 1024
"""A run is closed at this size."""
HAND_OVER_BYTES = 512 * 1024
"""Collected runs are handed over at this size, so that a frame of many small ones stays below its limit."""
RUN_OVERHEAD = 64
"""A run's own fields in a frame: device id, time, flags, lengths."""


class Ingest:
    """What one connection publishes: parses, checks permission, routes to subscribers, collects runs for the commit."""

    __slots__ = (
        "_device_id",
        "_exchange",
        "_max_packet",
        "_outlet",
        "_principal",
        "_session",
        "_topics",
        "acknowledgements",
        "barrier",
        "bytes",
        "messages",
        "runs",
    )

    def __init__(
        self, exchange: Exchange, session: Session, principal: Principal, outlet: Outlet, max_packet: int
    ) -> None:
        self._exchange = exchange
        self._session = session
        self._outlet = outlet
        self._max_packet = max_packet
        self._topics: dict[bytes, tuple[str, bool]] = {}
        self.runs: list[Run] = []
        self.acknowledgements: list[tuple[int, list[int]]] = []
        self.barrier: asyncio.Future[None] | None = None
        self.bytes = 0
        self.messages = 0
        self._principal = principal
        self._device_id = principal.device_id

    def permit(self, principal: Principal) -> None:
        """Work with a principal that was read again."""
        self._principal = principal
        self._topics.clear()

    def clear(self) -> None:
        """Forget what was collected: it is handed over."""
        self.runs = []
        self.acknowledgements = []
        self.barrier = None
        self.bytes = 0
        self.messages = 0

    def take(self, data: bytes, position: int, now_ms: int) -> int:
        """Take every complete PUBLISH from ``position`` on, up to another packet; returns where it stopped.

        Stops early when more than ``HAND_OVER_BYTES`` were collected; hand them over and call again.
        """
        end = len(data)
        max_packet = self._max_packet
        run_first = -1
        run_head = b""
        head_size = 0
        run_start = position
        topic, private = "", False
        payloads: list[bytes] = []
        packet_ids: list[int] = []
        try:
            while position + 1 < end:
                first = data[position]
                if first & 0xF0 != 0x30:
                    break
                size = data[position + 1]
                start = position + 2
                if size > 0x7F:
                    if start < end and data[start] < 0x80:
                        size = (size & 0x7F) | data[start] << 7
                        start += 1
                    else:
                        size, start = decode_length(data, position + 1)
                        if size < 0:
                            break
                        if size > max_packet:
                            raise ProtocolError("packet_too_large", f"A PUBLISH has {size} bytes.")
                stop = start + size
                if stop > end:
                    break
                if first != run_first or not data.startswith(run_head, start) or position - run_start > RUN_BYTES:
                    if payloads:
                        self._close(run_first, topic, private, payloads, packet_ids, now_ms, position - run_start)
                    payloads, packet_ids = [], []
                    run_start = position
                    if self.bytes > HAND_OVER_BYTES:
                        break
                    if size < 2:
                        raise malformed("A PUBLISH ends too early.")
                    head_size = 2 + (data[start] << 8 | data[start + 1])
                    run_head = data[start : start + head_size]
                    if first != run_first:
                        if first & 0x06 == 0x06 or first & 0x0E == 0x08:
                            raise malformed("A PUBLISH has wrong flags.")
                        run_first = first
                    if head_size > size:
                        raise malformed("A topic reaches beyond its packet.")
                    topic, private = self._topics.get(run_head) or self._admit(run_head)
                at = start + head_size
                if first & 0x06:
                    if at + 2 > stop:
                        raise malformed("A PUBLISH has no packet id.")
                    packet_id = data[at] << 8 | data[at + 1]
                    if not packet_id:
                        raise malformed("A packet id is 0.")
                    if first & 0x04 and not self._is_new(packet_id):
                        position = stop
                        continue
                    packet_ids.append(packet_id)
                    payloads.append(data[at + 2 : stop])
                elif at > stop:
                    raise malformed("A topic reaches beyond its packet.")
                else:
                    payloads.append(data[at:stop])
                position = stop
        finally:
            # Also when a later packet is malformed: what came before it is valid and is stored.
            if payloads:
                self._close(run_first, topic, private, payloads, packet_ids, now_ms, position - run_start)
        return position

    def _is_new(self, packet_id: int) -> bool:
        """Method B of QoS 2 (4.3.3): an id is taken once until PUBREL; a repetition is only answered."""
        received = self._session.received
        if packet_id not in received:
            received[packet_id] = self._outlet
            return True
        if received[packet_id] is None:
            self._outlet.send((PUBREC_BASE | packet_id).to_bytes(4, "big"))
        else:
            received[packet_id] = self._outlet
        return False

    def _admit(self, head: bytes) -> tuple[str, bool]:
        topic = check_topic(decode_utf8(head[2:]))
        if is_reserved(topic) or not self._principal.may_publish(topic):
            raise ProtocolError("not_authorized", f"The device may not publish to {topic!r}.")
        entry = topic, is_private(topic)
        if len(head) <= _TOPIC_BYTES:
            if len(self._topics) >= _TOPIC_CACHE:
                self._topics.clear()
            self._topics[head] = entry
        return entry

    def _close(
        self,
        first: int,
        topic: str,
        private: bool,
        payloads: list[bytes],
        packet_ids: list[int],
        now_ms: int,
        size: int,
    ) -> None:
        # First byte: 0011 DUP QoS QoS RETAIN → flags: acknowledged, duplicate, retained.
        flags = (1 if first & 0x06 else 0) | first >> 2 & 0x02 | (first & 0x01) << 2
        self.runs.append(Run(self._device_id, topic, now_ms, flags, payloads, packet_ids))
        self.bytes += size + RUN_OVERHEAD + len(topic)
        self.messages += len(payloads)
        if packet_ids:
            self.acknowledgements.append((PUBREC_BASE if first & 0x04 else PUBACK_BASE, packet_ids))
        if not private:
            barrier = self._exchange.route(topic, payloads, first >> 1 & 3, bool(first & 1), source=self._session)
            if barrier is not None:
                # One after the other from the journal; from other processes in any order.
                self.barrier = barrier if self._exchange.neighbours is None else joined(self.barrier, barrier)
