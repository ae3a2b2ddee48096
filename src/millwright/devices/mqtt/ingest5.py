"""The hot path for MQTT 5: like :mod:`.ingest`, with properties between topic and payload.

Messages in a row with the same first byte, topic and properties are one run: the properties are read once for all of
them. A message that may not be taken is answered with a reason code when it asked for an answer, in its turn.
"""

from __future__ import annotations

from typing import Any, Final

from millwright.devices.intake import Run
from millwright.devices.mqtt.body import Body
from millwright.devices.mqtt.codec import decode_length
from millwright.devices.mqtt.codec5 import is_utf8
from millwright.devices.mqtt.errors import ProtocolError, malformed
from millwright.devices.mqtt.ingest import (
    HAND_OVER_BYTES,
    PUBACK_BASE,
    PUBREC_BASE,
    RUN_BYTES,
    RUN_OVERHEAD,
    Ingest,
)
from millwright.devices.mqtt.joined import joined
from millwright.devices.mqtt.packets import PacketType, Reason
from millwright.devices.mqtt.properties import FROM_CLIENT, Properties, Property, read_properties

REASON_SHIFT: Final = 32
"""An acknowledgement that refuses carries its reason code above the packet's four bytes."""

_PUBLISH: Final = FROM_CLIENT[PacketType.PUBLISH]
_NO_PROPERTIES: Final = b"\0"
_MOST_ALIAS_BYTES: Final = 16 * 1024
"""Bytes of the topics that all aliases of a connection stand for."""


