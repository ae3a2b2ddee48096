"""The book of drills: a file for each in a folder, written anew at each step, so that who looks sees how far it is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from millwright.identity.drills.errors import drill_running, drill_unknown, interrupted
from millwright.identity.drills.model import Drill, DrillProblem

_SUFFIX: Final = ".json"
_KEPT: Final = 200


class DrillBook:
    """Reports of drills. Its methods block; the process that runs a drill holds the folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the reports are, and below it what a drill works with."""
        return self._folder

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The right to run a drill. Raises ``Conflict`` (``drills.running``)."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise drill_running() from error
            yield
        finally:
            os.close(lock)

    def running(self) -> bool:
        """Whether a process runs a drill now."""
        try:
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def write(self, drill: Drill) -> None:
        """Keep a report as it is now; the oldest are forgotten."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = self._file(drill.id)
        partial = file.with_suffix(".partial")
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(drill), indent=1))
        partial.replace(file)
        for old in sorted(self._folder.glob("*" + _SUFFIX))[:-_KEPT]:
            old.unlink(missing_ok=True)

    def list(self, most: int = 50) -> list[Drill]:
        """The newest first. One whose process is gone has failed."""
        found = [self._read(file) for file in sorted(self._folder.glob("*" + _SUFFIX), reverse=True)[:most]]
        return [each for each in found if each is not None]

    def get(self, drill_id: str) -> Drill:
        """One report. Raises ``NotFound`` (``drills.unknown``)."""
        file = self._file(drill_id)
        found = self._read(file) if file.parent == self._folder else None
        if found is None:
            raise drill_unknown(drill_id)
        return found

    def _file(self, drill_id: str) -> Path:
        return self._folder / (drill_id + _SUFFIX)

    def _read(self, file: Path) -> Drill | None:
        try:
            found = msgspec.json.decode(file.read_bytes(), type=Drill)
        except (OSError, msgspec.MsgspecError):
            return None
        if found.state != "running" or self.running():
            return found
        error = interrupted()
        problem = DrillProblem(code=error.code, message=error.message, hint=error.hint)
        return msgspec.structs.replace(found, state="failed", problem=problem)
