"""Arrivals at work, in the historian role: hears of refused connections, writes once a second."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from millwright.devices.arrivals.model import RefusedContact
from millwright.devices.arrivals.service import ArrivalService
from millwright.kernel import Bus, MillwrightError, Unsubscribe, end

SUBJECT: Final = "arrivals.refused"
FLUSH_S: Final = 1.0
AGE_S: Final = 600.0

logger = logging.getLogger(__name__)


class ArrivalWorker:
    """Feeds the service from the bus. A :class:`millwright.kernel.Part`.

    ``on_adopted`` is called with the ids of the Sparkplug devices that were registered unasked, so that the pipeline
    can ask their edge nodes for a new birth.
    """

    def __init__(
        self, arrivals: ArrivalService, bus: Bus, on_adopted: Callable[[list[str]], None] | None = None
    ) -> None:
        self._arrivals = arrivals
        self._bus = bus
        self._on_adopted = on_adopted
        self._decoder = msgspec.msgpack.Decoder(RefusedContact)
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen."""
        self._unsubscribe = await self._bus.subscribe(SUBJECT, self._on_refused)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop listening and write what is left."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            await end(self._task)
            self._task = None
            with contextlib.suppress(MillwrightError):
                await self.flush()

    async def flush(self) -> None:
        """Write what was heard, and tell which devices were registered by it. Raises ``Unavailable``."""
        adopted = await self._arrivals.flush()
        if self._on_adopted is not None and adopted:
            self._on_adopted(adopted)

    async def _on_refused(self, _subject: str, payload: bytes) -> None:
        try:
            self._arrivals.record(self._decoder.decode(payload))
        except msgspec.MsgspecError as error:
            logger.debug("a refused contact cannot be read: %s", error)

    async def _run(self) -> None:
        waited_s = 0.0
        while True:
            await asyncio.sleep(FLUSH_S)
            waited_s += FLUSH_S
            try:
                await self.flush()
                if waited_s >= AGE_S:
                    waited_s = 0.0
                    await self._arrivals.age()
            except MillwrightError as error:
                logger.warning("arrivals cannot be written: %s", error.message)
            except Exception:
                logger.exception("arrivals could not be written")
