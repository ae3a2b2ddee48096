"""Telling the other processes that a device changed.

Two ways, so that none is missed: an event on the bus at once (at most once), and the counter ``devices_revision`` that
every cache polls. An event carries the counter's value; a cache that saw every value so far knows it missed nothing.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from millwright.devices import store
from millwright.engines.sql import Records
from millwright.kernel import Bus, Unavailable

SUBJECT = "events.devices.changed"
EVERY = "*"
"""In place of a device id: any device may have changed."""

logger = logging.getLogger(__name__)


class Changed(msgspec.Struct, frozen=True):
    """The event: which device (``*``: any), and the counter's value after the change."""

    device_id: str
    revision: int


_decoder = msgspec.msgpack.Decoder(Changed)


def decode(payload: bytes) -> Changed | None:
    """The event in ``payload``, or ``None`` when it is none of ours."""
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None


class Changes:
    """Announces changes that were committed."""

    def __init__(self, records: Records, bus: Bus) -> None:
        self._records = records
        self._bus = bus

    def revision(self) -> int:
        """The counter's value; blocks."""
        with self._records.read() as connection:
            return store.revision(connection)

    async def touch(self) -> None:
        """Count and tell that any device may have changed: something above the registry did, as an organisation."""
        await asyncio.to_thread(self._bump)
        await self.announce(EVERY)

    def _bump(self) -> None:
        with self._records.begin() as connection:
            store.bump(connection)

    async def announce(self, device_id: str) -> None:
        """Tell that ``device_id`` (or ``*``: any) changed. Never raises: the counter tells it too, 2 s later."""
        try:
            event = Changed(device_id, await asyncio.to_thread(self.revision))
            await self._bus.publish(SUBJECT, msgspec.msgpack.encode(event))
        except Unavailable as error:
            logger.debug("a change of %s is told by the counter alone: %s", device_id, error.message)
