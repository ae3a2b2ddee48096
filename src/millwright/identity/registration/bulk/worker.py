"""The process that imports: it takes one import after another, and ends when none waits."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from millwright.engines.sql import Records as Sql
from millwright.identity.records import Records
from millwright.identity.registration.bulk.model import ImportProblem
from millwright.identity.registration.bulk.running import ImportRun
from millwright.identity.registration.bulk.store import ImportFiles, ImportStore, settings_of
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.registration.service import Registration
from millwright.identity.templates.errors import version_unknown
from millwright.identity.templates.store import TemplateStore
from millwright.kernel import Clock, LimitExceeded, MillwrightError, QueueWorker, Unavailable

logger = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_PATIENCE: Final = 300
"""Times that something which is away is waited for, two seconds each."""


class ImportWorker:
    """Works on imports. A :class:`millwright.kernel.Part`; ``ends``: sends its process SIGTERM when nothing waits."""

    def __init__(
        self,
        sql: Sql,
        register: Records,
        registration: Registration,
        seals: ValueSeals,
        files: ImportFiles,
        clock: Clock,
        *,
        ends: bool = True,
    ) -> None:
        self._store, self._library = ImportStore(sql), TemplateStore(sql)
        self._register, self._registration, self._seals = register, registration, seals
        self._files, self._clock = files, clock
        self._work = QueueWorker("import identifiers", files.lock, self._begin, ends=ends)

    async def start(self) -> None:
        """Begin to work."""
        await self._work.start()

    async def stop(self) -> None:
        """Stop behind the part at hand; what is left is done by the next process."""
        await self._work.stop()

    async def _begin(self) -> bool:
        return await asyncio.to_thread(self._step)

    def _step(self) -> bool:
        """Work on one import; returns whether there was one."""
        row = self._store.next()
        if row is None:
            return False
        now_ms = self._clock.now_ms()
        if row.state == "waiting" and not self._store.update(
            row.id, ("waiting",), state="running", started_ms=now_ms, ended_ms=None
        ):
            return True
        row = self._store.find(row.id)
        if row is not None:
            self._finish(row)
        return True

    def _finish(self, row: Any) -> None:
        values: dict[str, Any]
        try:
            state = self._import(row)
        except MillwrightError as error:
            problem = ImportProblem(code=error.code, message=error.message, hint=error.hint)
            logger.warning("the import %s failed: %s", row.id, error.message)
            state, values = "failed", {"error": _plain(problem)}
        except Exception as error:
            logger.exception("the import %s failed", row.id)
            problem = ImportProblem(code="identifiers.import_failed", message=f"{type(error).__name__}: {error}"[:500])
            state, values = "failed", {"error": _plain(problem)}
        else:
            values = {}
        if state != "stopped":
            self._store.update(row.id, ("running",), state=state, ended_ms=self._clock.now_ms(), **values)

    def _import(self, row: Any) -> str:
        settings = settings_of(row)
        assert settings is not None
        template = self._library.find_version(settings.template_id, settings.template_version)
        if template is None:
            raise version_unknown(settings.template_id, settings.template_version)
        for left in reversed(range(_PATIENCE)):
            run = ImportRun(
                row, template, self._register, self._registration, self._seals, self._store, self._files, self._clock,
                self._work.stopping.is_set,
            )  # fmt: skip
            try:
                return run.run()
            except (Unavailable, LimitExceeded) as error:
                if not left or error.code == "records.batch_too_large":
                    raise
                logger.warning("the import %s waits: %s", row.id, error.message)
            if self._work.stopping.wait(_AGAIN_S):
                return "stopped"
            row = self._store.find(row.id) or row
            if row.cancelled:
                return "cancelled"
        return "stopped"


def _plain(problem: ImportProblem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "hint": problem.hint}
