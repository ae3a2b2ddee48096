"""The one row that says whether the first administrator was made."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.store.tables import setup


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the set-up stands."""

    done: bool
    code_digest: bytes | None


class SetupStore:
    """Reads and moves the set-up."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self) -> Setup:
        """Where it stands now."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(setup.c.done_ms, setup.c.code_digest)).one()
        return Setup(row.done_ms is not None, row.code_digest)

    def replace_code(self, digest: bytes, at_ms: int) -> bool:
        """Set the code's digest; ``False`` when the set-up is done already."""
        with self._records.begin() as connection:
            changed = connection.execute(
                sa.update(setup).where(setup.c.done_ms.is_(None)).values(code_digest=digest, code_ms=at_ms)
            )
        return changed.rowcount == 1


def claim(connection: sa.Connection, code_digest: bytes, at_ms: int) -> bool:
    """Take the set-up, in the caller's transaction; ``False`` when it is done or the code is another one by now."""
    taken = connection.execute(
        sa.update(setup)
        .where(setup.c.done_ms.is_(None), setup.c.code_digest == code_digest)
        .values(done_ms=at_ms, code_digest=None)
    )
    return taken.rowcount == 1


def lock(connection: sa.Connection) -> None:
    """Let one transaction at a time decide who is an administrator (SQLite's write lock does that by itself)."""
    connection.execute(sa.select(setup.c.id).with_for_update())
