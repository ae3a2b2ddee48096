"""Documents that the host took: each once by its id, whether whoever hands it over hears the answer or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from millwright.kernel import Unavailable

KEPT: Final = 10_000
"""Documents remembered; those under way are, however many there are."""


class Taking:
    """Remembers what was taken and what is under way. What failed may be handed over again."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[str, str], asyncio.Task[int]] = {}

    async def once(
        self, connection_id: str, delivery_id: str, take: Callable[[], Coroutine[Any, Any, int]], timeout_s: float
    ) -> int:
        """What ``take`` returned for this document, now or before; it goes on when the time is over.

        Raises what ``take`` raised, and ``Unavailable`` when it takes longer than ``timeout_s``.
        """
        key = connection_id, delivery_id
        task = self._tasks.get(key)
        if task is None:
            self._trim()
            task = self._tasks[key] = asyncio.create_task(take(), name=f"document for {connection_id}")
            task.add_done_callback(lambda done: self._over(key, done))
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable(
                "The values cannot be stored at the moment.",
                code="devices.intake_unavailable",
                hint="Send it again later, with a time in it: the same reading sent twice is then stored once.",
                retry_after_s=5.0,
            ) from None

    def _over(self, key: tuple[str, str], task: asyncio.Task[int]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._tasks.pop(key, None)

    def _trim(self) -> None:
        if len(self._tasks) >= KEPT:
            oldest = next((key for key, task in self._tasks.items() if task.done()), None)
            if oldest is not None:
                del self._tasks[oldest]
