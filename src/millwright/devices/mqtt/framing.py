"""How a client of MQTT 5 gets its messages: with topic aliases, within its packet size, and what is left to live."""

from __future__ import annotations

from struct import pack
from typing import Final

from millwright.devices.mqtt.codec5 import publish_bytes
from millwright.devices.mqtt.properties import Property, encode_variable

_EXPIRY: Final = bytes((Property.MESSAGE_EXPIRY,))
_ALIAS: Final = bytes((Property.TOPIC_ALIAS,))
_IDENTIFIER: Final = bytes((Property.SUBSCRIPTION_IDENTIFIER,))
_NO_TOPIC: Final = b"\0\0"
_MOST_ALIASES: Final = 64
"""A client may offer more; each costs memory here."""


class Framing:
    """One connection's; ``maximum`` is the largest packet the client takes (0: any), ``aliases`` how many it allows."""

    __slots__ = ("_aliases", "_limit", "maximum", "problems")

    def __init__(self, maximum: int, aliases: int, problems: bool = True) -> None:
        self.maximum = maximum
        self.problems = problems
        """Whether the client wants to hear why something was refused (request problem information)."""
        self._limit = min(aliases, _MOST_ALIASES)
        self._aliases: dict[bytes, int] = {}

    def fits(self, packet: bytes) -> bool:
        """Whether the client takes a packet of this size."""
        return not self.maximum or len(packet) <= self.maximum

    def publish(
        self,
        first: int,
        head: bytes,
        packet_id: int,
        payload: bytes,
        properties: bytes,
        identifiers: tuple[int, ...],
        left_s: int,
    ) -> bytes:
        """A PUBLISH that is sent now; empty when it is too large for the client, which then must not have it.

        ``left_s`` is what is left of its life, negative for a message that does not expire. The packet must be sent:
        it may tell the client an alias.
        """
        if left_s >= 0:
            properties += _EXPIRY + pack(">I", left_s)
        for identifier in identifiers:
            properties += _IDENTIFIER + encode_variable(identifier)
        if not self._limit:
            data = publish_bytes(first, head, packet_id, properties, payload)
            return data if self.fits(data) else b""
        alias = self._aliases.get(head)
        told = alias is not None
        if alias is None:
            alias = len(self._aliases) + 1
            if alias > self._limit:
                data = publish_bytes(first, head, packet_id, properties, payload)
                return data if self.fits(data) else b""
        properties += _ALIAS + alias.to_bytes(2, "big")
        data = publish_bytes(first, _NO_TOPIC if told else head, packet_id, properties, payload)
        if not self.fits(data):
            return b""
        self._aliases[head] = alias
        return data
