"""Drills as the console sees them: the reports, and a rehearsal that is started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from millwright.identity.drills.book import DrillBook
from millwright.identity.drills.errors import drill_running, not_started
from millwright.identity.drills.model import Drill, DrillPage, NewDrill
from millwright.kernel import new_id

Start = Callable[[list[str]], Awaitable[Any]]
"""Starts the command line of this node with arguments; what it returns has ``wait()``, ``returncode``."""

_SEEN_S: Final = 20.0


class Drills:
    """Lists drills and starts rehearsals. One runs at a time, in a process of its own."""

    def __init__(self, book: DrillBook, start: Start) -> None:
        self._book, self._start = book, start
        self._process: Any = None
        self._starting = asyncio.Lock()

    async def list(self, limit: int) -> DrillPage:
        """The newest first."""

        def read() -> DrillPage:
            return DrillPage(items=self._book.list(limit), running=self._book.running())

        return await asyncio.to_thread(read)

    async def get(self, drill_id: str) -> Drill:
        """One report, as far as it is. Raises ``NotFound`` (``drills.unknown``)."""
        return await asyncio.to_thread(self._book.get, drill_id)

    async def rehearse(self, wanted: NewDrill, who: str) -> Drill:
        """Start a rehearsal; returns its report when it has begun.

        Raises ``Conflict`` (``drills.running``), ``Unavailable`` (``drills.not_started``).
        """
        async with self._starting:
            if await asyncio.to_thread(self._book.running):
                raise drill_running()
            drill_id = new_id("drl")
            arguments = ["identifiers", "drill", wanted.kind, "--id", drill_id, "--who", who,
                         "--rto-s", str(wanted.rto_s), "--rpo-records", str(wanted.rpo_records)]  # fmt: skip
            try:
                self._process = await self._start([*arguments, "--json"])
            except OSError as error:
                raise not_started(str(error)) from error
            deadline_s = asyncio.get_running_loop().time() + _SEEN_S
            while asyncio.get_running_loop().time() < deadline_s:
                found = next((each for each in await asyncio.to_thread(self._book.list) if each.id == drill_id), None)
                if found is not None:
                    return found
                if self._process.returncode is not None:
                    raise not_started(f"its process ended with {self._process.returncode}")
                await asyncio.sleep(0.05)
            raise not_started("it did not begin in time")
