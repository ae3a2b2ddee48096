"""What the web role does for imports of readings: it starts the process that works on them, tells the ledger of their
end, and tidies up."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from millwright.devices.history_import.model import ENDED
from millwright.devices.history_import.store import ReadingImportFiles, ReadingImportStore
from millwright.engines.sql import Records
from millwright.kernel import Clock, MillwrightError, end
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of, note

logger = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_AGAIN_S: Final = 5.0
_TIDY_S: Final = 3600.0

Spawn = Callable[[], Awaitable[Any]]
"""Starts the process; what it returns has ``wait()``, ``terminate()`` and ``returncode``."""


class ReadingImportKeeper:
    """Looks whether imports wait. A :class:`millwright.kernel.Part`. ``records`` sees everything."""

    def __init__(
        self,
        records: Records,
        files: ReadingImportFiles,
        recorder: Recorder,
        clock: Clock,
        spawn: Spawn,
        *,
        keep_days: int = 30,
    ) -> None:
        self._recorder = recorder
        self._store, self._files, self._clock = ReadingImportStore(records), files, clock
        self._spawn, self._keep_ms = spawn, keep_days * 86_400_000
        self._task: asyncio.Task[None] | None = None
        self._process: Any = None
        self._told = asyncio.Event()
        self._not_before_s = 0.0
        self._tidied_s = float("-inf")

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="imports of readings")

    async def stop(self) -> None:
        """Stop looking, and the process with it; it goes on with the next start."""
        task, self._task = self._task, None
        await end(task)
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            try:
                process.terminate()
                async with asyncio.timeout(10):
                    await process.wait()
            except (TimeoutError, ProcessLookupError):
                logger.warning("the process that imports readings did not stop in time; it ends with this one")

    def look_now(self) -> None:
        """Something waits."""
        self._told.set()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except MillwrightError as error:
                logger.warning("imports of readings cannot be looked after: %s", error.message)
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                continue
            self._told.clear()

    async def look(self) -> None:
        """One round."""
        if self._process is not None and self._process.returncode is not None:
            code, self._process = self._process.returncode, None
            if code not in (0, -15):
                logger.warning("the process that imports readings ended with %s; it is started again", code)
                self._not_before_s = time.monotonic() + _AGAIN_S
        waiting = await asyncio.to_thread(self._store.next)
        if waiting is not None and self._process is None and time.monotonic() >= self._not_before_s:
            try:
                self._process = await self._spawn()
            except OSError as error:
                logger.error("the process that imports readings cannot be started: %s", error)
                self._not_before_s = time.monotonic() + _AGAIN_S
        for row in await asyncio.to_thread(self._store.untold):
            await self._tell(row)
        if time.monotonic() - self._tidied_s > _TIDY_S:
            self._tidied_s = time.monotonic()
            await asyncio.to_thread(self._tidy)

    async def _tell(self, row: Any) -> None:
        """Put the end of an import into the ledger; once, for its entry has an id of its own."""
        act = Act()
        after: dict[str, Any] = {name: getattr(row, name) for name in ("state", "rows", "readings", "refused")}
        after["dry_run"] = bool((row.settings or {}).get("dry_run"))
        with acting(act):
            note("reading_import", row.id, row.file_name, after=after, organisation=row.organisation_id)
        ended_ms = row.ended_ms or self._clock.now_ms()
        draft = Draft(
            id=f"led_{row.id.partition('_')[2]}{ended_ms:x}",
            at_ms=ended_ms,
            actor=Actor("person", row.who, row.who_name),
            action="readings.imports.end",
            target=Target("reading_import", row.id),
            outcome="failed" if row.state == "failed" else "done",
            error="" if row.error is None else str(row.error["code"]),
            organisation=row.organisation_id,
        )
        await self._recorder.record(entries_of(act, draft))
        await asyncio.to_thread(self._store.update, row.id, ENDED, told=True)

    def _tidy(self) -> None:
        """Remove what is old, and folders of imports that are gone."""
        for import_id in self._store.old(self._clock.now_ms() - self._keep_ms):
            if self._store.delete(import_id):
                self._files.remove(import_id)
        known = self._store.ids()
        for import_id in self._files.known():
            if import_id not in known:
                self._files.remove(import_id)
