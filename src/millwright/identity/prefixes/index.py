"""What the resolution index is told of prefixes, so that a crash between the records and the index heals.

The state an index shall know is written in the transaction that changes the prefix; it is told afterwards, and marked
as told only if it is still the newest. Whatever dies between the two, the next look tells it again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from millwright.identity.prefixes.store import PrefixStore
from millwright.identity.records import Prefix
from millwright.kernel import MillwrightError

logger = logging.getLogger(__name__)

_AT_ONCE = 500


class PrefixIndex(Protocol):
    """Where it is looked up whose a name is."""

    def put_prefix(self, prefix: Prefix, *, who: str) -> None:
        """Put a prefix in the place of what was known of it; ``who``: the id of who decided so. Blocks until durable.

        To put what is there already must change nothing: everything is put again when a node starts. Where
        ``prefix.former`` says so, what a former holder has left is disposed of before.
        """
        ...

    def names_left(self, prefix: str, organisation_id: str) -> int:
        """How many names are registered below a prefix that another organisation than this one held before. Blocks."""
        ...


class IndexTeller:
    """Tells the index; without one (none is composed) what it shall know waits in the records."""

    def __init__(self, store: PrefixStore, index: PrefixIndex | None) -> None:
        self._store, self.index = store, index
        self._failing = False

    async def tell(self, key: str) -> None:
        """Tell of one prefix that just changed. Never raises: it is changed already, and the watch tells it later."""
        try:
            await asyncio.to_thread(self._tell, key)
        except MillwrightError as error:
            logger.info("the index is told of %s later: %s", key, error.message)
        except Exception:
            logger.exception("the index is told of %s later", key)

    async def catch_up(self) -> None:
        """Tell all that was not told yet. Logs once when the index is away, and once when it is back."""
        try:
            await asyncio.to_thread(self._catch_up)
        except MillwrightError as error:
            if not self._failing:
                logger.warning("prefixes wait for the index: %s %s", error.message, error.hint)
            self._failing = True
        else:
            if self._failing:
                logger.info("the index knows of every prefix again")
            self._failing = False

    async def tell_all(self) -> None:
        """Tell everything anew: an index that was set aside or restored learns what it lacks."""
        if self.index is not None:
            await asyncio.to_thread(self._store.forget_told)
            await self.catch_up()

    def _catch_up(self) -> None:
        while self.index is not None:
            keys = self._store.untold(_AT_ONCE)
            for key in keys:
                self._tell(key)
            if len(keys) < _AT_ONCE:
                return

    def _tell(self, key: str) -> None:
        while self.index is not None:
            row = self._store.find_state(key)
            if row is None:
                return
            self.index.put_prefix(
                Prefix(
                    prefix=row.name,
                    organisation_id=row.organisation_id,
                    state=row.state,
                    until_ms=row.until_ms,
                    site=row.site or b"",
                    resolver=row.resolver or "",
                    since_ms=row.since_ms or 0,
                    former=row.former or "",
                ),
                who=row.who,
            )
            if self._store.mark_told(key, row.changed):  # else it changed meanwhile: an older one may lie on a newer
                return
