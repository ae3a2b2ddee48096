"""The process that imports: it takes one import after another, and ends when none waits."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import threading
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
from millwright.kernel import Clock, LimitExceeded, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_IDLE_S: Final = 10.0
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
        self._files, self._clock, self._ends = files, clock, ends
        self._stopping = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._lock = -1

    async def start(self) -> None:
        """Begin to work."""
        self._stopping.clear()
        self._files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._task = asyncio.create_task(self._run(), name="import identifiers")

    async def stop(self) -> None:
        """Stop behind the part at hand; what is left is done by the next process."""
        self._stopping.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=60)
        await end(task)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _run(self) -> None:
        idle_s = 0.0
        while not self._stopping.is_set():
            try:
                worked = await asyncio.to_thread(self._step)
            except MillwrightError as error:
                logger.warning("imports wait: %s %s", error.message, error.hint)
                worked = False
            idle_s = 0.0 if worked else idle_s + _LOOK_S
            if self._ends and idle_s >= _IDLE_S:
                logger.info("nothing is left to import")
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if not worked:
                await asyncio.sleep(_LOOK_S)

    def _step(self) -> bool:
        """Work on one import; returns whether there was one."""
        if not self._only_one():
            return False
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

    def _only_one(self) -> bool:
        """Whether this process is the one that works on this folder."""
        if self._lock < 0:
            lock = os.open(self._files.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
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
                self._stopping.is_set,
            )  # fmt: skip
            try:
                return run.run()
            except (Unavailable, LimitExceeded) as error:
                if not left or error.code == "records.batch_too_large":
                    raise
                logger.warning("the import %s waits: %s", row.id, error.message)
            if self._stopping.wait(_AGAIN_S):
                return "stopped"
            row = self._store.find(row.id) or row
            if row.cancelled:
                return "cancelled"
        return "stopped"


def _plain(problem: ImportProblem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message, "hint": problem.hint}
