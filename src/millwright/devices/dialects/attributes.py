"""Answers to ThingsBoard's requests for attributes: the newest values that are known of a device.

Questions of a moment are answered together: what was sent just before is stored first, so that a device reads what it
wrote.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from millwright.devices.telemetry import Decoded, Outgoing, Question
from millwright.historian import Historian
from millwright.kernel import MillwrightError, end

logger = logging.getLogger(__name__)

_GATHER_S: Final = 0.05
_MOST: Final = 10_000
_AT_ONCE: Final = 500

Publish = Callable[[Outgoing], Awaitable[None]]


class AttributeAnswers:
    """Answers in the historian role. A :class:`millwright.kernel.Part`; :meth:`look` is a hook of the pipeline."""

    def __init__(self, historian: Historian, publish: Publish) -> None:
        self._historian, self._publish = historian, publish
        self._waiting: list[Question] = []
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.create_task(self._run(), name="attribute answers")

    async def stop(self) -> None:
        """Stop; who was not answered asks again."""
        task, self._task = self._task, None
        await end(task)

    def look(self, decoded: Decoded) -> None:
        """Take what was asked; beyond a bound it is passed over, and a device asks again."""
        if decoded.questions:
            self._waiting += decoded.questions[: _MOST - len(self._waiting)]
            self._told.set()

    async def _run(self) -> None:
        while True:
            await self._told.wait()
            await asyncio.sleep(_GATHER_S)
            self._told.clear()
            waiting, self._waiting = self._waiting, []
            try:
                await self._historian.flush()
                for start in range(0, len(waiting), _AT_ONCE):
                    await self._answer(waiting[start : start + _AT_ONCE])
            except MillwrightError as error:
                logger.warning("%d requests for attributes are not answered: %s", len(waiting), error.message)
            except Exception:
                logger.exception("requests for attributes could not be answered")

    async def _answer(self, questions: Sequence[Question]) -> None:
        values: dict[str, dict[str, Any]] = {}
        for found in await self._historian.latest(sorted({each.device_id for each in questions})):
            values.setdefault(found.device_id, {})[found.property] = found.value
        for each in questions:
            await self._publish(Outgoing(each.topic, each.write(values.get(each.device_id, {})), qos=1))
