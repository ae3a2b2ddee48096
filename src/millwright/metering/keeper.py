"""Background work: what removed organisations used is forgotten when its time is over."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from millwright.engines.sql import Records
from millwright.kernel import Clock, Repeat
from millwright.metering.store import DepartedStore

logger = logging.getLogger(__name__)

_KEPT_MS: Final = 731 * 86_400_000


class DepartedKeeper(Repeat):
    """Looks every hour. A :class:`millwright.kernel.Part`. Safe in several processes at once."""

    def __init__(self, records: Records, clock: Clock, *, every_s: float = 3600.0) -> None:
        super().__init__(
            self.look,
            every_s,
            name="metering-departed",
            lost="counts of removed organisations are kept longer",
            back="counts of removed organisations are forgotten again",
            log=logger,
        )
        self._store, self._clock = DepartedStore(records), clock

    async def look(self) -> None:
        """One round."""
        gone = await asyncio.to_thread(self._store.forget, self._clock.now_ms() - _KEPT_MS)
        if gone:
            logger.info("the counts of %d organisations, removed two years ago, are forgotten", gone)
