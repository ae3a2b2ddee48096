"""Use cases of imports. Works in the scope at hand."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from millwright.engines.sql import Records as Sql
from millwright.identity.records import Records
from millwright.identity.registration import naming
from millwright.identity.registration.bulk import errors
from millwright.identity.registration.bulk.encoding import check_targets, guess_targets
from millwright.identity.registration.bulk.model import (
    ImportColumn,
    ImportInfo,
    ImportPage,
    ImportSettings,
    ImportState,
    NewImport,
    RefusedPage,
)
from millwright.identity.registration.bulk.reading import format_of, opened
from millwright.identity.registration.bulk.refusals import read_page, write_csv
from millwright.identity.registration.bulk.running import needs_count
from millwright.identity.registration.bulk.store import NOTHING, ImportFiles, ImportStore, info_of
from millwright.identity.registration.errors import not_yours, template_elsewhere
from millwright.identity.registration.serials import SerialStore
from millwright.identity.templates import Template, Templates
from millwright.kernel import ROOT, Clock, current_scope, new_id, new_secret
from millwright.ledger import note
from millwright.parties import Authority, Session

_MOST_PAGE: Final = 200
_SAMPLES: Final = 5


class Imports:
    """The room's service."""

    def __init__(
        self,
        sql: Sql,
        register: Records,
        templates: Templates,
        serials: SerialStore,
        files: ImportFiles,
        clock: Clock,
        *,
        most_mb: int = 4_096,
        look_now: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._register, self._templates, self._serials = ImportStore(sql), register, templates, serials
        self.files, self._clock, self._most_mb = files, clock, most_mb
        self.look_now = look_now

    async def list(self, *, cursor: str | None = None, state: ImportState | None = None, limit: int = 50) -> ImportPage:
        """Imports, newest first."""
        limit = min(limit, _MOST_PAGE)
        rows = await asyncio.to_thread(self._store.page, cursor, limit + 1, state)
        return ImportPage([info_of(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None)

    async def get(self, import_id: str) -> ImportInfo:
        """One import. Raises ``NotFound`` (``identifiers.import_unknown``)."""
        return info_of(await asyncio.to_thread(self._row, import_id))

    def _row(self, import_id: str) -> Any:
        row = self._store.find(import_id)
        if row is None:
            raise errors.unknown(import_id)
        return row

    async def create(self, session: Session, new: NewImport) -> ImportInfo:
        """An import whose file is to be sent. Raises ``Invalid`` for a file of an unknown kind."""
        kind = new.format or format_of(new.file_name)
        who, whose = (session.person.id, session.person.name), current_scope().home or ROOT

        def make() -> str:
            made = self._store.insert(whose, new.file_name, kind, who, self._clock.now_ms())
            self.files.make(made)
            return made

        import_id = await asyncio.to_thread(make)
        note("identifier_import", import_id, new.file_name, after={"file_name": new.file_name, "format": kind},
             organisation=whose)  # fmt: skip
        return await self.get(import_id)

    async def append(self, import_id: str, offset: int, data: bytes) -> ImportInfo:
        """The next bytes of the file. Raises ``NotFound``, ``Conflict`` (``identifiers.import_offset``,
        ``identifiers.import_state``), ``LimitExceeded``."""
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
            raise errors.too_much("The file", self._most_mb, "MB")
        if self.files.used_bytes() + len(data) > 4 * most:
            raise errors.too_much("All files of imports together", 4 * self._most_mb, "MB")
        self.files.make(import_id)
        with self.files.source(import_id).open("r+b" if offset else "wb") as file:
            # What stands behind was sent, and not acknowledged.
            file.truncate(offset)
            file.seek(offset)
            file.write(data)
        self._store.update(import_id, ("uploading",), file_bytes=offset + len(data))

    async def columns(self, import_id: str, template_id: str | None = None) -> builtins.list[ImportColumn]:
        """The columns of the file with some cells, and what they would be taken for by a template.

        Raises ``NotFound``, ``Invalid`` (``identifiers.import_unreadable``).
        """
        row = await asyncio.to_thread(self._row, import_id)
        template = None if template_id is None else await self._templates.version(template_id)
        return await asyncio.to_thread(self._columns, row, template)

    def _columns(self, row: Any, template: Template | None) -> builtins.list[ImportColumn]:
        with opened(self.files.source(row.id), row.settings["format"]) as (columns, rows):
            cells = [each for _, each in islice(rows, _SAMPLES)]
        targets = {} if template is None else guess_targets(columns, template)
        return [
            ImportColumn(
                name=name, target=targets.get(name, ""),
                samples=[each[place][:200] for each in cells if place < len(each) and each[place]],
            )
            for place, name in enumerate(columns)
        ]  # fmt: skip

    async def begin(self, authority: Authority, import_id: str, settings: ImportSettings) -> ImportInfo:
        """Let the import be done: the first time, or after a dry run or a failure.

        Raises ``NotFound`` (``identifiers.import_unknown``, ``templates.unknown``, ``identifiers.no_prefix``),
        ``Invalid`` (``identifiers.import_columns`` …), ``Conflict`` (``identifiers.import_state``).
        """
        row = await asyncio.to_thread(self._row, import_id)
        template = await self._templates.for_registration(settings.template_id, settings.template_version)
        settings = msgspec.structs.replace(settings, template_version=template.version)
        await asyncio.to_thread(self._begin, row, settings, template, authority)
        note("identifier_import", import_id, row.file_name, after=settings, organisation=row.organisation_id)
        self.look_now()
        return await self.get(import_id)

    def _begin(self, row: Any, settings: ImportSettings, template: Template, authority: Authority) -> None:
        if not _may_begin(row):
            raise errors.wrong_state(row.state)
        scope = current_scope()
        made = settings.prefix is not None and settings.suffix is not None
        with opened(self.files.source(row.id), row.settings["format"]) as (columns, rows):
            targets = {k: v for k, v in settings.columns.items() if v} or guess_targets(columns, template)
            check_targets(targets, columns, template, made=made)
            total = sum(1 for _ in rows) if needs_count(settings) else row.total
        owned = [each for each in scope.organisations if template.organisation_id in authority.tree.path(each)]
        if not owned:
            raise template_elsewhere(template.id)
        more: dict[str, Any] = {"entry": new_id("led"), "secret": new_secret("mws"), "serial": 1}
        if made:
            assert settings.prefix is not None
            assert settings.suffix is not None
            with self._register.view() as view:
                entry = view.find_prefix(settings.prefix.encode())
            if entry is None or entry.organisation_id not in owned:
                raise not_yours(settings.prefix)
            naming.writer(entry.prefix, settings.suffix)
            if needs_count(settings) and not settings.dry_run:
                key = naming.serial_key(entry.prefix, settings.suffix)
                more["serial"] = self._serials.take(entry.organisation_id, key, max(1, total or 1))
        chosen = row.settings | more | {"chosen": msgspec.to_builtins(settings)}
        if not self._store.update(
            row.id, (row.state,), state="waiting", settings=chosen, columns=targets, scope=sorted(owned), total=total,
            cancelled=False, told=False, error=None, started_ms=None, ended_ms=None, **NOTHING,
        ):  # fmt: skip
            raise errors.wrong_state("changed meanwhile")

    async def cancel(self, import_id: str) -> ImportInfo:
        """Do no more of it; what is registered stays. Raises ``NotFound``, ``Conflict``."""
        row = await asyncio.to_thread(self._row, import_id)
        if row.state == "waiting":
            values = {"state": "cancelled", "ended_ms": self._clock.now_ms(), "cancelled": True}
            done = await asyncio.to_thread(self._store.update, import_id, ("waiting",), **values)
        else:
            done = await asyncio.to_thread(self._store.update, import_id, ("running",), cancelled=True)
        if not done:
            raise errors.wrong_state(row.state)
        note("identifier_import", import_id, row.file_name, after={"cancelled": True}, organisation=row.organisation_id)
        return await self.get(import_id)

    async def remove(self, import_id: str) -> None:
        """Forget an import with its file and report; identifiers stay. Raises ``NotFound``, ``Conflict``."""
        row = await asyncio.to_thread(self._row, import_id)
        if not await asyncio.to_thread(self._store.delete, import_id):
            raise errors.wrong_state(row.state)
        await asyncio.to_thread(self.files.remove, import_id)
        note("identifier_import", import_id, row.file_name, before={"file_name": row.file_name},
             organisation=row.organisation_id)  # fmt: skip

    async def refused(self, import_id: str, cursor: str | None, limit: int) -> RefusedPage:
        """Refused rows in the order of the file. Raises ``NotFound``, ``Invalid``."""
        row = await asyncio.to_thread(self._row, import_id)
        path: Path = self.files.refusals(import_id)
        return await asyncio.to_thread(read_page, path, row.refused_bytes, cursor, min(limit, 1_000))

    async def refused_csv(self, import_id: str) -> Iterator[str]:
        """The whole report, some rows at a time; reading it blocks. Raises ``NotFound``."""
        row = await asyncio.to_thread(self._row, import_id)
        return write_csv(self.files.refusals(import_id), row.refused_bytes)


def _may_begin(row: Any) -> bool:
    if row.state in ("uploading", "failed"):
        return True
    return bool(row.state in ("done", "cancelled") and row.settings.get("chosen", {}).get("dry_run"))
