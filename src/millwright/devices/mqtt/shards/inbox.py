"""Messages for sessions of a process that is not there: kept in JetStream until it is back."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

import msgspec

from millwright.devices.mqtt.shards.wire import Forward
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

MQTT_INBOX: Final = StreamSpec(name="MQTT_INBOX", subjects=("mqtt.inbox.*",))
"""A message is a :class:`.wire.Forward` for the slot that the subject names."""

_RETRY_S: Final = (0.05, 1.0)


class Inbox(Protocol):
    """Keeps messages for slots."""

    async def put(self, number: int, message: Forward) -> None:
        """Keep; returns when it is durable."""
        ...

    async def load(self, number: int) -> tuple[list[Forward], int]:
        """What is kept for a slot, in order, and a mark for :meth:`clear`."""
        ...

    async def clear(self, number: int, mark: int) -> None:
        """Forget what was loaded."""
        ...


class JetStreamInbox:
    """Implements :class:`Inbox`."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection
        self._decoder = msgspec.msgpack.Decoder(Forward)

    async def put(self, number: int, message: Forward) -> None:
        """Append, until it is confirmed."""
        delay_s, most_s = _RETRY_S
        data = msgspec.msgpack.encode(message)
        while True:
            try:
                await self._connection.append(f"mqtt.inbox.{number}", data)
                return
            except MillwrightError as error:
                logger.warning("messages for process %d of the listener cannot be kept now: %s", number, error.message)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, most_s)

    async def load(self, number: int) -> tuple[list[Forward], int]:
        """Read the slot's subject to its end."""
        await self._connection.ensure_stream(MQTT_INBOX)
        found, mark = [], 0
        async for message in self._connection.scan(MQTT_INBOX.name, subject=f"mqtt.inbox.{number}"):
            mark = message.sequence
            try:
                found.append(self._decoder.decode(message.data))
            except msgspec.MsgspecError:
                logger.warning("message %d of %s cannot be read and is passed over", mark, MQTT_INBOX.name)
        return found, mark

    async def clear(self, number: int, mark: int) -> None:
        """Remove what was read."""
        await self._connection.trim(MQTT_INBOX.name, mark + 1, subject=f"mqtt.inbox.{number}")
