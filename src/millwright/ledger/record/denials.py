"""Denied and failed attempts: each told once or a few times, then counted, so that an attack cannot flood the log."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import msgspec

from millwright.kernel import Clock, MillwrightError, end, new_id
from millwright.ledger.model import Actor, Draft, Target
from millwright.ledger.record.recorder import Recorder
from millwright.ledger.record.sealing import seal

logger = logging.getLogger(__name__)

EACH = 3
"""Attempts of one kind that are told singly in an interval."""

MOST_KINDS = 100
"""Kinds of attempts told apart in an interval; the rest are counted together."""

_Key = tuple[str, str, str, str, str]
_REST: _Key = ("", "", "", "", "")


@dataclass(slots=True)
class _Count:
    last: Draft
    told: int = 0
    untold: int = 0


class Denials:
    """Gathers attempts in one process. A :class:`millwright.kernel.Part`.

    Attempts are of one kind when actor, address, action, error and object are the same. Of each kind the first three in
    an interval are entries of their own; at the end of the interval one entry says how many more there were.
    """

    def __init__(self, recorder: Recorder, clock: Clock, *, interval_s: float = 60.0) -> None:
        self._recorder, self._clock, self._interval_s = recorder, clock, interval_s
        self._counts: dict[_Key, _Count] = {}
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Draft] = []
        self.attempts = 0

    async def start(self) -> None:
        """Begin to tell the counts."""
        self._task = asyncio.create_task(self._run(), name="ledger-denials")

    async def stop(self) -> None:
        """Tell what was counted."""
        task, self._task = self._task, None
        await end(task)
        await self.flush()

    def admit(self, draft: Draft) -> bool:
        """Whether this attempt becomes an entry of its own; otherwise it is counted. Does no I/O."""
        self.attempts += 1
        key = (draft.actor.id, draft.address, draft.action, draft.error, draft.target.id)
        count = self._counts.get(key)
        if count is None:
            if len(self._counts) >= MOST_KINDS:
                draft = Draft(
                    id=draft.id,
                    at_ms=draft.at_ms,
                    actor=Actor("unknown"),
                    action="attempts.various",
                    target=Target("node"),
                    outcome="denied",
                )
                key = _REST
            count = self._counts.setdefault(key, _Count(draft, told=EACH if key == _REST else 0))
        if count.told < EACH:
            count.told += 1
            return True
        count.last, count.untold = draft, count.untold + 1
        return False

    async def note(self, draft: Draft) -> None:
        """Record the attempt or count it. Raises ``Unavailable`` (``ledger.unavailable``)."""
        if self.admit(draft):
            await self._recorder.record([seal(draft)])

    def offer(self, draft: Draft) -> None:
        """The same without waiting: it is recorded within a second. For callers that must not wait."""
        if self.admit(draft):
            self._waiting.append(draft)

    async def flush(self) -> None:
        """Record the counts of the interval; what cannot be recorded is kept for the next time."""
        counts, self._counts = self._counts, {}
        now_ms = self._clock.now_ms()
        drafts = [
            msgspec.structs.replace(each.last, id=new_id("led"), at_ms=now_ms, count=each.untold)
            for each in counts.values()
            if each.untold
        ]
        await self._send(drafts)

    async def _send(self, drafts: list[Draft]) -> None:
        waiting, self._waiting = [*self._waiting, *drafts], []
        if not waiting:
            return
        try:
            await self._recorder.record([seal(each) for each in waiting])
        except MillwrightError as error:
            self._waiting = (waiting + self._waiting)[: 4 * MOST_KINDS]
            logger.warning("denied attempts could not be recorded yet: %s", error.message)

    async def _run(self) -> None:
        ends_s = self._clock.monotonic_s() + self._interval_s
        while True:
            await asyncio.sleep(min(self._interval_s, 1.0))
            if self._clock.monotonic_s() >= ends_s:
                ends_s = self._clock.monotonic_s() + self._interval_s
                await self.flush()
            else:
                await self._send([])
