"""The reorder timeout (Sparkplug 3.0, section 5, host application message ordering): what is late, and what is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from millwright.devices.sparkplug.host import SparkplugHost
from millwright.devices.sparkplug.state import publish
from millwright.kernel import Bus, Clock, MillwrightError, end

logger = logging.getLogger(__name__)

_TICK_S: Final = 0.2


class ReorderWatch:
    """Asks for births when missing payloads stay away. A :class:`millwright.kernel.Part`."""

    def __init__(self, host: SparkplugHost, bus: Bus, clock: Clock, patience_s: float) -> None:
        self._host, self._bus, self._clock, self._patience_s = host, bus, clock, patience_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look every moment."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task)
        self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for request in self._host.overdue(self._clock.monotonic_s(), self._clock.now_ms(), self._patience_s):
                try:
                    await publish(self._bus, request)
                except MillwrightError as error:  # the next payload opens the next gap
                    logger.info("an edge node was not asked for its births: %s", error.message)
