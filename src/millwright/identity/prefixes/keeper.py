"""Background work of prefixes: what is over expires, who is gone is replaced, the index learns what it lacks."""

from __future__ import annotations

import asyncio
import logging

from millwright.cases import SYSTEM
from millwright.identity.prefixes.service import Prefixes
from millwright.kernel import ROOT, Clock, MillwrightError, end, new_id
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of
from millwright.parties import AuthorityStore

logger = logging.getLogger(__name__)


class PrefixKeeper:
    """Looks every few seconds; puts everything into the index when it starts. A :class:`millwright.kernel.Part`.

    Safe in several processes at once.
    """

    def __init__(
        self, prefixes: Prefixes, authorities: AuthorityStore, recorder: Recorder, clock: Clock, *, every_s: float = 5.0
    ) -> None:
        self._prefixes, self._authorities, self._recorder = prefixes, authorities, recorder
        self._clock, self._every_s = clock, every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="prefixes")

    async def stop(self) -> None:
        """Stop; what is half done is done at the next start."""
        await end(self._task)
        self._task = None

    async def _run(self) -> None:
        fresh, failing = True, False
        while True:
            try:
                if fresh:
                    await self._prefixes.teller.tell_all()
                    fresh = False
                await self.look()
                failing = False
            except MillwrightError as error:
                if not failing:
                    logger.warning("prefixes wait: %s %s", error.message, error.hint)
                failing = True
            except Exception:
                if not failing:
                    logger.exception("prefixes wait")
                failing = True
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """One round."""
        store = self._prefixes.desk.store
        for prefix_id in await asyncio.to_thread(store.due, self._clock.now_ms()):
            await self._expire(prefix_id)
        await asyncio.to_thread(self._appoint)
        ended = await asyncio.to_thread(store.end_orphans)
        if ended:
            logger.info("%d prefixes of organisations that are gone have ended", ended)
        await self._prefixes.teller.catch_up()

    async def _expire(self, prefix_id: str) -> None:
        """End what is over, and put it into the ledger as the node's own act."""
        act = Act()

        def work() -> None:
            with self._prefixes.desk.opened_by_node(prefix_id) as opened:
                until_ms = opened.row.until_ms
                if until_ms is not None and until_ms <= opened.now_ms:  # else it was renewed meanwhile
                    opened.fire("expire", SYSTEM)
                    opened.save()

        try:
            with acting(act):
                await asyncio.to_thread(work)
        except MillwrightError as error:
            logger.info("%s was changed meanwhile: %s", prefix_id, error.message)
            return
        draft = Draft(
            id=new_id("led"),
            at_ms=self._clock.now_ms(),
            actor=Actor("system", "prefixes", "Millwright"),
            action="prefixes.expire",
            target=Target("prefix", prefix_id),
            outcome="done",
        )
        if act.notes:
            await self._recorder.record(entries_of(act, draft))

    def _appoint(self) -> None:
        """Prefixes whose registrar was removed go to the organisation above their holder."""
        store = self._prefixes.desk.store
        orphans = store.without_registrar()
        if not orphans:
            return
        tree = self._authorities.tree()
        for row in orphans:
            node = tree.nodes.get(row.organisation_id)
            above = ROOT if node is None or node.parent_id is None else node.parent_id
            store.appoint(row.id, above)
            logger.warning("%s is decided by %s from now on: who decided before is gone", row.prefix, above)
