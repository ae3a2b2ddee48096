"""The daily snapshot of what each organisation's readings take on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from millwright.kernel import Clock, Repeat
from millwright.metering import STORED_BYTES, Calendar, CountStore

logger = logging.getLogger(__name__)

_LOOK_S: Final = 600.0
_FIRST_S: Final = 60.0
"""A node that starts has other things to do first."""


class StoredBytes(Repeat):
    """Measures once a day and writes byte-days. A :class:`millwright.kernel.Part`, in the historian role.

    A day has the first measurement of it; one on which the node did not run has none, and costs nothing.
    """

    def __init__(
        self,
        measure: Callable[[], Awaitable[Mapping[str, int]]],
        owners: Callable[[Collection[str]], Mapping[str, str]],
        store: CountStore,
        calendar: Calendar,
        clock: Clock,
        *,
        first_s: float = _FIRST_S,
    ) -> None:
        super().__init__(
            self.look,
            _LOOK_S,
            first_s=first_s,
            name="metering-snapshots",
            lost="what organisations store could not be measured; it is tried again",
            back="what organisations store is measured again",
            log=logger,
        )
        self._measure, self._owners, self._store = measure, owners, store
        self._calendar, self._clock = calendar, clock

    async def look(self) -> bool:
        """Measure unless today was; says whether it did."""
        today = self._calendar.day_of(self._clock.now_ms())
        hour = self._calendar.hour_of(today)
        known = await asyncio.to_thread(self._store.sums, hour, hour + 1)
        if any(meter == STORED_BYTES.name for _, meter in known):
            return False
        measured = await self._measure()
        owners = await asyncio.to_thread(self._owners, list(measured))
        total: dict[tuple[str, str, int], int] = {}
        for device_id, size in measured.items():
            if device_id in owners:
                key = (owners[device_id], STORED_BYTES.name, hour)
                total[key] = total.get(key, 0) + size
        await asyncio.to_thread(self._store.put, total)
        return bool(total)
