"""Tells the historian whether somebody follows arrivals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from millwright.devices.history_export.store import ReadingExportStore
from millwright.engines.sql import Records
from millwright.historian import LATE_KEPT_DAYS
from millwright.kernel import Clock, Repeat

logger = logging.getLogger(__name__)

LOOK_S: Final = 5.0
DAY_MS: Final = 86_400_000
SURE_MS: Final = 15_000
"""An export of what is new begins so long after it was made: by then every historian follows."""


class ArrivalsWanted:
    """Looks for exports of what is new. A :class:`millwright.kernel.Part`; ``records`` sees everything.

    One that got no further for as long as late arrivals are kept is not counted: the historian does not note for ever
    for what nobody fetches, be its owner gone, its organisation, or the wish.
    """

    def __init__(self, records: Records, tell: Callable[[bool], None], clock: Clock) -> None:
        self._store, self._tell, self._clock = ReadingExportStore(records), tell, clock
        self._looking = Repeat(
            self.look,
            LOOK_S,
            name="arrivals wanted",
            lost="whether arrivals are followed cannot be looked up",
            back="whether arrivals are followed is known again",
            log=logger,
        )

    async def start(self) -> None:
        """Look from now on."""
        await self._looking.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._looking.stop()

    async def look(self) -> None:
        """One look. Raises the records' ``Unavailable``; it stays as it was then."""
        since_ms = self._clock.now_ms() - LATE_KEPT_DAYS * DAY_MS
        self._tell(await asyncio.to_thread(self._store.follows, since_ms))
