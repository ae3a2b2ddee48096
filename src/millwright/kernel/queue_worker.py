"""A process that works while something waits for it: what :mod:`.on_demand` starts."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from millwright.kernel.errors import MillwrightError
from millwright.kernel.lifecycle import end

logger = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_IDLE_S: Final = 10.0
_STOP_S: Final = 60.0


class QueueWorker:
    """Takes one piece of work after another. A :class:`Part`.

    ``step`` works on one piece and returns whether there was one; a :class:`MillwrightError` of it is logged and tried
    again. ``lock`` is a file in the folder of what is worked on: of several processes one works, the others wait.
    ``ends``: SIGTERM to the own process when nothing has waited for ten seconds. ``name`` says what is done: "export
    readings".
    """

    def __init__(self, name: str, lock: Path, step: Callable[[], Awaitable[bool]], *, ends: bool = True) -> None:
        self._name, self._path, self._step, self._ends = name, lock, step, ends
        self.stopping = threading.Event()
        """Set when the work at hand is to come to its end; for threads. Elsewhere: :meth:`wait`."""
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lock = -1

    async def start(self) -> None:
        """Begin to work."""
        self.stopping.clear()
        self._told.clear()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Stop behind what is at hand, within a minute; the rest is for the next process."""
        self.stopping.set()
        self._told.set()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=_STOP_S)
        await end(task)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def wait(self, seconds: float) -> bool:
        """Let this time pass, or less when it is to stop; returns whether it is to stop."""
        if seconds > 0 and not self._told.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._told.wait()
            except TimeoutError:
                return False
        return self._told.is_set()

    async def _run(self) -> None:
        idle_s = 0.0
        while not self._told.is_set():
            try:
                worked = self._only_one() and await self._step()
            except MillwrightError as error:
                logger.warning("%s: it waits: %s %s", self._name, error.message, error.hint)
                worked = False
            idle_s = 0.0 if worked else idle_s + _LOOK_S
            if self._ends and idle_s >= _IDLE_S:
                logger.info("%s: nothing is left", self._name)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            if not worked:
                await self.wait(_LOOK_S)

    def _only_one(self) -> bool:
        """Whether this process is the one that works in this folder."""
        if self._lock < 0:
            lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self._lock = lock
        return True
