"""Watches the free space of the data folder: says so when it gets low, stops intake before it is gone."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from millwright.app.stats import Figures, Problem
from millwright.devices.mqtt import Intake
from millwright.kernel import Clock, LimitExceeded, Repeat

logger = logging.getLogger(__name__)


class DiskWatch:
    """``low`` below ``low_mb``, ``full`` below ``stop_mb``; each is over only at a tenth above its limit."""

    def __init__(
        self,
        folder: Path,
        *,
        low_mb: int,
        stop_mb: int,
        clock: Clock,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
        every_s: float = 2.0,
    ) -> None:
        self._folder, self._clock, self._free = folder, clock, free
        self._low, self._stop_below = low_mb * 1_000_000, stop_mb * 1_000_000
        self._since_ms = 0
        self._watch = Repeat(
            self._round,
            every_s,
            first_s=every_s,
            name="disk watch",
            lost=f"the free space of {folder} cannot be read",
            back=f"the free space of {folder} can be read again",
            log=logger,
        )
        self.full = False
        self.low = False
        self.free_bytes = 0

    async def start(self) -> None:
        """Look at once, then every two seconds."""
        self.look()
        await self._watch.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._watch.stop()

    def look(self) -> None:
        """Measure, and tell when a limit was crossed."""
        self.free_bytes = self._free(self._folder)
        full = self.free_bytes < (self._stop_below * 11 // 10 if self.full else self._stop_below)
        low = full or self.free_bytes < (self._low * 11 // 10 if self.low else self._low)
        if (low, full) == (self.low, self.full):
            return
        if low and not self.low:
            self._since_ms = self._clock.now_ms()
        self.low, self.full = low, full
        if full:
            logger.error("only %d MB are free on %s: intake stops", self.free_bytes // 1_000_000, self._folder)
        elif low:
            logger.warning("only %d MB are free on %s", self.free_bytes // 1_000_000, self._folder)
        else:
            logger.info("there is room on %s again", self._folder)

    def figures(self) -> Figures:
        """Free bytes, and the problem while there is one."""
        figures = Figures(gauges={"disk_free_bytes": self.free_bytes})
        if self.low:
            megabytes = self.free_bytes // 1_000_000
            figures.problems.append(
                Problem(
                    "app.disk_full" if self.full else "app.disk_low",
                    f"Only {megabytes} MB are free on {self._folder}; intake is stopped."
                    if self.full
                    else f"Only {megabytes} MB are free on {self._folder}.",
                    "Free space or shorten the retention; intake resumes by itself. "
                    "The limits are [node] disk_low_mb and disk_stop_mb.",
                    self._since_ms,
                )
            )
        return figures

    async def _round(self) -> None:
        self.look()


class GuardedIntake:
    """The intake, closed while the disk is nearly full: nothing is acknowledged then, and all resumes by itself."""

    def __init__(self, intake: Intake, disk: DiskWatch) -> None:
        self._intake, self._disk = intake, disk

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Pass on. Raises ``LimitExceeded`` (``app.disk_full``) while the disk is nearly full."""
        if self._disk.full:
            raise LimitExceeded(
                "The disk is nearly full, so nothing more is taken in.",
                code="app.disk_full",
                hint="Free space; intake resumes by itself. The limit is [node] disk_stop_mb.",
                retry_after_s=1.0,
            )
        await self._intake.commit(frame, message_id)
