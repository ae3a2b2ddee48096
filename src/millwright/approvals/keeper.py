"""Background work: what nobody decided expires, what was approved is carried out, what broke off is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from millwright.approvals.service import Approvals
from millwright.kernel import Clock, MillwrightError, Repeat
from millwright.ledger import Act, Actor, OwnActs, Recorder, Target, acting

logger = logging.getLogger(__name__)

_ANSWERS_KEPT_MS = 7 * 86_400_000
_LEFT_MS = 10_000
"""An approval that nobody carries out after this long was left by a process that died."""


class ApprovalsKeeper(Repeat):
    """Looks every few seconds. A :class:`millwright.kernel.Part`. Safe in several processes at once."""

    def __init__(self, approvals: Approvals, recorder: Recorder, clock: Clock, *, every_s: float = 5.0) -> None:
        super().__init__(
            self.look,
            every_s,
            name="approvals",
            lost="approvals wait",
            back="approvals are looked after again",
            log=logger,
        )
        self._approvals, self._clock = approvals, clock
        self._own = OwnActs(recorder, clock, Actor("system", "approvals", "Millwright"))

    async def stop(self) -> None:
        """Stop; what is being carried out ends as it may."""
        await super().stop()
        await self._approvals.settle()
        try:
            await self._own.tell()
        except MillwrightError as error:
            logger.warning("what became of approvals is not in the ledger: %s", error.message)

    async def look(self) -> None:
        """One round; nothing is done while the ledger does not take what was done before."""
        await self._own.tell()
        store, now = self._approvals.store, self._clock.now_ms()
        for each in await asyncio.to_thread(store.in_state, "asked", expired_ms=now):
            await self._told("approvals.expire", self._approvals.expire, each)
        lost_ms = now - round(self._approvals.settings.execute_timeout_s * 1000) - _LEFT_MS
        for each in await asyncio.to_thread(store.in_state, "executing", changed_ms=lost_ms):
            await self._told("approvals.interrupt", self._approvals.interrupt, each)
        for each in await asyncio.to_thread(store.in_state, "approved", changed_ms=now - _LEFT_MS):
            try:
                await self._approvals.carry_out(each)
            except MillwrightError as error:  # somebody else does it
                logger.info("%s is carried out elsewhere: %s", each, error.message)
        await asyncio.to_thread(store.erase_answers, now - _ANSWERS_KEPT_MS)

    async def _told(self, action: str, change: Callable[[str], None], approval_id: str) -> None:
        """Change a request, and put it into the ledger as the node's own act."""
        act = Act()
        try:
            with acting(act):
                await asyncio.to_thread(change, approval_id)
        except MillwrightError as error:
            logger.info("%s was decided meanwhile: %s", approval_id, error.message)
            return
        self._own.keep(act, action, Target("approval", approval_id))
        await self._own.tell()
