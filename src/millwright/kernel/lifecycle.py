"""How a part of a node starts and stops.

Construct (no I/O) → ``start`` (connect, recover) → run → ``stop`` (flush, close). :class:`Lifecycle` starts
parts in order and stops them in reverse, also when a start fails half way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol

from millwright.kernel.errors import MillwrightError

logger = logging.getLogger(__name__)

_CANCEL_AGAIN_S = 1.0


class Part(Protocol):
    """Something with a beginning and an end."""

    async def start(self) -> None:
        """Acquire what is needed; return when ready to serve."""
        ...

    async def stop(self) -> None:
        """Flush and release. Must be safe after a failed or missing start."""
        ...


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel background tasks and return when each has ended; ``None`` is no task. An error one ended with is logged.

    A task is cancelled again after a second: before Python 3.12 ``asyncio.wait_for``, which libraries wait with, loses
    a cancellation that comes in the moment in which what it waits for happens.
    """
    given = [task for task in tasks if task is not None]
    left = [task for task in given if not task.done()]
    while left:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
        left = [task for task in left if not task.done()]
    for task in given:
        if not task.cancelled() and task.exception() is not None:
            logger.error("the task %s ended with an error", task.get_name(), exc_info=task.exception())


class Repeat:
    """Does ``work`` again and again, whatever it raises. A :class:`Part`.

    What keeps it from being done is said once while that lasts, and that it is over is said once: an outage that is to
    be expected as a warning, anything else with its trace. ``lost`` and ``back`` are what is then said, in ``log``.
    The first time is ``first_s`` after the start.
    """

    def __init__(
        self,
        work: Callable[[], Awaitable[object]],
        every_s: float,
        *,
        name: str,
        lost: str,
        back: str,
        log: logging.Logger,
        first_s: float = 0.0,
    ) -> None:
        self._work, self._every_s, self._first_s = work, every_s, first_s
        self._name, self._lost, self._back, self._log = name, lost, back, log
        self._complained: set[type[Exception]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End, also in the middle of the work."""
        task, self._task = self._task, None
        await end(task)

    async def once(self) -> bool:
        """Do the work now; whether that went well."""
        try:
            await self._work()
        except Exception as error:
            if type(error) not in self._complained:
                self._complained.add(type(error))
                self._tell(error)
            return False
        if self._complained:
            self._complained.clear()
            self._log.info("%s", self._back)
        return True

    def _tell(self, error: Exception) -> None:
        if isinstance(error, MillwrightError):
            self._log.warning("%s: %s %s", self._lost, error.message, error.hint)
        elif isinstance(error, OSError):
            self._log.warning("%s: %s", self._lost, error)
        else:
            self._log.error("%s: %r", self._lost, error, exc_info=error)

    async def _run(self) -> None:
        await asyncio.sleep(self._first_s)
        while True:
            await self.once()
            await asyncio.sleep(self._every_s)


class Lifecycle:
    """Starts parts in order, stops them in reverse."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts
        self._started: list[Part] = []

    async def start(self) -> None:
        """Start every part; when one fails, stop those already started and raise its error."""
        for part in self._parts:
            self._started.append(part)
            try:
                await part.start()
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Stop what was started, last first; an error in one does not keep the others from stopping."""
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception:
                logger.exception("stopping %s failed", type(part).__name__)

    async def __aenter__(self) -> Lifecycle:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
