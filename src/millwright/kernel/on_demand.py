"""A process that runs while something waits for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from millwright.kernel.errors import MillwrightError
from millwright.kernel.lifecycle import end

logger = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_AGAIN_S: Final = 5.0
_STOP_S: Final = 10.0
_TERMINATED: Final = (0, -15)

Spawn = Callable[[], Awaitable[Any]]
"""Starts the process; what it returns has ``wait()``, ``terminate()`` and ``returncode``."""


class OnDemand:
    """Looks once a second, or when told, whether something waits, and has one process work on it.

    A :class:`Part`. The process ends by itself when nothing waits any more, and with this part; one that falls is
    started again after five seconds. ``name`` says what it does: "imports readings". ``rest`` is what else there is to
    do in a round.
    """

    def __init__(
        self, name: str, waits: Callable[[], Awaitable[bool]], rest: Callable[[], Awaitable[None]], spawn: Spawn
    ) -> None:
        self._name, self._waits, self._rest, self._spawn = name, waits, rest, spawn
        self._task: asyncio.Task[None] | None = None
        self._process: Any = None
        self._told = asyncio.Event()
        self._not_before_s = 0.0

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name=f"who {self._name}")

    async def stop(self) -> None:
        """Stop looking, and the process with it."""
        task, self._task = self._task, None
        await end(task)
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            try:
                process.terminate()
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except (TimeoutError, ProcessLookupError):
                logger.warning("the process that %s did not stop in time; it ends with this one", self._name)

    def look_now(self) -> None:
        """Something waits."""
        self._told.set()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except MillwrightError as error:
                logger.warning("what %s cannot be looked after: %s", self._name, error.message)
            except Exception:
                logger.exception("what %s cannot be looked after", self._name)
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                continue
            self._told.clear()

    async def look(self) -> None:
        """One round."""
        if self._process is not None and self._process.returncode is not None:
            code, self._process = self._process.returncode, None
            if code not in _TERMINATED:
                logger.warning("the process that %s ended with %s; it is started again", self._name, code)
                self._not_before_s = time.monotonic() + _AGAIN_S
        if await self._waits() and self._process is None and time.monotonic() >= self._not_before_s:
            try:
                self._process = await self._spawn()
            except OSError as error:
                logger.error("the process that %s cannot be started: %s", self._name, error)
                self._not_before_s = time.monotonic() + _AGAIN_S
        await self._rest()
