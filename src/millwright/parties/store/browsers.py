"""Browsers that a person signed in from before, known by a cookie whose digest alone is stored."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import new_id
from millwright.parties.store.tables import browsers

_MOST = 20


class BrowserStore:
    """Queries over known browsers. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def find(self, digest: bytes, person_id: str) -> str | None:
        """The id of a browser this person signed in from."""
        with self._records.read() as connection:
            found: str | None = connection.scalar(
                sa.select(browsers.c.id).where(browsers.c.digest == digest, browsers.c.person_id == person_id)
            )
        return found

    def touch(self, browser_id: str, now_ms: int) -> None:
        """Note that the person signed in from it again."""
        with self._records.begin() as connection:
            connection.execute(sa.update(browsers).where(browsers.c.id == browser_id).values(seen_ms=now_ms))

    def add(self, digest: bytes, person_id: str, now_ms: int) -> None:
        """Know one more browser; of a person's the twenty seen last are kept."""
        row = {"id": new_id("bro"), "digest": digest, "person_id": person_id, "created_ms": now_ms, "seen_ms": now_ms}
        with self._records.begin() as connection:
            connection.execute(sa.insert(browsers).values(**row))
            kept = (
                sa.select(browsers.c.id)
                .where(browsers.c.person_id == person_id)
                .order_by(browsers.c.seen_ms.desc(), browsers.c.id.desc())
                .limit(_MOST)
            )
            connection.execute(sa.delete(browsers).where(browsers.c.person_id == person_id, browsers.c.id.not_in(kept)))
