"""What every role says of itself each second on ``stats.<role>.<instance>``."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psutil

from millwright.kernel import Bus, Clock, MillwrightError, end

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person has to mend: a stable code, what it is, what to do."""

    code: str
    message: str
    hint: str
    since_ms: int


@dataclass(slots=True)
class Figures:
    """What one part contributes: counters only grow, gauges go both ways."""

    counters: Mapping[str, float] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


Source = Callable[[], Figures]
"""Asked once a second; must not block."""


class StatsPublisher:
    """Publishes the figures of one process; a broker that is away costs the figures of that second, no more.

    ``process`` finds the id of the process spoken of: this one, unless it speaks for another.
    """

    def __init__(
        self,
        role: str,
        *,
        bus: Bus,
        clock: Clock,
        instance: str = "1",
        sources: list[Source] | None = None,
        process: Callable[[], int | None] = os.getpid,
        every_s: float = 1.0,
    ) -> None:
        self.sources = sources if sources is not None else []
        self._role, self._instance = role, instance
        self._bus, self._clock, self._every_s = bus, clock, every_s
        self._process = process
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run(), name="stats")

    async def stop(self) -> None:
        """Publish no more."""
        await end(self._task)
        self._task = None

    def collect(self) -> dict[str, Any] | None:
        """The figures of this second, ``None`` when the process is gone."""
        pid = self._process()
        try:
            process = psutil.Process(pid) if pid else None
            usage = process.as_dict(["memory_info", "cpu_times", "create_time"]) if process else None
        except psutil.Error:
            return None
        if usage is None:
            return None
        counters: dict[str, float] = {}
        gauges: dict[str, float] = {}
        problems: list[Problem] = []
        for source in self.sources:
            figures = source()
            counters |= figures.counters
            gauges |= figures.gauges
            problems += figures.problems
        return {
            "role": self._role,
            "instance": self._instance,
            "pid": pid,
            "at_ms": self._clock.now_ms(),
            "started_ms": round(usage["create_time"] * 1000),
            "rss_bytes": usage["memory_info"].rss,
            "cpu_s": round(usage["cpu_times"].user + usage["cpu_times"].system, 3),
            "counters": counters,
            "gauges": gauges,
            "problems": [
                {"code": p.code, "message": p.message, "hint": p.hint, "since_ms": p.since_ms} for p in problems
            ],
        }

    async def _run(self) -> None:
        subject = f"stats.{self._role}.{self._instance}"
        while True:
            try:
                collected = self.collect()
                if collected is not None:
                    await self._bus.publish(subject, msgspec.json.encode(collected))
            except MillwrightError as error:
                logger.debug("stats not published: %s", error)
            except Exception:
                logger.exception("the figures of %s could not be collected", self._role)
            await asyncio.sleep(self._every_s)


def figures(
    counters: Mapping[str, float], gauges: Mapping[str, float], problems: Iterable[Mapping[str, Any]]
) -> Figures:
    """The figures of a part that gives its problems as plain data."""
    return Figures(
        counters,
        gauges,
        [Problem(each["code"], each["message"], each.get("hint", ""), each["since_ms"]) for each in problems],
    )
