"""Calls into a connector, each with an end: what does not answer is cancelled, what will not end is abandoned."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from millwright.devices.connectors.errors import failed, too_slow
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Guard:
    """Stands between the host and one connection's connector; ``abandoned`` holds the tasks that would not end."""

    def __init__(self, name: str, cancel_s: float) -> None:
        self._name, self._cancel_s = name, cancel_s
        self.abandoned: set[asyncio.Task[Any]] = set()

    async def call(self, what: str, work: Awaitable[T], timeout_s: float) -> T:
        """The result of ``work``. Raises ``Unavailable`` (``connectors.timeout``, ``connectors.failed``), or the
        ``MillwrightError`` that the connector raised."""
        task = self.start(what, work)
        try:
            await asyncio.wait((task,), timeout=timeout_s)
            if not task.done():
                raise too_slow(what, timeout_s)
        finally:
            await self.end(task)
        return result_of(task)

    def start(self, what: str, work: Awaitable[T]) -> asyncio.Task[T]:
        """Run ``work`` as a task of its own, to be ended by :meth:`end`."""
        return asyncio.create_task(_as_coroutine(work), name=f"{what} of {self._name}")

    async def end(self, task: asyncio.Task[Any]) -> bool:
        """Cancel a task; whether it ended. One that does not within ``cancel_s`` is abandoned."""
        if task.done():
            return True
        task.cancel()
        try:
            await asyncio.wait((task,), timeout=self._cancel_s)
        finally:
            if not task.done():
                self._abandon(task)
            elif not task.cancelled():
                task.exception()  # it was told to end: how it did is no news
        return task.done()

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        logger.error(
            "%s would not end within %g s of being cancelled; it is abandoned", task.get_name(), self._cancel_s
        )
        self.abandoned.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self.abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # nobody is left to hear of it


def result_of(task: asyncio.Task[T]) -> T:
    """What a task that is done came to; what is no error of ours is said as a failure of the connector."""
    if task.cancelled():
        raise failed(asyncio.CancelledError())
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, MillwrightError):
        raise error
    logger.error("%s failed", task.get_name(), exc_info=error)
    raise failed(error) from error


async def _as_coroutine(work: Awaitable[T]) -> T:
    if isinstance(work, Coroutine):
        found: T = await work
        return found
    return await work
