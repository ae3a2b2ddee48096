"""Imports of readings in the records, and their files in the data folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from millwright.devices.history_import.model import (
    ENDED,
    UNDER_WAY,
    ReadingImportInfo,
    ReadingImportProblem,
    ReadingImportSettings,
)
from millwright.devices.history_import.tables import reading_imports as table
from millwright.engines.sql import Records
from millwright.kernel import new_id

Row = sa.Row[Any]
NOTHING: Final[dict[str, int]] = {"rows": 0, "readings": 0, "refused": 0, "refused_bytes": 0}


class ReadingImportFiles:
    """Where the files of imports are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def source(self, import_id: str) -> Path:
        """The file that was sent."""
        return self.folder / import_id / "source"

    def refusals(self, import_id: str) -> Path:
        """The report."""
        return self.folder / import_id / "refused.jsonl"

    @property
    def lock(self) -> Path:
        """Held by the process that works."""
        return self.folder / "lock"

    def make(self, import_id: str) -> None:
        """Make an import's folder."""
        (self.folder / import_id).mkdir(parents=True, exist_ok=True, mode=0o700)

    def remove(self, import_id: str) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.folder / import_id, ignore_errors=True)

    def known(self) -> list[str]:
        """The imports that have a folder."""
        return [each.name for each in self.folder.iterdir() if each.is_dir()] if self.folder.is_dir() else []

    def used_bytes(self) -> int:
        """What all of them take."""
        return sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file()) if self.known() else 0


class ReadingImportStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def insert(self, organisation_id: str, file_name: str, kind: str, who: tuple[str, str], now_ms: int) -> str:
        """A new import that waits for its file; returns its id."""
        import_id = new_id("him")
        row = {
            "id": import_id, "organisation_id": organisation_id, "state": "uploading", "file_name": file_name,
            "file_format": kind, "file_bytes": 0, "scope": [], "who": who[0], "who_name": who[1],
            "created_ms": now_ms, "wanted": "run", "told": True, **NOTHING,
        }  # fmt: skip
        with self._records.begin() as connection:
            connection.execute(sa.insert(table), [row])
        return import_id

    def find(self, import_id: str) -> Row | None:
        """One import."""
        with self._records.read() as connection:
            return connection.execute(sa.select(table).where(table.c.id == import_id)).one_or_none()

    def page(self, before: str | None, limit: int) -> list[Row]:
        """Imports, newest first."""
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)
        with self._records.read() as connection:
            return list(connection.execute(query))

    def update(self, import_id: str, states: tuple[str, ...] = (), **values: Any) -> bool:
        """Set columns, if the import is in one of ``states`` (none named: in any); returns whether it was."""
        change = sa.update(table).where(table.c.id == import_id)
        if states:
            change = change.where(table.c.state.in_(states))
        with self._records.begin() as connection:
            return bool(connection.execute(change.values(**values)).rowcount)

    def next(self) -> Row | None:
        """The import to work on: one that was begun, else the one that waits longest."""
        order = (table.c.state == "waiting", table.c.started_ms, table.c.id)
        query = sa.select(table).where(table.c.state.in_(("running", "waiting"))).order_by(*order).limit(1)
        with self._records.read() as connection:
            return connection.execute(query).one_or_none()

    def untold(self) -> list[Row]:
        """Imports that ended, of which the ledger does not know."""
        query = sa.select(table).where(sa.not_(table.c.told), table.c.state.in_(ENDED)).order_by(table.c.id)
        with self._records.read() as connection:
            return list(connection.execute(query.limit(100)))

    def old(self, before_ms: int) -> list[str]:
        """Imports that were made before a time and are not under way."""
        query = sa.select(table.c.id).where(table.c.created_ms < before_ms, table.c.state.not_in(UNDER_WAY))
        with self._records.read() as connection:
            return list(connection.scalars(query.limit(1000)))

    def ids(self) -> set[str]:
        """Every import there is."""
        with self._records.read() as connection:
            return set(connection.scalars(sa.select(table.c.id)))

    def bytes_of(self, organisation_id: str) -> int:
        """What the files of an organisation's imports have."""
        query = sa.select(sa.func.sum(table.c.file_bytes)).where(table.c.organisation_id == organisation_id)
        with self._records.read() as connection:
            return int(connection.scalar(query) or 0)

    def delete(self, import_id: str) -> bool:
        """Forget one that is not under way."""
        mine = sa.and_(table.c.id == import_id, table.c.state.not_in(("running", "waiting")))
        with self._records.begin() as connection:
            return bool(connection.execute(sa.delete(table).where(mine)).rowcount)


def settings_of(row: Row) -> ReadingImportSettings | None:
    """What is to be done with the file, once that was said."""
    return None if row.settings is None else msgspec.convert(row.settings, ReadingImportSettings)


def info_of(row: Row) -> ReadingImportInfo:
    """An import as people see it."""
    values: dict[str, Any] = row._asdict()
    same = {name: values[name] for name in ReadingImportInfo.__struct_fields__ if name in values}
    error = None if row.error is None else msgspec.convert(row.error, ReadingImportProblem)
    return ReadingImportInfo(**same | {"settings": settings_of(row), "error": error})
