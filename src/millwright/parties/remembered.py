"""What sessions may do, remembered for a second: a change made in another process is known after that long."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from millwright.kernel import Clock
from millwright.parties.authority import Authority, Tree, masked
from millwright.parties.model import Session
from millwright.parties.permissions import bundles
from millwright.parties.store import AuthorityStore

REMEMBER_S = 1.0
"""How long something is remembered."""

REMEMBER_MOST = 4096
"""How many sessions are remembered."""


class RememberedAuthorities:
    """The authorities of sessions, over one tree that all of them share."""

    def __init__(self, store: AuthorityStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: OrderedDict[tuple[str, str], tuple[float, Authority]] = OrderedDict()
        self._tree: tuple[float, asyncio.Task[Tree]] | None = None
        self._epoch = 0

    def forget(self) -> None:
        """Work everything out again. What is being worked out meanwhile may be of before, and is not remembered."""
        self._epoch += 1
        self._known.clear()
        self._tree = None

    async def get(self, session: Session) -> Authority:
        """What a session may do, and where."""
        key = (session.id, session.person.id)
        now_s = self._clock.monotonic_s()
        known = self._known.get(key)
        if known is not None and now_s - known[0] < REMEMBER_S:
            return known[1]
        epoch = self._epoch
        tree = await self.tree()
        held = await asyncio.to_thread(self._store.held, session.person.id)
        mask = masked(session.person.roles, bundles()) if session.method == "token" else None
        found = Authority(session.person.id, held, tree, self._clock.now_ms(), mask)
        if epoch == self._epoch:
            self._known[key] = (now_s, found)
        while len(self._known) > REMEMBER_MOST:
            self._known.popitem(last=False)
        return found

    async def tree(self) -> Tree:
        """The tree, read once a second for all who ask, also for those that ask while it is being read."""
        now_s = self._clock.monotonic_s()
        kept = self._tree
        if kept is None or now_s - kept[0] >= REMEMBER_S:
            reading = asyncio.create_task(asyncio.to_thread(self._store.tree), name="tree of organisations")
            kept = self._tree = (now_s, reading)
        try:
            return await asyncio.shield(kept[1])
        finally:
            if self._tree is kept and kept[1].done() and (kept[1].cancelled() or kept[1].exception()):
                self._tree = None
