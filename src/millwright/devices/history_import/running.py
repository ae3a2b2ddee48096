"""One import, from its first row, or from where it was interrupted, to its end. Blocks; run it in a thread."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from itertools import islice
from typing import Any, Final

from millwright.devices.directory import DeviceDirectory
from millwright.devices.history_import.model import MOST_LISTED
from millwright.devices.history_import.reading import HistoryReader, Read
from millwright.devices.history_import.store import ReadingImportFiles, ReadingImportStore, settings_of
from millwright.devices.properties import PropertyService
from millwright.devices.registry.store import DeviceStore
from millwright.devices.telemetry import KnownDevice
from millwright.engines.tables import RefusalWriter, Row, estimate, opened
from millwright.historian import HistorianClient
from millwright.kernel import LimitExceeded, NotFound, Unavailable

logger = logging.getLogger(__name__)

READINGS_A_PART: Final = 100_000
_MOST_TEXT: Final = 3 << 20
_WRITE_S: Final = 120.0
_AGAIN_S: Final = 2.0

Wait = Callable[[float], bool]
"""Waits so many seconds; says whether the process is to end."""

Meter = Callable[[str, int, Mapping[str, int]], None]
"""Counts, of an import, the readings of each device up to a row; what was counted up to there is not counted again."""


def device_finder(devices: DeviceStore, directory: DeviceDirectory) -> Callable[[str], KnownDevice | None]:
    """Finds a device by id or name among those that ``devices`` shows."""

    def find(key: str) -> KnownDevice | None:
        found = None
        if key.startswith("dev_"):
            try:
                found = devices.get(key)
            except NotFound:
                found = None
        found = found or devices.find_by_name(key)
        return None if found is None else directory.find_device(found.id)

    return find


class ReadingImportRun:
    """Runs one import; ``loop`` is where the historian is asked and properties are noted."""

    def __init__(
        self,
        row: Any,
        find_device: Callable[[str], KnownDevice | None],
        historian: HistorianClient,
        properties: PropertyService,
        store: ReadingImportStore,
        files: ReadingImportFiles,
        loop: asyncio.AbstractEventLoop,
        wait: Wait,
        meter: Meter,
    ) -> None:
        settings = settings_of(row)
        assert settings is not None
        self._row, self._settings, self._find_device = row, settings, find_device
        self._historian, self._properties = historian, properties
        self._store, self._files, self._loop, self._wait, self._meter = store, files, loop, wait, meter
        self._counts = {name: getattr(row, name) for name in ("rows", "readings", "refused")}

    def run(self) -> str:
        """How it ended: ``done``, ``paused``, ``cancelled``, or ``stopped`` when this process shall end.

        Raises what fails it.
        """
        row, files = self._row, self._files
        if row.total is None:
            self._store.update(row.id, total=estimate(files.source(row.id), row.file_format))
        with (
            opened(files.source(row.id), row.file_format) as (columns, rows),
            RefusalWriter(files.refusals(row.id), row.refused_bytes) as refusals,
        ):
            reader = HistoryReader(columns, self._settings, row.started_ms, self._find_device)
            size = max(1, READINGS_A_PART // max(1, reader.readings_a_row))
            pending: tuple[Future[None] | None, Read, int] | None = None
            for number, part in _parts(rows, self._counts["rows"], size):
                # The next part is read while history takes the one before.
                read = reader.read(number, part)
                if pending is not None:
                    self._finish(*pending, refusals)
                    pending = None
                ended = self._ended()
                if ended:
                    return ended
                pending = (self._write(read), read, len(part))
            if pending is not None:
                self._finish(*pending, refusals)
        self._store.update(row.id, total=self._counts["rows"])
        return self._ended() or "done"

    def _write(self, read: Read) -> Future[None] | None:
        if self._settings.dry_run or not (len(read.batch) or read.news):
            return None
        return asyncio.run_coroutine_threadsafe(self._store_part(read), self._loop)

    async def _store_part(self, read: Read) -> None:
        await self._properties.note(read.news)
        batch, news, start, size = read.batch, read.news, 0, 0
        if batch.text and sum(map(len, batch.text.values())) > _MOST_TEXT:
            import numpy as np

            for row in sorted(batch.text):
                size += len(batch.text[row].encode())
                if size > _MOST_TEXT:
                    await self._historian.write(batch.take(np.arange(start, row)), news)
                    start, size, news = row, len(batch.text[row].encode()), []
            batch = batch.take(np.arange(start, len(batch)))
        await self._historian.write(batch, news)

    def _finish(self, future: Future[None] | None, read: Read, rows: int, refusals: RefusalWriter) -> None:
        """Wait until history has the part, however long it is away, and record it."""
        while future is not None:
            try:
                future.result(_WRITE_S)
                break
            except (Unavailable, LimitExceeded, TimeoutError) as error:
                logger.warning("the import %s waits for history: %s", self._row.id, error)
            if self._wait(_AGAIN_S):
                raise Stopped
            future = self._write(read)
        counts = self._counts
        refusals.write(read.refused[: max(0, MOST_LISTED - counts["refused"])])
        counts["rows"] += rows
        counts["readings"] += len(read.batch)
        counts["refused"] += len(read.refused)
        if not self._settings.dry_run:
            self._meter(self._row.id, counts["rows"], Counter(device_id for device_id, _ in read.names))
        self._store.update(self._row.id, **counts, refused_bytes=refusals.size)

    def _ended(self) -> str:
        if self._wait(0):
            return "stopped"
        row = self._store.find(self._row.id)
        if row is None or row.wanted == "cancel":
            return "cancelled"
        return "paused" if row.wanted == "pause" else ""


class Stopped(Exception):
    """The process shall end; the part at hand is done again by the next one."""


def _parts(rows: Iterator[Row], done: int, size: int) -> Iterator[tuple[int, list[Row]]]:
    """Rows that were not done yet, some at a time, with the number of the first, counted from 1."""
    rest = islice(rows, done, None)
    number = done + 1
    while part := list(islice(rest, size)):
        yield number, part
        number += len(part)
