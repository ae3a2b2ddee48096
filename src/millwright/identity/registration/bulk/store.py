"""Imports in the records and their files in the data folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.identity.registration.bulk.model import ENDED, ImportInfo, ImportProblem, ImportSettings
from millwright.identity.registration.tables import imports
from millwright.kernel import new_id

Row = sa.Row[Any]
NOTHING: dict[str, Any] = {
    "rows": 0, "registered": 0, "changed": 0, "unchanged": 0, "refused": 0, "refused_bytes": 0, "part": 0,
}  # fmt: skip


class ImportFiles:
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
        if not self.folder.is_dir():
            return []
        return [each.name for each in self.folder.iterdir() if each.is_dir()]

    def used_bytes(self) -> int:
        """What all of them take."""
        return sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file()) if self.known() else 0


class ImportStore:
    """Every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def insert(self, organisation_id: str, file_name: str, kind: str, who: tuple[str, str], now_ms: int) -> str:
        """A new import that waits for its file; returns its id."""
        import_id = new_id("imp")
        row = {
            "id": import_id, "organisation_id": organisation_id, "state": "uploading", "file_name": file_name,
            "file_bytes": 0, "settings": {"format": kind}, "columns": {}, "scope": [], "who": who[0],
            "who_name": who[1], "created_ms": now_ms, "cancelled": False, "told": False, **NOTHING,
        }  # fmt: skip
        with self._records.begin() as connection:
            connection.execute(sa.insert(imports), [row])
        return import_id

    def find(self, import_id: str) -> Row | None:
        """One import."""
        with self._records.read() as connection:
            return connection.execute(sa.select(imports).where(imports.c.id == import_id)).one_or_none()

    def page(self, before: str | None, limit: int, state: str | None = None) -> list[Row]:
        """Imports, newest first."""
        query = sa.select(imports).order_by(imports.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(imports.c.id < before)
        if state is not None:
            query = query.where(imports.c.state == state)
        with self._records.read() as connection:
            return list(connection.execute(query))

    def update(self, import_id: str, states: tuple[str, ...] = (), **values: Any) -> bool:
        """Set columns, if the import is in one of ``states`` (none named: in any); returns whether it was."""
        change = sa.update(imports).where(imports.c.id == import_id)
        if states:
            change = change.where(imports.c.state.in_(states))
        with self._records.begin() as connection:
            return bool(connection.execute(change.values(**values)).rowcount)

    def next(self) -> Row | None:
        """The import to work on: one that was begun, else the one that waits longest."""
        order = (imports.c.state == "waiting", imports.c.started_ms, imports.c.id)
        query = sa.select(imports).where(imports.c.state.in_(("running", "waiting"))).order_by(*order).limit(1)
        with self._records.read() as connection:
            return connection.execute(query).one_or_none()

    def untold(self) -> list[Row]:
        """Imports that ended and whose end is not in the ledger."""
        query = sa.select(imports).where(imports.c.state.in_(sorted(ENDED)), imports.c.told.is_(False)).limit(100)
        with self._records.read() as connection:
            return list(connection.execute(query))

    def old(self, before_ms: int) -> list[str]:
        """Imports that were made before a time and are not under way."""
        query = sa.select(imports.c.id).where(
            imports.c.created_ms < before_ms, imports.c.state.not_in(("running", "waiting"))
        )
        with self._records.read() as connection:
            return list(connection.scalars(query.limit(1000)))

    def ids(self) -> set[str]:
        """Every import there is."""
        with self._records.read() as connection:
            return set(connection.scalars(sa.select(imports.c.id)))

    def delete(self, import_id: str) -> bool:
        """Forget one that is not under way."""
        mine = sa.and_(imports.c.id == import_id, imports.c.state.not_in(("running", "waiting")))
        with self._records.begin() as connection:
            return bool(connection.execute(sa.delete(imports).where(mine)).rowcount)


def settings_of(row: Row) -> ImportSettings | None:
    """What is to be done with the file, once that was said."""
    chosen = row.settings.get("chosen")
    return None if chosen is None else msgspec.convert(chosen, ImportSettings)


def info_of(row: Row) -> ImportInfo:
    """An import as people see it."""
    values: dict[str, Any] = row._asdict()
    same = {name: values[name] for name in ImportInfo.__struct_fields__ if name in values and name != "settings"}
    error = None if row.error is None else msgspec.convert(row.error, ImportProblem)
    return ImportInfo(**same | {"settings": settings_of(row), "file_format": row.settings["format"], "error": error})
