"""Whether the process that looks at this node's network is wanted: a marker file says so to the supervisor."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from millwright.devices.network.service import site_of
from millwright.devices.network.store import NetworkStore
from millwright.kernel import Repeat

logger = logging.getLogger(__name__)

_EVERY_S: Final = 10.0


class NetworkKeeper(Repeat):
    """Keeps the marker. ``store`` sees every organisation. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: NetworkStore, marker: Path, node: str) -> None:
        super().__init__(
            self.look,
            _EVERY_S,
            name="network wanted",
            lost="whether the network is watched cannot be read",
            back="whether the network is watched can be read again",
            log=logger,
        )
        self._store, self._marker, self._node = store, marker, node
        self._tasks: set[asyncio.Task[bool]] = set()

    def wake(self) -> None:
        """Look now, beside what is being done."""
        task = asyncio.create_task(self.once())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def look(self) -> None:
        """Bring the marker to what the records say."""
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        if self._store.wanted(site_of(self._node)):
            if not self._marker.exists():
                self._marker.touch()
        else:
            self._marker.unlink(missing_ok=True)
