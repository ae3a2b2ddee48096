"""The connection to the records.

Synchronous on purpose: a query here takes well under a millisecond on SQLite, and async drivers cost more than they
give. Async code calls a store through ``asyncio.to_thread``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from millwright.engines.sql.confinement import confine
from millwright.kernel import Unavailable
from millwright.kernel.scope import Scope, current_scope, within

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every domain's tables are declared on this, in the domain's ``store.py``, named ``<domain>_<plural noun>``."""


def insert_into(connection: sa.Connection, table: sa.Table) -> Any:
    """An ``INSERT`` that knows ``ON CONFLICT``; what PostgreSQL needs for it is imported only there."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


class Records:
    """A pool of connections to one database.

    Statements are confined to a scope (:mod:`.confinement`): the one of the work at hand, or the one given here, which
    is how the node's background work gets to see everything.
    """

    def __init__(self, url: str, scope: Scope | None = None) -> None:
        self.url = url
        self._scope = scope
        options: dict[str, Any] = {"future": True}
        if url.startswith("sqlite"):
            options["connect_args"] = {"timeout": 10.0}
        else:
            options |= {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": True, "pool_timeout": 10}
        self.engine = sa.create_engine(url, **options)
        if url.startswith("sqlite"):
            event.listen(self.engine, "connect", _configure_sqlite)
        self._confined = confine(self.engine)

    @classmethod
    def in_folder(cls, folder: Path, scope: Scope | None = None) -> Records:
        """The embedded database below ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{folder / 'records.db'}", scope)

    def scoped(self, scope: Scope) -> Records:
        """The same database, and the same connections, always in ``scope``."""
        other = object.__new__(Records)
        other.url, other.engine, other._confined, other._scope = self.url, self.engine, self._confined, scope
        return other

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that may write: commits at the end of the block, rolls back on an error.

        On SQLite it takes the write lock at once, so that two writers queue instead of failing half way.
        """
        with self._translated(), self._chosen() as engine, engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading only."""
        with self._translated(), self._chosen() as engine, engine.connect() as connection:
            yield connection

    @contextmanager
    def _chosen(self) -> Iterator[sa.Engine]:
        """Unlimited records leave the scope of the work alone: what runs inside (a note for the ledger, the home of
        something new) belongs where the work does."""
        if (current_scope() if self._scope is None else self._scope).unlimited:
            yield self.engine
        elif self._scope is None:
            yield self._confined
        else:
            with within(self._scope):
                yield self._confined

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:  # the last: no connection is free
            raise Unavailable(
                f"The records database does not answer: {getattr(error, 'orig', None) or error}",
                code="engines.sql_unavailable",
                hint="Check disk space and [sql] url; `millwright doctor` looks closer.",
            ) from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=10000")
