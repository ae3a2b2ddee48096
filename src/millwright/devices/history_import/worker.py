"""The process that imports readings: it takes one import after another, and ends when none waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

from millwright.devices.directory import DeviceDirectory
from millwright.devices.history_import.running import ReadingImportRun, Stopped, device_finder
from millwright.devices.history_import.store import ReadingImportFiles, ReadingImportStore
from millwright.devices.models.store import ModelStore
from millwright.devices.properties import PropertyService, PropertyStore
from millwright.devices.registry.store import DeviceStore
from millwright.engines.sql import Records
from millwright.historian import HistorianClient
from millwright.kernel import ROOT, Clock, MillwrightError, QueueWorker
from millwright.kernel.scope import Scope
from millwright.metering import POINTS, Batch, CountStore

logger = logging.getLogger(__name__)

HOUR_MS: Final = 3_600_000


class ReadingImportWorker:
    """Works on imports. A :class:`millwright.kernel.Part`; ``ends``: sends its process SIGTERM when nothing waits.

    ``records`` sees everything; devices are looked up among those of the import's own scope.
    """

    def __init__(
        self,
        records: Records,
        historian: HistorianClient,
        files: ReadingImportFiles,
        clock: Clock,
        *,
        ends: bool = True,
    ) -> None:
        self._records, self._historian, self._files = records, historian, files
        self._clock = clock
        self._store = ReadingImportStore(records)
        devices, models = DeviceStore(records), ModelStore(records)
        self._devices, self._counts = devices, CountStore(records)
        self._directory = DeviceDirectory(devices, models)
        self._properties = PropertyService(PropertyStore(records), devices, models, clock)
        self._work = QueueWorker("import readings", files.lock, self._begin, ends=ends)

    async def start(self) -> None:
        """Begin to work."""
        await self._work.start()

    async def stop(self) -> None:
        """Stop behind the part at hand; what is left is done by the next process."""
        await self._work.stop()

    async def _begin(self) -> bool:
        return await asyncio.to_thread(self._step, asyncio.get_running_loop())

    def _step(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Work on one import; returns whether there was one."""
        row = self._store.next()
        if row is None:
            return False
        if row.state == "waiting":
            begun = row.started_ms or self._clock.now_ms()
            if not self._store.update(row.id, ("waiting",), state="running", started_ms=begun, ended_ms=None):
                return True
        row = self._store.find(row.id)
        if row is not None:
            self._finish(row, loop)
        return True

    def _meter(self, import_id: str, row: int, readings: Mapping[str, int]) -> None:
        """Count what was brought in for whom it belongs to, as what is received is counted."""
        owners, now_ms = self._devices.known(list(readings)), self._clock.now_ms()
        counts: dict[tuple[str, str, int], int] = {}
        for device_id, count in readings.items():
            key = owners.get(device_id, ROOT), POINTS.name, now_ms // HOUR_MS
            counts[key] = counts.get(key, 0) + count
        self._counts.record(f"import/{import_id}", [Batch(row, counts)], now_ms)

    def _finish(self, row: Any, loop: asyncio.AbstractEventLoop) -> None:
        values: dict[str, Any] = {}
        self._directory.drop("*")
        confined = DeviceStore(self._records.scoped(Scope(frozenset(row.scope))))
        run = ReadingImportRun(
            row, device_finder(confined, self._directory), self._historian, self._properties, self._store,
            self._files, loop, self._work.stopping.wait, self._meter,
        )  # fmt: skip
        try:
            state = run.run()
        except Stopped:
            return
        except MillwrightError as error:
            logger.warning("the import %s failed: %s", row.id, error.message)
            state, values = "failed", {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        except Exception as error:
            logger.exception("the import %s failed", row.id)
            message = f"{type(error).__name__}: {error}"[:500]
            state, values = "failed", {"error": {"code": "readings.import_failed", "message": message, "hint": ""}}
        if state == "stopped":
            return
        if state != "paused":
            values["ended_ms"] = self._clock.now_ms()
        self._store.update(row.id, ("running",), state=state, **values)
