"""Use cases of reading: pages, one entry, its proof, what an object went through, erasing personal data."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell
from millwright.ledger.errors import bad_cursor, entry_unknown
from millwright.ledger.model import Disclosure, DisclosurePage, Entry, EntryPage, Proof, Query
from millwright.ledger.record import open_entry
from millwright.ledger.rpc import LedgerClient
from millwright.ledger.store import LedgerStore

_COLUMNS = (
    "index", "time", "actor", "actor_id", "action", "object", "object_id", "outcome", "error", "changes", "address",
    "request_id", "count", "id",
)  # fmt: skip


class Ledger:
    """Reading the ledger. Searching asks the index in the records; proofs and files ask the writer over the bus."""

    def __init__(self, store: LedgerStore, client: LedgerClient) -> None:
        self._store, self.client = store, client

    async def page(self, query: Query, *, cursor: str | None = None, limit: int = 100) -> EntryPage:
        """Entries that match, newest first. Raises ``Invalid`` (``ledger.bad_cursor``)."""
        before = None if cursor is None else _position(cursor)
        found = await asyncio.to_thread(self._page, query, before, limit + 1)
        items = found[:limit]
        return EntryPage(items, str(items[-1].index) if len(found) > limit else None)

    async def history(self, kind: str, object_id: str, *, cursor: str | None = None, limit: int = 50) -> EntryPage:
        """What happened to one object of the scope at hand, without addresses and agents; ``kind`` is one kind, whole.

        Which kinds somebody may ask for is said by the guard of the route.
        """
        if kind.endswith("*"):  # a query would take it for the beginning of many kinds
            return EntryPage([])
        page = await self.page(Query(object_kind=kind, object_id=object_id), cursor=cursor, limit=limit)
        return EntryPage([msgspec.structs.replace(each, address=None, agent=None) for each in page.items], page.next)

    async def get(self, entry_id: str) -> Entry:
        """One entry. Raises ``NotFound`` (``ledger.entry_unknown``)."""
        sealed, disclosed = await asyncio.to_thread(self._find, entry_id)
        return open_entry(sealed, disclosed)

    async def prove(self, entry_id: str) -> Proof:
        """The proof that the entry is in the log. Raises ``NotFound``, ``Unavailable`` while the writer is away."""
        sealed, disclosed = await asyncio.to_thread(self._find, entry_id)
        proof = await self.client.prove(int(sealed["index"]))
        return msgspec.structs.replace(proof, disclosures=list(disclosed))

    async def disclosures(self, *, cursor: str | None = None, limit: int = 1000) -> DisclosurePage:
        """All personal values by entry, for an export; those of one entry stay on one page."""
        found = await asyncio.to_thread(self._store.disclosures_after, cursor or "", limit)
        return DisclosurePage(found, found[-1].entry_id if len(found) >= limit else None)

    async def erase(self, subject: str) -> int:
        """Delete the personal values of a subject from every entry; returns in how many they stood.

        The entries and their proofs stay. That it was done becomes an entry itself, by the act under way.
        """
        return await asyncio.to_thread(self._store.erase, subject)

    async def iter_csv(self, query: Query) -> AsyncIterator[str]:
        """The entries that match as CSV, some at a time; no cell is one that a spreadsheet takes for a formula."""
        yield _csv([_COLUMNS])
        cursor: int | None = None
        while True:
            found = await asyncio.to_thread(self._page, query, cursor, 1000)
            if not found:
                return
            yield _csv(_row(each) for each in found)
            cursor = found[-1].index

    def _page(self, query: Query, before: int | None, limit: int) -> list[Entry]:
        found = self._store.page(query, before=before, limit=limit)
        disclosed = self._store.disclosed([each["id"] for each in found])
        return [open_entry(each, disclosed.get(each["id"], ())) for each in found]

    def _find(self, entry_id: str) -> tuple[dict[str, Any], list[Disclosure]]:
        sealed = self._store.find(entry_id)
        if sealed is None:
            raise entry_unknown(entry_id)
        return sealed, self._store.disclosed([entry_id]).get(entry_id, [])


def _position(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise bad_cursor()
    return int(cursor)


def _row(entry: Entry) -> Sequence[Any]:
    changes = "; ".join(f"{each.path}: {_shown(each.before)} → {_shown(each.after)}" for each in entry.changes)
    return (
        entry.index, to_iso(entry.at_ms), entry.actor.name, entry.actor.id, entry.action, entry.target.name,
        entry.target.id, entry.outcome, entry.error, changes, entry.address, entry.request_id, entry.count, entry.id,
    )  # fmt: skip


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [[safe_cell(value) if isinstance(value, str) else value for value in row] for row in rows]
    )
    return text.getvalue()
