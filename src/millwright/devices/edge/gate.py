"""Who may come in, kept in step with the records: the hub's configuration, and whom the receiver serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from millwright.devices.changes import Changes
from millwright.devices.edge.receiver import EdgeReceiver
from millwright.devices.edge.store import EdgeStore
from millwright.devices.watch import ChangeWatch
from millwright.kernel import Bus, Repeat

logger = logging.getLogger(__name__)

_EVERY_S = 5.0


class EdgeGate:
    """A :class:`millwright.kernel.Part`. ``let_in`` is given id → public key whenever that changed, and first of all.

    An edge that is enrolled or revoked is taken up at once by the event, and within seconds when that was lost.
    """

    def __init__(
        self,
        store: EdgeStore,
        receiver: EdgeReceiver,
        bus: Bus,
        changes: Changes,
        let_in: Callable[[dict[str, str]], Awaitable[None]],
    ) -> None:
        self._store, self._receiver, self._let_in = store, receiver, let_in
        self._watch = ChangeWatch(bus, changes, self._on_change)
        self._known: dict[str, str] | None = None
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()
        self._repeat = Repeat(
            self.look,
            _EVERY_S,
            first_s=_EVERY_S,
            name="edge gate",
            lost="who may come in as an edge cannot be read",
            back="who may come in as an edge is read again",
            log=logger,
        )

    async def start(self) -> None:
        """Let in who may, and keep to that."""
        await self.look()
        await self._watch.start()
        await self._repeat.start()

    async def stop(self) -> None:
        """Keep to it no more."""
        await self._repeat.stop()
        await self._watch.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def look(self) -> None:
        """Read who may come in; a changed list is taken over."""
        async with self._lock:
            keys = await asyncio.to_thread(self._store.keys)
            if keys == self._known:
                return
            await self._let_in(keys)
            await self._receiver.admit(sorted(keys))
            self._known = keys

    def _on_change(self, _device_id: str) -> None:
        task: asyncio.Task[object] = asyncio.create_task(self._changed())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _changed(self) -> None:
        if await self._repeat.once():
            try:
                await self._receiver.nudge()
            except Exception as error:  # the edges ask by themselves a few seconds later
                logger.debug("edges were not told of a change: %r", error)
