"""The process that exports readings: it makes one run after another, and ends when none waits."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from millwright.devices.history_export import errors
from millwright.devices.history_export.running import Cancelled, ReadingExportRunner, Stopped
from millwright.devices.history_export.store import ReadingExportFiles, ReadingExportStore, settings_of
from millwright.devices.registry.store import DeviceStore
from millwright.devices.rights import READINGS_EXPORT
from millwright.engines.sql import Records
from millwright.historian import HISTORY_READ, SETTLED_MS, HistorianClient
from millwright.kernel import Clock, Denied, MillwrightError, QueueWorker
from millwright.kernel.scope import Scope
from millwright.parties import Standing

logger = logging.getLogger(__name__)

MOST_TRIES: Final = 3
"""A run whose process ended so often is not begun again."""


class ReadingExportWorker:
    """Works on runs. A :class:`millwright.kernel.Part`; ``ends``: sends its process SIGTERM when nothing waits.

    ``records`` sees everything; devices are looked up in what the export's owner may read there now.
    """

    def __init__(
        self,
        records: Records,
        standing: Standing,
        historian: HistorianClient,
        files: ReadingExportFiles,
        clock: Clock,
        *,
        ends: bool = True,
        most_mb: int = 4_096,
        disk_stop_mb: int = 0,
    ) -> None:
        self._records, self._standing, self._historian = records, standing, historian
        self._files, self._clock = files, clock
        self._most_mb, self._disk_stop_mb = most_mb, disk_stop_mb
        self._store = ReadingExportStore(records)
        self._work = QueueWorker("export readings", files.lock, self._step, ends=ends)
        self._served: list[str] = []

    async def start(self) -> None:
        """Begin to work."""
        await self._work.start()

    async def stop(self) -> None:
        """Stop; a run under way is made anew by the next process."""
        await self._work.stop()

    async def _step(self) -> bool:
        """Work on one run; returns whether there was one."""
        row = await asyncio.to_thread(self._begun)
        if row is None:
            return False
        if row.tries > MOST_TRIES:
            logger.error("the export %s ended its process %s times; it is not made", row.export_id, MOST_TRIES)
            await self._fail(row, errors.unfinished(MOST_TRIES))
            return True
        export = await asyncio.to_thread(self._store.find, row.export_id)
        try:
            await self._make(row, "" if export is None else export.name)
        except Stopped:  # it was not its fault
            await asyncio.to_thread(self._store.update_run, row.id, ("running",), tries=row.tries - 1)
            return True
        except Cancelled:
            await self._over(row, "cancelled")
        except MillwrightError as error:
            logger.warning("the export %s failed: %s", row.export_id, error.message)
            await self._fail(row, error)
        except Exception as error:
            logger.exception("the export %s failed", row.export_id)
            message = f"{type(error).__name__}: {error}"[:500]
            await self._over(row, "failed", {"code": "readings.export_failed", "message": message, "hint": ""})
        return True

    def _begun(self) -> Any:
        """The run to work on, its window settled: a run that is made anew has the same."""
        row = self._store.next(self._served)
        if row is None:
            return None
        self._served = [each for each in self._served if each != row.organisation_id] + [row.organisation_id]
        now_ms = self._clock.now_ms()
        values: dict[str, Any] = {"state": "running", "tries": row.tries + 1}
        if row.started_ms is None:
            values["started_ms"] = now_ms
        if row.from_ms is None:
            export = self._store.find(row.export_id)
            reached = now_ms if export is None or export.reached_ms is None else export.reached_ms
            values |= {"from_ms": reached, "to_ms": max(reached, now_ms - SETTLED_MS)}
        self._store.update_run(row.id, ("waiting", "running"), **values)
        return self._store.find_run(row.id)

    async def _make(self, row: Any, name: str) -> None:
        if row.wanted == "cancel":
            raise Cancelled
        scope = await asyncio.to_thread(self._allowed, row)
        most_mb, settings = self._most_mb, settings_of(row)
        if await asyncio.to_thread(self._store.bytes_of, row.organisation_id) > 2 * most_mb * 1_000_000:
            raise errors.too_large("All files of exports of the organisation together", 2 * most_mb)
        runner = ReadingExportRunner(
            row, name, DeviceStore(self._records.scoped(scope)), self._historian, self._store, self._files,
            self._work.wait, most_mb=most_mb, disk_stop_mb=self._disk_stop_mb,
        )  # fmt: skip
        found = await runner.run()
        now = await asyncio.to_thread(self._allowed, row)
        if not set(found["organisations"]) <= now.organisations:
            raise errors.owner_gone()
        now_ms = self._clock.now_ms()
        await asyncio.to_thread(runner.publish, found, now_ms)
        reached_ms = row.to_ms if settings.window.kind == "new" else None
        values = {**found, "series_total": found["series"], "ended_ms": now_ms}
        if not await asyncio.to_thread(self._store.finish, row, reached_ms, **values):
            raise Cancelled

    def _allowed(self, row: Any) -> Scope:
        """What the owner may read there now. Raises ``Denied`` when they are gone, or may not export any more."""
        try:
            _, authority = self._standing.stand_in(row.who, "", "cookie")
        except Denied as error:
            raise errors.owner_gone() from error
        scope = authority.scope(HISTORY_READ.name, row.organisation_id)
        if not scope or not authority.may(READINGS_EXPORT.name, row.organisation_id):
            raise errors.owner_gone()
        return scope

    async def _fail(self, row: Any, error: MillwrightError) -> None:
        await self._over(row, "failed", {"code": error.code, "message": error.message, "hint": error.hint})

    async def _over(self, row: Any, state: str, error: dict[str, str] | None = None) -> None:
        await asyncio.to_thread(self._files.remove, row.id)
        values = {"state": state, "ended_ms": self._clock.now_ms(), "error": error}
        await asyncio.to_thread(self._store.update_run, row.id, ("waiting", "running"), **values)
