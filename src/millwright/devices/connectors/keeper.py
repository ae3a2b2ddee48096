"""Whether the process that speaks field protocols is wanted: a marker file, kept by the web role, says so to whoever
supervises processes on this machine. While no connection is enabled and nobody asks anything, it costs no memory.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from millwright.devices.connectors.store import ConnectionStore
from millwright.kernel import Clock, Repeat

logger = logging.getLogger(__name__)

_EVERY_S = 1.0
_SURE_S = 30.0


class HostKeeper(Repeat):
    """Keeps the marker. ``store`` sees every organisation. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: ConnectionStore, marker: Path, clock: Clock, linger_s: float) -> None:
        super().__init__(
            self.look,
            _EVERY_S,
            name="connectors wanted",
            lost="whether connections are enabled cannot be read",
            back="whether connections are enabled can be read again",
            log=logger,
        )
        self._store, self._marker, self._clock, self._linger_s = store, marker, clock, linger_s
        self._asked = marker.with_suffix(".asked")
        self._revision = -1
        self._looked_s = float("-inf")
        self._enabled = False

    async def wake(self) -> None:
        """Somebody asks the host: it is wanted from now on for a while."""
        await asyncio.to_thread(self._ask)

    async def look(self) -> None:
        """Bring the marker to what is configured."""
        now_s = self._clock.monotonic_s()
        revision = await asyncio.to_thread(self._store.revision)
        # An organisation that was suspended or removed moves no counter of ours, so all is read now and then.
        if revision != self._revision or now_s - self._looked_s > _SURE_S:
            self._enabled = bool(await asyncio.to_thread(self._store.enabled))
            self._revision, self._looked_s = revision, now_s
        await asyncio.to_thread(self._bring_about)

    def _ask(self) -> None:
        # In a file, since more than one process of a node may ask: at an edge, what the parent asks comes another way.
        self._asked.write_text(str(self._clock.now_ms() + round(self._linger_s * 1000)))
        self._mark(wanted=True)

    def _bring_about(self) -> None:
        self._mark(wanted=self._enabled or self._is_asked())

    def _is_asked(self) -> bool:
        try:
            left_ms = int(self._asked.read_text()) - self._clock.now_ms()
        except (OSError, ValueError):
            return False
        return 0 < left_ms <= self._linger_s * 1000  # more: the clock was set back since

    def _mark(self, *, wanted: bool) -> None:
        if wanted:
            if not self._marker.exists():
                self._marker.touch()
        else:
            self._marker.unlink(missing_ok=True)