class Ingest5(Ingest):
    """What one connection of MQTT 5 publishes."""

    __slots__ = ("_alias_bytes", "_aliases", "_most_aliases", "_receive_maximum", "_refused", "_told", "receiving",
                 "unanswered")  # fmt: skip

    def __init__(self, *arguments: Any, aliases: int, receive_maximum: int) -> None:
        super().__init__(*arguments)
        self._aliases: dict[int, bytes] = {}
        self._alias_bytes = 0
        self._most_aliases = aliases
        self._receive_maximum = receive_maximum
        self._told: Properties | None = None
        self._refused = 0
        self.unanswered = 0
        """QoS 1 messages whose PUBACK has not left."""
        self.receiving: set[int] = set()
        """QoS 2 messages of this connection that are not released yet."""

    def take(self, data: bytes, position: int, now_ms: int) -> int:
        """As in :meth:`.Ingest.take`."""
        end = len(data)
        run_first, run_head, run_properties = -1, b"", b""
        head_size = 0
        run_start = position
        topic, private, text = "", False, False
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
                    size, start = decode_length(data, position + 1)
                    if size < 0:
                        break
                    if size > self._max_packet:
                        raise ProtocolError("packet_too_large", f"A PUBLISH has {size} bytes.")
                stop = start + size
                if stop > end:
                    break
                named = first == run_first and data.startswith(run_head, start)
                if not named:
                    head_size = self._check_head(data, first, start, size)
                at = start + head_size + (2 if first & 0x06 else 0)
                if not named or not data.startswith(run_properties, at) or position - run_start > RUN_BYTES:
                    if payloads or packet_ids:
                        self._end_run(run_first, topic, private, payloads, packet_ids, now_ms, position - run_start)
                    payloads, packet_ids = [], []
                    run_start = position
                    if self.bytes > HAND_OVER_BYTES:
                        break
                    run_first, run_head = first, data[start : start + head_size]
                    run_properties = self._read_properties(data, at, stop)
                    topic, private = self._name(run_head, first)
                    text = self._told is not None and bool(self._told.get(Property.PAYLOAD_FORMAT))
                body = at + len(run_properties)
                if body > stop:
                    raise malformed("Properties reach beyond their packet.")
                payload = data[body:stop]
                if first & 0x06:
                    packet_id = data[at - 2] << 8 | data[at - 1]
                    if not packet_id:
                        raise malformed("A packet id is 0.")
                    position = stop
                    if self._refused:
                        packet_ids.append(packet_id)
                        continue
                    if text and not is_utf8(payload):
                        self._end_run(first, topic, private, payloads, packet_ids, now_ms, position - run_start)
                        payloads, packet_ids, run_start = [], [], position
                        self._refuse(first, [packet_id], Reason.PAYLOAD_FORMAT_INVALID)
                        continue
                    if first & 0x04:
                        if not self._is_new(packet_id):
                            continue
                        self.receiving.add(packet_id)
                    packet_ids.append(packet_id)
                elif text and not is_utf8(payload):
                    raise ProtocolError("payload_format_invalid", "A payload is said to be UTF-8 and is not.")
                payloads.append(payload)
                position = stop
        finally:
            if payloads or packet_ids:
                self._end_run(run_first, topic, private, payloads, packet_ids, now_ms, position - run_start)
        if self.unanswered + len(self.receiving) > self._receive_maximum:
            raise ProtocolError(
                "receive_maximum_exceeded",
                f"More than {self._receive_maximum} messages were sent without waiting for their acknowledgement.",
            )
        return position

    def _check_head(self, data: bytes, first: int, start: int, size: int) -> int:
        if first & 0x06 == 0x06 or first & 0x0E == 0x08:
            raise malformed("A PUBLISH has wrong flags.")
        if size < 2:
            raise malformed("A PUBLISH ends too early.")
        head_size = 2 + (data[start] << 8 | data[start + 1])
        if head_size + (3 if first & 0x06 else 1) > size:
            raise malformed("A PUBLISH ends too early.")
        return head_size

    def _read_properties(self, data: bytes, at: int, stop: int) -> bytes:
        """Read them, and return their bytes with the length before them."""
        if at >= stop:
            raise malformed("A PUBLISH ends too early.")
        if not data[at]:
            self._told = None
            return _NO_PROPERTIES
        body = Body(data[at:stop])
        self._told = read_properties(body, _PUBLISH)
        return data[at : at + body.position]

    def _name(self, head: bytes, first: int) -> tuple[str, bool]:
        """The topic of a run, by its name or by an alias, and whether it is private; notes whether it is refused."""
        self._refused = 0
        alias = self._told.get(Property.TOPIC_ALIAS) if self._told is not None else None
        if alias is not None:
            if alias > self._most_aliases:
                raise ProtocolError("topic_alias_invalid", f"The topic alias {alias} is more than is allowed.")
            if len(head) == 2:
                known = self._aliases.get(alias)
                if known is None:
                    raise ProtocolError("topic_alias_invalid", f"The topic alias {alias} stands for nothing.")
                head = known
        try:
            entry = self._topics.get(head) or self._admit(head)
        except ProtocolError as error:
            if error.reason != "not_authorized" or not first & 0x06:
                raise
            self._refused, entry = Reason.NOT_AUTHORIZED, ("", True)
        if alias is not None:
            self._set_alias(alias, head)
        return entry

    def _set_alias(self, alias: int, head: bytes) -> None:
        before = self._aliases.get(alias, b"")
        if before == head:
            return
        self._alias_bytes += len(head) - len(before)
        if self._alias_bytes > _MOST_ALIAS_BYTES:
            raise ProtocolError(
                "quota_exceeded", f"The topics of all topic aliases have more than {_MOST_ALIAS_BYTES} bytes."
            )
        self._aliases[alias] = head

    def _refuse(self, first: int, packet_ids: list[int], reason: int) -> None:
        base = PUBREC_BASE if first & 0x04 else PUBACK_BASE
        self.acknowledgements.append((reason << REASON_SHIFT | base, packet_ids))
        self.bytes += RUN_OVERHEAD

    def _end_run(
        self,
        first: int,
        topic: str,
        private: bool,
        payloads: list[bytes],
        packet_ids: list[int],
        now_ms: int,
        size: int,
    ) -> None:
        if self._refused:
            self._refuse(first, packet_ids, self._refused)
            return
        if not payloads:
            return
        flags = (1 if first & 0x06 else 0) | first >> 2 & 0x02 | (first & 0x01) << 2
        self.runs.append(Run(self._device_id, topic, now_ms, flags, payloads, packet_ids))
        self.bytes += size + RUN_OVERHEAD + len(topic)
        self.messages += len(payloads)
        if packet_ids:
            self.acknowledgements.append((PUBREC_BASE if first & 0x04 else PUBACK_BASE, packet_ids))
            if not first & 0x04:
                self.unanswered += len(packet_ids)
        if private:
            return
        told, expires_ms, forwarded = self._told, 0, b""
        if told is not None:
            forwarded = told.forwarded
            life_s = told.get(Property.MESSAGE_EXPIRY)
            if life_s is not None:
                expires_ms = now_ms + life_s * 1000
        barrier = self._exchange.route(
            topic, payloads, first >> 1 & 3, bool(first & 1), forwarded, expires_ms, self._session
        )
        if barrier is not None:
            # One after the other from the journal; from other processes in any order.
            self.barrier = barrier if self._exchange.neighbours is None else joined(self.barrier, barrier)
