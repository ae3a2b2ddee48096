"""Use cases of exports of readings. Works in the scope at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from millwright.devices.history_export import errors
from millwright.devices.history_export.following import SURE_MS
from millwright.devices.history_export.keeper import run_values
from millwright.devices.history_export.model import (
    UNDER_WAY,
    ExportFormat,
    ExportSettings,
    NewReadingExport,
    ReadingExportInfo,
    ReadingExportPage,
    ReadingExportRun,
    ReadingExportRuns,
)
from millwright.devices.history_export.schedule import check, next_due
from millwright.devices.history_export.store import (
    ReadingExportFiles,
    ReadingExportStore,
    info_of,
    run_of,
    settings_of,
)
from millwright.devices.places.store import PlaceStore
from millwright.devices.registry.store import DeviceStore
from millwright.engines.sql import Records
from millwright.historian import HISTORY_READ
from millwright.kernel import ROOT, Clock, current_scope
from millwright.ledger import note
from millwright.parties import Authority, Session

MOST_EXPORTS: Final = 100
_MOST_PAGE: Final = 200


class ReadingExports:
    """The room's service; ``records`` is confined to the scope at hand."""

    def __init__(
        self, records: Records, files: ReadingExportFiles, clock: Clock, *, look_now: Callable[[], None] = lambda: None
    ) -> None:
        self._store, self.files, self._clock = ReadingExportStore(records), files, clock
        self._devices, self._places = DeviceStore(records), PlaceStore(records)
        self.look_now = look_now

    # --- exports -------------------------------------------------------------------------------------------------

    async def list(self, *, cursor: str | None = None, limit: int = 50) -> ReadingExportPage:
        """Exports, newest first."""
        limit = min(limit, _MOST_PAGE)
        rows = await asyncio.to_thread(self._store.page, cursor, limit + 1)
        following = rows[limit - 1].id if len(rows) > limit else None
        shown = rows[:limit]
        newest = await asyncio.to_thread(self._store.newest_runs, [row.id for row in shown])
        return ReadingExportPage([info_of(row, newest.get(row.id)) for row in shown], following)

    async def get(self, export_id: str) -> ReadingExportInfo:
        """One export. Raises ``NotFound`` (``readings.export_unknown``)."""
        row = await asyncio.to_thread(self._row, export_id)
        newest = await asyncio.to_thread(self._store.newest_runs, [export_id])
        return info_of(row, newest.get(export_id))

    def _row(self, export_id: str) -> Any:
        row = self._store.find(export_id)
        if row is None:
            raise errors.unknown(export_id)
        return row

    async def create(self, session: Session, new: NewReadingExport) -> ReadingExportInfo:
        """An export of whoever asks.

        Raises ``Invalid`` (``readings.export_settings``), ``NotFound`` (a device, place), ``LimitExceeded``.
        """
        whose = current_scope().home or ROOT
        values = await asyncio.to_thread(self._values, session, new)
        now_ms = self._clock.now_ms()
        values |= {"organisation_id": whose, "created_ms": now_ms}
        if values["follows"]:
            values["reached_ms"] = now_ms + SURE_MS
        export_id = await asyncio.to_thread(self._store.insert, values, MOST_EXPORTS)
        if export_id is None:
            raise errors.too_many(MOST_EXPORTS)
        note("reading_export", export_id, new.name, after=new, organisation=whose)
        self.look_now()
        return await self.get(export_id)

    async def change(self, session: Session, export_id: str, new: NewReadingExport) -> ReadingExportInfo:
        """Save an export anew: it belongs to who saves it. Raises as :meth:`create` does."""
        row = await asyncio.to_thread(self._row, export_id)
        values = await asyncio.to_thread(self._values, session, new)
        # What is late is noted on while another window is chosen: when it is what is new again, nothing is missing.
        values["follows"] |= row.reached_ms is not None
        if values["follows"] and row.reached_ms is None:
            values["reached_ms"] = self._clock.now_ms() + SURE_MS
        await asyncio.to_thread(self._store.change, export_id, values)
        before = NewReadingExport(name=row.name, settings=settings_of(row), enabled=row.enabled)
        note("reading_export", export_id, new.name, before=before, after=new, organisation=row.organisation_id)
        self.look_now()
        return await self.get(export_id)

    def _values(self, session: Session, new: NewReadingExport) -> dict[str, Any]:
        settings, now_ms = new.settings, self._clock.now_ms()
        zone = check(settings)
        self._check_selection(settings)
        due = None
        if settings.schedule is not None and new.enabled:
            due = next_due(settings.schedule, zone, now_ms)
        return {
            "name": new.name, "enabled": new.enabled, "settings": msgspec.to_builtins(settings),
            "follows": settings.window.kind == "new", "who": session.person.id, "who_name": session.person.name,
            "changed_ms": now_ms, "next_ms": due,
        }  # fmt: skip

    def _check_selection(self, settings: ExportSettings) -> None:
        wanted = settings.selection
        if wanted.device_ids:
            if wanted.place_id or wanted.model_id or wanted.tag:
                raise errors.settings_wrong(
                    "Devices are named, or found by place, model and tag",
                    "请指定设备，或按场所、模型、标签筛选，不可同时使用",
                    "/settings/selection",
                )
            known = self._devices.known(wanted.device_ids)
            for device_id in wanted.device_ids:
                if device_id not in known:
                    self._devices.get(device_id)  # raises what is raised for one that is not there
        if wanted.place_id is not None:
            self._places.get(wanted.place_id)

    async def remove(self, export_id: str) -> None:
        """Forget an export with its runs and files. Raises ``NotFound``, ``Conflict`` while it runs."""
        row = await asyncio.to_thread(self._row, export_id)
        gone = await asyncio.to_thread(self._store.delete, export_id)
        if gone is None:
            raise errors.wrong_state("running")
        for run_id in gone:
            await asyncio.to_thread(self.files.remove, run_id)
        before = NewReadingExport(name=row.name, settings=settings_of(row), enabled=row.enabled)
        note("reading_export", export_id, row.name, before=before, organisation=row.organisation_id)

    # --- runs ----------------------------------------------------------------------------------------------------

    async def run_now(self, export_id: str) -> ReadingExportRun:
        """A run by hand, with the rights of the export's owner. Raises ``NotFound``, ``Conflict`` while one runs."""
        row = await asyncio.to_thread(self._row, export_id)
        now_ms = self._clock.now_ms()
        values = run_values(settings_of(row), "hand", now_ms, now_ms)
        run_id = await asyncio.to_thread(self._store.add_run, row, values, row.next_ms, now_ms)
        if run_id is None:
            raise errors.wrong_state("running")
        note("reading_export", export_id, row.name, after={"run": run_id}, organisation=row.organisation_id)
        self.look_now()
        return await self.get_run(run_id)

    async def runs(self, export_id: str, *, cursor: str | None = None, limit: int = 50) -> ReadingExportRuns:
        """Runs of an export, newest first. Raises ``NotFound``."""
        await asyncio.to_thread(self._row, export_id)
        limit = min(limit, _MOST_PAGE)
        rows = await asyncio.to_thread(self._store.page_of_runs, export_id, cursor, limit + 1)
        following = rows[limit - 1].id if len(rows) > limit else None
        return ReadingExportRuns([run_of(row) for row in rows[:limit]], following)

    async def get_run(self, run_id: str) -> ReadingExportRun:
        """One run. Raises ``NotFound`` (``readings.export_run_unknown``)."""
        return run_of(await asyncio.to_thread(self._run, run_id))

    def _run(self, run_id: str) -> Any:
        row = self._store.find_run(run_id)
        if row is None:
            raise errors.run_unknown(run_id)
        return row

    async def cancel(self, run_id: str) -> ReadingExportRun:
        """Make no more of it; there is no file then. Raises ``NotFound``, ``Conflict`` when it ended."""
        row = await asyncio.to_thread(self._run, run_id)
        if not await asyncio.to_thread(self._store.update_run, run_id, UNDER_WAY, wanted="cancel"):
            raise errors.wrong_state(row.state)
        note("reading_export", row.export_id, "", after={"cancel": run_id}, organisation=row.organisation_id)
        self.look_now()
        return await self.get_run(run_id)

    async def file(self, run_id: str, authority: Authority) -> tuple[Path, str, ExportFormat]:
        """Where the file is, its name and kind, for who may read all that is in it.

        Raises ``NotFound`` (``readings.export_file_gone``), ``Denied`` (``readings.export_not_yours``).
        """
        row = await asyncio.to_thread(self._readable, run_id, authority)
        return self.files.file(run_id, row.file_name), row.file_name, settings_of(row).format

    async def manifest(self, run_id: str, authority: Authority) -> dict[str, Any]:
        """What is in the file. Raises as :meth:`file` does."""
        await asyncio.to_thread(self._readable, run_id, authority)
        data = await asyncio.to_thread(self.files.manifest(run_id).read_bytes)
        found: dict[str, Any] = msgspec.json.decode(data)
        return found

    def _readable(self, run_id: str, authority: Authority) -> Any:
        row = self._run(run_id)
        if not row.has_file or not self.files.file(run_id, row.file_name).is_file():
            raise errors.file_gone()
        if not set(row.organisations) <= authority.scope(HISTORY_READ.name).organisations:
            raise errors.not_all_readable()
        return row
