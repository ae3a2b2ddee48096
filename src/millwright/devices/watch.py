"""Noticing that a device changed, in a process that keeps devices in memory.

Events say which device, at once; the counter ``devices_revision``, polled every two seconds, says that an event was
missed. Whoever listens gets the device's id, or ``*`` when it cannot be told which one it was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from millwright.devices.changes import EVERY, SUBJECT, Changes, decode
from millwright.kernel import Bus, MillwrightError, Unsubscribe, end

POLL_S = 2.0

logger = logging.getLogger(__name__)


class ChangeWatch:
    """Calls ``on_change`` with the id of a device that changed, or ``*``. A :class:`millwright.kernel.Part`."""

    def __init__(self, bus: Bus, changes: Changes, on_change: Callable[[str], None], *, poll_s: float = POLL_S) -> None:
        self._bus = bus
        self._changes = changes
        self._on_change = on_change
        self._poll_s = poll_s
        self._seen = 0
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Listen and poll; what changed before is the caller's to read now."""
        self._seen = await asyncio.to_thread(self._changes.revision)
        self._unsubscribe = await self._bus.subscribe(SUBJECT, self._on_event)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop listening."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        await end(self._task)
        self._task = None

    async def poll(self) -> None:
        """Read the counter once; a value no event led to means that something was missed."""
        current = await asyncio.to_thread(self._changes.revision)
        if current != self._seen:
            self._seen = current
            self._on_change(EVERY)

    async def _on_event(self, _subject: str, payload: bytes) -> None:
        event = decode(payload)
        if event is None:
            return
        if event.revision == self._seen + 1:
            self._seen = event.revision
        self._on_change(event.device_id)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.poll()
            except MillwrightError as error:
                logger.warning("changes of devices cannot be read: %s", error.message)
            except Exception:  # whoever is told may fail, and is told of the next change all the same
                logger.exception("a change of devices was not taken up")
