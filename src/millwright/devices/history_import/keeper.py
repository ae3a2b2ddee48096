"""What the web role does for imports of readings: it starts the process that works on them, tells the ledger of their
end, and tidies up."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from millwright.devices.history_import.model import ENDED
from millwright.devices.history_import.store import ReadingImportFiles, ReadingImportStore
from millwright.engines.sql import Records
from millwright.kernel import Clock, OnDemand, Spawn
from millwright.ledger import Act, Actor, Draft, Recorder, Target, acting, entries_of, note

_TIDY_S: Final = 3600.0


class ReadingImportKeeper(OnDemand):
    """Looks whether imports wait. ``records`` sees everything. One that is cut off goes on with the next start."""

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
        super().__init__("imports readings", self._any_waits, self._look_after, spawn)
        self._store, self._files, self._clock = ReadingImportStore(records), files, clock
        self._recorder, self._keep_ms = recorder, keep_days * 86_400_000
        self._tidied_s = float("-inf")

    async def _any_waits(self) -> bool:
        return await asyncio.to_thread(self._store.next) is not None

    async def _look_after(self) -> None:
        """Tell of what ended, and tidy."""
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
