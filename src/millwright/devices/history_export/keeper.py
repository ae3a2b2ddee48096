"""What the web role does for exports of readings: it makes runs that are due, starts the process that works on them,
tells the ledger of their end, and tidies up."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec

from millwright.devices.history_export.model import Cause, ExportSettings
from millwright.devices.history_export.schedule import last_due, next_due, window_of, zone_of
from millwright.devices.history_export.store import ReadingExportFiles, ReadingExportStore, settings_of
from millwright.engines.sql import Records
from millwright.kernel import Clock, OnDemand, Spawn
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of, note

_TIDY_S: Final = 600.0
_DAY_MS: Final = 86_400_000
_LATE_MS: Final = 60_000
"""A run that begins so long after it was due was missed."""
_RUNS_KEPT_DAYS: Final = 400


def run_values(settings: ExportSettings, cause: Cause, first_ms: int, last_ms: int) -> dict[str, Any]:
    """What a run is of that stands for all that were due from ``first_ms`` to ``last_ms``."""
    values: dict[str, Any] = {"cause": cause, "due_ms": last_ms}
    if settings.window.kind != "new":
        zone = zone_of(settings.time_zone)
        begins, ends = window_of(settings.window, zone, first_ms)[0], window_of(settings.window, zone, last_ms)[1]
        values |= {"from_ms": begins, "to_ms": ends}
    return values


class ReadingExportKeeper(OnDemand):
    """Looks after exports. ``records`` sees everything. A run that is cut off is made anew with the next start."""

    def __init__(
        self, records: Records, files: ReadingExportFiles, recorder: Recorder, clock: Clock, spawn: Spawn
    ) -> None:
        super().__init__("exports readings", self._any_waits, self._look_after, spawn)
        self._store, self._files, self._clock = ReadingExportStore(records), files, clock
        self._recorder = recorder
        self._tidied_s = float("-inf")

    async def _any_waits(self) -> bool:
        """Make the runs that are due; whether one waits."""
        await asyncio.to_thread(self.make_due)
        return await asyncio.to_thread(self._store.next) is not None

    async def _look_after(self) -> None:
        """Tell of what ended, and tidy."""
        ended = await asyncio.to_thread(self._store.untold)
        for row in ended:
            await self._tell(row)
        if ended or time.monotonic() - self._tidied_s > _TIDY_S:
            self._tidied_s = time.monotonic()
            await asyncio.to_thread(self.tidy)

    def make_due(self) -> int:
        """A run for each export that is due; one for all that were missed. Returns how many."""
        now_ms, made = self._clock.now_ms(), 0
        for row in self._store.due(now_ms):
            settings = settings_of(row)
            if settings.schedule is None:
                continue
            zone = zone_of(settings.time_zone)
            last_ms = last_due(settings.schedule, zone, row.next_ms, now_ms)
            cause: Cause = "schedule" if last_ms == row.next_ms and now_ms - last_ms < _LATE_MS else "missed"
            values = run_values(settings, cause, row.next_ms, last_ms)
            made += self._store.add_run(row, values, next_due(settings.schedule, zone, now_ms), now_ms) is not None
        return made

    async def _tell(self, row: Any) -> None:
        """Put the end of a run into the ledger; once, for its entry has an id of its own."""
        act = Act()
        names = ("state", "cause", "from_ms", "to_ms", "series", "readings", "organisations", "file_name", "sha256")
        after: dict[str, Any] = {name: getattr(row, name) for name in names}
        with acting(act):
            note("reading_export", row.export_id, row.name or "", after=after, organisation=row.organisation_id)
        draft = Draft(
            id=f"led_{row.id.partition('_')[2]}",
            at_ms=row.ended_ms or self._clock.now_ms(),
            actor=Actor("person", row.who, row.who_name),
            action="readings.exports.end",
            target=Target("reading_export", row.export_id),
            outcome="failed" if row.state == "failed" else "done",
            error="" if row.error is None else str(row.error["code"]),
            organisation=row.organisation_id,
        )
        await self._recorder.record(entries_of(act, draft))
        await asyncio.to_thread(self._store.update_run, row.id, told=True)

    def tidy(self) -> None:
        """Remove the files that are not kept any more, and folders of runs that are gone."""
        now_ms, counted = self._clock.now_ms(), dict[str, int]()
        for row in self._store.with_files():
            counted[row.export_id] = counted.get(row.export_id, 0) + 1
            kept = None if row.kept is None else msgspec.convert(row.kept, ExportSettings)
            old = kept is None or now_ms - (row.ended_ms or 0) > kept.keep_days * _DAY_MS
            if old or (kept is not None and counted[row.export_id] > kept.keep_runs):
                self._store.update_run(row.id, has_file=False)
        self._store.forget_runs(now_ms - _RUNS_KEPT_DAYS * _DAY_MS)
        known = self._files.known()
        there = self._store.run_ids(with_files=True)
        for run_id in known:
            if run_id not in there:
                self._files.remove(run_id)
