"""Exports of readings in the records, and their files in the data folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from millwright.devices.history_export.model import (
    UNDER_WAY,
    ExportSettings,
    ReadingExportInfo,
    ReadingExportProblem,
    ReadingExportRun,
)
from millwright.devices.history_export.tables import reading_export_runs as runs
from millwright.devices.history_export.tables import reading_exports as table
from millwright.engines.sql import Records
from millwright.kernel import new_id

Row = sa.Row[Any]
NOTHING: Final[dict[str, Any]] = {
    "series": 0, "series_total": None, "readings": 0, "organisations": [], "file_name": "", "file_bytes": 0,
    "sha256": "", "has_file": False,
}  # fmt: skip
MANIFEST: Final = "manifest.json"
_ASIDE: Final = "aside"


class ReadingExportFiles:
    """Where the files of runs are: each in a folder of its own, with its manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, run_id: str, name: str) -> Path:
        """A file that is whole."""
        return self.folder / run_id / name

    def manifest(self, run_id: str) -> Path:
        """What is in it."""
        return self.folder / run_id / MANIFEST

    def aside(self, run_id: str) -> Path:
        """Where a file is while it is written."""
        return self.folder / run_id / _ASIDE

    @property
    def lock(self) -> Path:
        """Held by the process that works."""
        return self.folder / "lock"

    def begin(self, run_id: str) -> None:
        """An empty folder for a run: what a killed process left there goes."""
        self.remove(run_id)
        (self.folder / run_id).mkdir(parents=True, mode=0o700)

    def remove(self, run_id: str) -> None:
        """Remove a run's file and manifest."""
        shutil.rmtree(self.folder / run_id, ignore_errors=True)

    def known(self) -> list[str]:
        """The runs that have a folder."""
        return [each.name for each in self.folder.iterdir() if each.is_dir()] if self.folder.is_dir() else []

    def free_bytes(self) -> int:
        """The room left on the disk."""
        return shutil.disk_usage(self.folder).free


class ReadingExportStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- exports -------------------------------------------------------------------------------------------------

    def insert(self, values: dict[str, Any], most: int) -> str | None:
        """A new export; its id, or ``None`` when its organisation has ``most``."""
        export_id = new_id("hex")
        mine = sa.select(sa.func.count()).where(table.c.organisation_id == values["organisation_id"])
        with self._records.begin() as connection:
            if int(connection.scalar(mine.select_from(table)) or 0) >= most:
                return None
            connection.execute(sa.insert(table), [{"id": export_id, **values}])
        return export_id

    def find(self, export_id: str) -> Row | None:
        """One export."""
        with self._records.read() as connection:
            return connection.execute(sa.select(table).where(table.c.id == export_id)).one_or_none()

    def page(self, before: str | None, limit: int) -> list[Row]:
        """Exports, newest first."""
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)
        with self._records.read() as connection:
            return list(connection.execute(query))

    def change(self, export_id: str, values: dict[str, Any]) -> bool:
        """Set columns of an export; returns whether there is one."""
        with self._records.begin() as connection:
            return bool(connection.execute(sa.update(table).where(table.c.id == export_id).values(**values)).rowcount)

    def delete(self, export_id: str) -> list[str] | None:
        """Forget an export and its runs; the ids of those, or ``None`` while one is under way."""
        mine = runs.c.export_id == export_id
        with self._records.begin() as connection:
            if connection.execute(sa.select(runs.c.id).where(mine, runs.c.state.in_(UNDER_WAY))).first():
                return None
            ids = list(connection.scalars(sa.select(runs.c.id).where(mine)))
            connection.execute(sa.delete(runs).where(mine))
            connection.execute(sa.delete(table).where(table.c.id == export_id))
            return ids

    def due(self, now_ms: int) -> list[Row]:
        """Exports that are to run, and have no run under way."""
        busy = sa.select(runs.c.export_id).where(runs.c.state.in_(UNDER_WAY))
        query = sa.select(table).where(table.c.enabled, table.c.next_ms <= now_ms, table.c.id.not_in(busy)).limit(100)
        with self._records.read() as connection:
            return list(connection.execute(query.order_by(table.c.next_ms)))

    def follows(self, since_ms: int) -> bool:
        """Whether an export's window is ``new``, also of one that is turned off; not of those that got no further
        ``since_ms``, because nobody runs them or nobody may."""
        wanted = sa.select(table.c.id).where(table.c.follows, table.c.reached_ms >= since_ms)
        with self._records.read() as connection:
            return connection.execute(wanted.limit(1)).first() is not None

    # --- runs ----------------------------------------------------------------------------------------------------

    def add_run(self, export: Row, values: dict[str, Any], next_ms: int | None, now_ms: int) -> str | None:
        """A run of an export that waits; its id, or ``None`` when one is under way or another node was first."""
        run_id = new_id("hxr")
        row = {
            "id": run_id, "organisation_id": export.organisation_id, "export_id": export.id, "state": "waiting",
            "settings": export.settings, "who": export.who, "who_name": export.who_name, "created_ms": now_ms,
            "wanted": "run", "tries": 0, "told": False, **NOTHING, **values,
        }  # fmt: skip
        changed = sa.update(table).where(table.c.id == export.id, table.c.next_ms.is_not_distinct_from(export.next_ms))
        busy = sa.select(runs.c.id).where(runs.c.export_id == export.id, runs.c.state.in_(UNDER_WAY))
        with self._records.begin() as connection:
            if not connection.execute(changed.values(next_ms=next_ms)).rowcount:
                return None
            if connection.execute(busy).first():
                return None
            connection.execute(sa.insert(runs), [row])
        return run_id

    def find_run(self, run_id: str) -> Row | None:
        """One run."""
        with self._records.read() as connection:
            return connection.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()

    def page_of_runs(self, export_id: str, before: str | None, limit: int) -> list[Row]:
        """Runs of an export, newest first."""
        query = sa.select(runs).where(runs.c.export_id == export_id).order_by(runs.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(runs.c.id < before)
        with self._records.read() as connection:
            return list(connection.execute(query))

    def newest_runs(self, export_ids: Sequence[str]) -> dict[str, Row]:
        """The newest run of each export."""
        newest = sa.select(sa.func.max(runs.c.id)).where(runs.c.export_id.in_(export_ids)).group_by(runs.c.export_id)
        with self._records.read() as connection:
            found = connection.execute(sa.select(runs).where(runs.c.id.in_(newest)))
            return {row.export_id: row for row in found}

    def update_run(self, run_id: str, states: tuple[str, ...] = (), **values: Any) -> bool:
        """Set columns, if the run is in one of ``states`` (none named: in any); returns whether it was."""
        change = sa.update(runs).where(runs.c.id == run_id)
        if states:
            change = change.where(runs.c.state.in_(states))
        with self._records.begin() as connection:
            return bool(connection.execute(change.values(**values)).rowcount)

    def finish(self, run: Row, reached_ms: int | None, **values: Any) -> bool:
        """A run is done, and with it what was new up to ``reached_ms``; whether it was under way still."""
        change = sa.update(runs).where(runs.c.id == run.id, runs.c.state == "running", runs.c.wanted == "run")
        with self._records.begin() as connection:
            if not connection.execute(change.values(state="done", has_file=True, **values)).rowcount:
                return False
            if reached_ms is not None:
                connection.execute(sa.update(table).where(table.c.id == run.export_id).values(reached_ms=reached_ms))
            return True

    def next(self, served: Sequence[str] = ()) -> Row | None:
        """The run to work on: organisations take turns, those ``served`` last come last.

        Of one organisation: a run that was begun, else the one that waits longest. One that ended its process when it
        was tried comes after all others: it shall not stand in their way.
        """
        turn = {organisation: at for at, organisation in enumerate(served)}
        query = sa.select(runs).where(runs.c.state.in_(UNDER_WAY))
        with self._records.read() as connection:
            under_way = connection.execute(query).all()
        return min(
            under_way,
            key=lambda row: (row.tries, turn.get(row.organisation_id, -1), row.state == "waiting", row.id),
            default=None,
        )

    def untold(self) -> list[Row]:
        """Runs that ended, of which the ledger does not know."""
        query = sa.select(runs, table.c.name.label("name")).select_from(
            runs.outerjoin(table, table.c.id == runs.c.export_id)
        )
        with self._records.read() as connection:
            ended = query.where(sa.not_(runs.c.told), runs.c.state.not_in(UNDER_WAY))
            return list(connection.execute(ended.order_by(runs.c.id).limit(100)))

    def bytes_of(self, organisation_id: str) -> int:
        """What the files of an organisation's runs have."""
        mine = sa.select(sa.func.sum(runs.c.file_bytes)).where(runs.c.organisation_id == organisation_id)
        with self._records.read() as connection:
            return int(connection.scalar(mine.where(runs.c.has_file)) or 0)

    def with_files(self) -> list[Row]:
        """Runs that have a file, newest first, with what their export keeps."""
        kept = table.c.settings.label("kept")
        query = sa.select(runs.c.id, runs.c.export_id, runs.c.ended_ms, kept)
        query = query.select_from(runs.outerjoin(table, table.c.id == runs.c.export_id)).where(runs.c.has_file)
        with self._records.read() as connection:
            return list(connection.execute(query.order_by(runs.c.id.desc())))

    def run_ids(self, *, with_files: bool = False) -> set[str]:
        """Every run there is; those only that have a file or may be writing one."""
        query = sa.select(runs.c.id)
        if with_files:
            query = query.where(sa.or_(runs.c.has_file, runs.c.state.in_(UNDER_WAY)))
        with self._records.read() as connection:
            return set(connection.scalars(query))

    def forget_runs(self, before_ms: int) -> int:
        """Forget runs that ended long ago and have no file."""
        old = sa.and_(runs.c.created_ms < before_ms, runs.c.state.not_in(UNDER_WAY), runs.c.told)
        with self._records.begin() as connection:
            return int(connection.execute(sa.delete(runs).where(old, sa.not_(runs.c.has_file))).rowcount)


def settings_of(row: Row) -> ExportSettings:
    """What an export, or a run of it, makes."""
    return msgspec.convert(row.settings, ExportSettings)


def run_of(row: Row) -> ReadingExportRun:
    """A run as people see it."""
    values: dict[str, Any] = row._asdict()
    same = {name: values[name] for name in ReadingExportRun.__struct_fields__}
    error = None if row.error is None else msgspec.convert(row.error, ReadingExportProblem)
    return ReadingExportRun(**same | {"error": error})


def info_of(row: Row, last: Row | None) -> ReadingExportInfo:
    """An export as people see it."""
    values: dict[str, Any] = row._asdict()
    same = {name: values[name] for name in ReadingExportInfo.__struct_fields__ if name in values}
    return ReadingExportInfo(
        **same | {"settings": settings_of(row), "last_run": None if last is None else run_of(last)}
    )
