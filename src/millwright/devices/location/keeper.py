"""Whether the tracker is wanted, and what it still needs of the intake.

A marker file, kept by the web role, says to whoever supervises processes on this machine that there are readers. While
there are none, following places costs no memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from millwright.devices.intake import INTAKE
from millwright.devices.location.keeping import TrackStore
from millwright.devices.location.store import LocationStore
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, Repeat

logger = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_SURE: Final = 30
_FRESH_S: Final = 5.0
NO_LIMIT: Final = 1 << 62


class LocationKeeper(Repeat):
    """Keeps the marker. ``store`` sees every organisation. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: LocationStore, marker: Path) -> None:
        super().__init__(
            self.look,
            _EVERY_S,
            name="location wanted",
            lost="whether there are readers of tags cannot be read",
            back="whether there are readers of tags can be read again",
            log=logger,
        )
        self._store, self._marker = store, marker
        self._revision = -1
        self._looks = 0

    async def look(self) -> None:
        """Bring the marker to what is configured."""
        revision = await asyncio.to_thread(self._store.revision)
        self._looks += 1
        # An organisation that was suspended, or a device that was removed, moves no counter of ours.
        if revision == self._revision and self._looks % _SURE:
            return
        wanted = await asyncio.to_thread(self._store.wanted)
        self._revision = revision
        if wanted:
            self._marker.touch()
        else:
            self._marker.unlink(missing_ok=True)


class Held:
    """Tells the historian up to where the intake may be trimmed: what the tracker has not taken stays, to a limit.

    ``wanted`` asks the records, for the tracker may run on another machine than the historian; it blocks.
    """

    def __init__(
        self, bus: NatsConnection, track: TrackStore, wanted: Callable[[], bool], clock: Clock, backlog_mb: int
    ) -> None:
        self._bus, self._track, self._wanted, self._clock = bus, track, wanted, clock
        self._most = backlog_mb * 1_000_000
        self._is_wanted, self._asked_s = False, float("-inf")

    async def may_go(self) -> int:
        """A sequence; very large when nobody needs anything. Raises ``Unavailable``."""
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_s >= _FRESH_S:
            self._is_wanted = await asyncio.to_thread(self._wanted)
            self._asked_s = now_s
        if not self._is_wanted:
            return NO_LIMIT
        state = await self._bus.state(INTAKE.name)
        position = await asyncio.to_thread(self._track.position, state.created)
        if position is None or position >= state.last_sequence:
            return NO_LIMIT
        waiting = state.last_sequence - max(position, state.first_sequence - 1)
        if state.messages and waiting * (state.bytes / state.messages) > self._most:
            return NO_LIMIT
        return position
