"""Use cases of imports of readings. Works in the scope at hand."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from millwright.devices.directory import DeviceDirectory
from millwright.devices.history_import import errors
from millwright.devices.history_import.guessing import guess
from millwright.devices.history_import.model import (
    NewReadingImport,
    PreviewColumn,
    PreviewReading,
    ReadingImportInfo,
    ReadingImportPage,
    ReadingImportSettings,
    ReadingPreview,
    RefusedReadings,
    plain,
)
from millwright.devices.history_import.reading import HistoryReader, check_settings
from millwright.devices.history_import.refusals import read_page, write_csv
from millwright.devices.history_import.running import device_finder
from millwright.devices.history_import.store import NOTHING, ReadingImportFiles, ReadingImportStore, info_of
from millwright.devices.history_import.times import TimeReader
from millwright.devices.models.store import ModelStore
from millwright.devices.registry.store import DeviceStore
from millwright.engines.sql import Records
from millwright.engines.tables import estimate, format_of, opened
from millwright.kernel import ROOT, Clock, Invalid, current_scope
from millwright.ledger import note
from millwright.parties import Session

_MOST_PAGE: Final = 200
_SAMPLES: Final = 5
_SHOWN: Final = 20


class ReadingImports:
    """The room's service; ``records`` is confined to the scope at hand."""

    def __init__(
        self,
        records: Records,
        files: ReadingImportFiles,
        clock: Clock,
        *,
        most_mb: int = 4_096,
        look_now: Callable[[], None] = lambda: None,
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self.files, self._clock = ReadingImportStore(records), files, clock
        self._devices, self._models = DeviceStore(records), ModelStore(records)
        self._most_mb, self.look_now, self._is_full = most_mb, look_now, is_full

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> ReadingImportPage:
        """Imports, newest first."""
        limit = min(limit, _MOST_PAGE)
        rows = await asyncio.to_thread(self._store.page, cursor, limit + 1)
        following = rows[limit - 1].id if len(rows) > limit else None
        return ReadingImportPage([info_of(row) for row in rows[:limit]], following)

    async def get(self, import_id: str) -> ReadingImportInfo:
        """One import. Raises ``NotFound`` (``readings.import_unknown``)."""
        return info_of(await asyncio.to_thread(self._row, import_id))

    def _row(self, import_id: str) -> Any:
        row = self._store.find(import_id)
        if row is None:
            raise errors.unknown(import_id)
        return row

    async def create(self, session: Session, new: NewReadingImport) -> ReadingImportInfo:
        """An import whose file is to be sent. Raises ``Invalid`` for a file of an unknown kind."""
        kind = new.format or format_of(new.file_name)
        who, whose = (session.person.id, session.person.name), current_scope().home or ROOT

        def make() -> str:
            made = self._store.insert(whose, new.file_name, kind, who, self._clock.now_ms())
            self.files.make(made)
            return made

        import_id = await asyncio.to_thread(make)
        after = {"file_name": new.file_name, "format": kind}
        note("reading_import", import_id, new.file_name, after=after, organisation=whose)
        return await self.get(import_id)

    async def append(self, import_id: str, offset: int, data: bytes) -> ReadingImportInfo:
        """The next bytes of the file. Raises ``NotFound``, ``Conflict`` (``readings.import_offset``,
        ``readings.import_state``), ``LimitExceeded``."""
        await asyncio.to_thread(self._append, import_id, offset, data)
        return await self.get(import_id)

    def _append(self, import_id: str, offset: int, data: bytes) -> None:
        row = self._row(import_id)
        if row.state != "uploading":
            raise errors.wrong_state(row.state)
        if offset != row.file_bytes:
            raise errors.wrong_offset(row.file_bytes)
        most = self._most_mb * 1024 * 1024
        if offset + len(data) > most:
            raise errors.too_large("The file", self._most_mb)
        if self._is_full():
            raise errors.disk_full()
        if self._store.bytes_of(row.organisation_id) + len(data) > 2 * most:
            raise errors.too_large("All files of imports of the organisation together", 2 * self._most_mb)
        if self.files.used_bytes() + len(data) > 4 * most:
            raise errors.too_large("All files of imports together", 4 * self._most_mb)
        self.files.make(import_id)
        with self.files.source(import_id).open("r+b" if offset else "wb") as file:
            file.truncate(offset)  # what stands behind was sent, and not acknowledged
            file.seek(offset)
            file.write(data)
        self._store.update(import_id, ("uploading",), file_bytes=offset + len(data))

    async def preview(self, import_id: str, settings: ReadingImportSettings | None) -> ReadingPreview:
        """The file's columns and its first readings, by these settings or by a guess.

        Raises ``NotFound``, ``Invalid`` (``tables.unreadable``; ``readings.import_columns`` for settings given).
        """
        row = await asyncio.to_thread(self._row, import_id)
        return await asyncio.to_thread(self._preview, row, settings)

    def _preview(self, row: Any, settings: ReadingImportSettings | None) -> ReadingPreview:
        path = self.files.source(row.id)
        with opened(path, row.file_format) as (columns, rows):
            found = list(islice(rows, _SHOWN))
        chosen = settings or guess(columns)
        shown = [
            PreviewColumn(
                name=name,
                samples=[each[at][:200] for _, each in found[:_SAMPLES] if at < len(each) and each[at]],
            )
            for at, name in enumerate(columns)
        ]
        find = device_finder(self._devices, DeviceDirectory(self._devices, self._models))
        readings: builtins.list[PreviewReading] = []
        try:
            read = HistoryReader(columns, chosen, self._clock.now_ms(), find).read(1, found)
        except Invalid:
            if settings is not None:
                raise
        else:
            batch, named = read.batch, self._devices.names([key for key, _ in read.names if key.startswith("dev_")])
            for at, (number, (device, name)) in enumerate(zip(read.rows, read.names, strict=True)):
                readings.append(
                    PreviewReading(
                        row=number, time_ms=int(batch.time_ms[at]), device=named.get(device, device), property=name,
                        value=batch.value(at), quality=int(batch.quality[at]),
                    )
                )  # fmt: skip
            readings += [
                PreviewReading(row=each.row, property=each.column, reason=each.reason, reason_zh=each.reason_zh)
                for each in read.refused
            ]
            readings.sort(key=lambda each: each.row)
        total = estimate(path, row.file_format)
        return ReadingPreview(columns=shown, settings=chosen, readings=readings[:500], total=total)

    async def begin(self, import_id: str, settings: ReadingImportSettings) -> ReadingImportInfo:
        """Let the import be done: the first time, or after a dry run or a failure.

        Raises ``NotFound``, ``Invalid`` (``readings.import_columns``), ``Conflict`` (``readings.import_state``).
        """
        row = await asyncio.to_thread(self._row, import_id)
        await asyncio.to_thread(self._begin, row, settings)
        note("reading_import", import_id, row.file_name, after=settings, organisation=row.organisation_id)
        self.look_now()
        return await self.get(import_id)

    def _begin(self, row: Any, settings: ReadingImportSettings) -> None:
        tried = row.state in ("done", "cancelled") and bool((row.settings or {}).get("dry_run"))
        if row.state not in ("uploading", "failed") and not tried:
            raise errors.wrong_state(row.state)
        with opened(self.files.source(row.id), row.file_format) as (columns, _):
            check_settings(columns, settings)
            TimeReader(settings.time_format, settings.time_zone)
        scope = current_scope()
        # A failed import goes on with the same readings; one that was tried begins anew.
        again = {} if row.state == "failed" and row.settings == plain(settings) else {"started_ms": None, **NOTHING}
        values: dict[str, Any] = {"settings": plain(settings), "scope": sorted(scope.organisations), **again}
        if not self._store.update(
            row.id, (row.state,), state="waiting", wanted="run", error=None, ended_ms=None, told=False, **values
        ):
            raise errors.wrong_state("changed meanwhile")

    async def pause(self, import_id: str) -> ReadingImportInfo:
        """Go on later: behind the part at hand. Raises ``NotFound``, ``Conflict``."""
        return await self._want(import_id, "pause", waiting="paused")

    async def resume(self, import_id: str) -> ReadingImportInfo:
        """Go on with an import that was paused. Raises ``NotFound``, ``Conflict``."""
        row = await asyncio.to_thread(self._row, import_id)
        values = {"state": "waiting", "wanted": "run"}
        if not await asyncio.to_thread(self._store.update, import_id, ("paused",), **values) and not (
            row.wanted == "pause" and await asyncio.to_thread(self._store.update, import_id, ("running",), wanted="run")
        ):
            raise errors.wrong_state(row.state)
        note("reading_import", import_id, row.file_name, after={"resumed": True}, organisation=row.organisation_id)
        self.look_now()
        return await self.get(import_id)

    async def cancel(self, import_id: str) -> ReadingImportInfo:
        """Do no more of it; what is in history stays. Raises ``NotFound``, ``Conflict``."""
        return await self._want(import_id, "cancel", waiting="cancelled")

    async def _want(self, import_id: str, what: str, *, waiting: str) -> ReadingImportInfo:
        row = await asyncio.to_thread(self._row, import_id)
        values: dict[str, Any] = {"state": waiting, "wanted": what}
        idle: tuple[str, ...] = ("waiting",)
        if what == "cancel":
            values["ended_ms"], idle = self._clock.now_ms(), ("waiting", "paused")
        if not await asyncio.to_thread(self._store.update, import_id, idle, **values) and not await asyncio.to_thread(
            self._store.update, import_id, ("running",), wanted=what
        ):
            raise errors.wrong_state(row.state)
        note("reading_import", import_id, row.file_name, after={"wanted": what}, organisation=row.organisation_id)
        return await self.get(import_id)

    async def remove(self, import_id: str) -> None:
        """Forget an import with its file and report; readings stay. Raises ``NotFound``, ``Conflict``."""
        row = await asyncio.to_thread(self._row, import_id)
        if not await asyncio.to_thread(self._store.delete, import_id):
            raise errors.wrong_state(row.state)
        await asyncio.to_thread(self.files.remove, import_id)
        before = {"file_name": row.file_name}
        note("reading_import", import_id, row.file_name, before=before, organisation=row.organisation_id)

    async def refused(self, import_id: str, cursor: str | None, limit: int) -> RefusedReadings:
        """Refused rows in the order of the file. Raises ``NotFound``, ``Invalid``."""
        row = await asyncio.to_thread(self._row, import_id)
        path = self.files.refusals(import_id)
        return await asyncio.to_thread(read_page, path, row.refused_bytes, cursor, min(limit, 1_000))

    async def refused_csv(self, import_id: str) -> Iterator[str]:
        """The whole report, some rows at a time; reading it blocks. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._row, import_id)
        return write_csv(self.files.refusals(import_id), row.refused_bytes)
