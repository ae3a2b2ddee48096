"""Following the log: in the role that resolves, for what other processes and other nodes wrote."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from millwright.identity.records.log import CHANGED
from millwright.identity.records.service import Records
from millwright.kernel import Bus, Clock, Conflict, Corrupt, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

_LOOK_S = 1.0
_AFTER_S = 0.02
"""Who changed something has told so when it was done; one that dies before is found by looking."""


class Follower:
    """Brings the index up to the log, when it is told of a change and each second. A :class:`millwright.kernel.Part`.

    What does not verify stops it, for good; until then the index stays as it was, and a problem says so.
    """

    def __init__(self, records: Records, bus: Bus, clock: Clock) -> None:
        self._records, self._bus, self._clock = records, bus, clock
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._problem: tuple[MillwrightError, int] | None = None
        self._there_ms = 0

    async def start(self) -> None:
        """Follow from now on."""
        self._unsubscribe = await self._bus.subscribe(CHANGED, self._hear)
        self._there_ms = self._clock.now_ms()
        self._task = asyncio.create_task(self._run(), name="follow the log of identifiers")

    async def stop(self) -> None:
        """Follow no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
        task, self._task = self._task, None
        await end(task)

    async def _hear(self, _subject: str, payload: bytes) -> None:
        if not payload.isdigit() or int(payload) > self._records.position:
            self._told.set()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._step)
                self._there_ms = self._clock.now_ms()
                self._problem = None
            except (Corrupt, Conflict) as error:
                self._note(error)
                if error.code != "lmdb.corrupt":
                    return
                self._records.suspect = True
            except MillwrightError as error:
                self._note(error)
                self._records.lacking = self._records.lacking or error.code == "records.log_trimmed"
            except Exception:
                logger.exception("the log of identifiers could not be followed")
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                continue
            self._told.clear()
            await asyncio.sleep(_AFTER_S)

    def _step(self) -> None:
        if self._records.suspect:
            try:
                self._records.verify()
                self._records.suspect = False
            except Corrupt as error:
                logger.error("%s The index is built anew from the log.", error.message)
                self._records.rebuild()
        if self._records.lacking:
            self._records.rebuild()
        self._records.catch_up()

    def _note(self, error: MillwrightError) -> None:
        if self._problem is None or self._problem[0].code != error.code:
            logger.error("the log of identifiers is not followed: %s", error.message)
            self._problem = error, self._clock.now_ms()

    def counters(self) -> dict[str, float]:
        """What was written by this process, and applied of others."""
        found = self._records
        return {
            "identifier_batches": found.batches,
            "identifier_changes": found.changes,
            "identifier_applied": found.applied,
        }

    def gauges(self) -> dict[str, float]:
        """How far the index is, and how much it holds."""
        found = self._records
        try:
            state, stats = found.state(), found.stats()
        except MillwrightError:
            return {}
        lag = found.lag
        return {
            "identifiers": stats["handles"],
            "identifier_prefixes": stats["prefixes"],
            "identifier_bytes": stats["bytes_used"],
            "identifier_position": state.position,
            "identifier_lag": lag,
            # Cut off from the log nobody knows how much is lacking, but for how long.
            "identifier_lag_s": round((self._clock.now_ms() - self._there_ms) / 1000, 3)
            if lag or self._problem is not None
            else 0.0,
        }

    def problems(self) -> list[dict[str, Any]]:
        """What keeps the index from following the log."""
        if self._problem is None:
            return []
        error, since_ms = self._problem
        return [{"code": error.code, "message": error.message, "hint": error.hint, "since_ms": since_ms}]
