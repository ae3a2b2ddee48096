"""A query on a connection of its own, in a thread of its own, that can be ended from outside."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

from millwright.devices.connectors.sql_poll.settings import SqlPollSettings
from millwright.kernel import Denied, Invalid, Unavailable, Unsupported

T = TypeVar("T")
Mark = int | float | str | datetime

_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_BOUND: Final = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


class QueryFailed(Exception):
    """The database answered, and with an error."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a query gave; ``following`` is the first of those that were too many."""

    columns: Sequence[str]
    rows: Sequence[dict[str, Any]]
    following: dict[str, Any] | None = None


def checked(settings: SqlPollSettings) -> str:
    """The query, when it is one statement that reads; raises ``Invalid``."""
    query = settings.query.strip().rstrip(";").strip()
    bare = _LITERAL.sub(" ", query)
    if ";" in bare:
        raise _wrong("it is more than one statement")
    if not re.match(r"\s*\(*\s*(select|with|values|table)\b", bare, re.IGNORECASE):
        raise _wrong("it does not begin with SELECT")
    names = set(_BOUND.findall(bare))
    if names - {"watermark"}:
        raise _wrong(f"nobody knows :{sorted(names - {'watermark'})[0]}")
    if bool(names) != bool(settings.watermark):
        raise _wrong("a watermark needs both, its column and :watermark in the query")
    return query


def _wrong(why: str) -> Invalid:
    return Invalid(
        f"The query cannot be used: {why}.",
        code="connectors.settings_invalid",
        hint="Write one SELECT, as SELECT id, at, tag, value FROM readings WHERE id > :watermark ORDER BY id.",
    )


class Database:
    """One connection. All of it happens in one thread, one after another."""

    def __init__(self, settings: SqlPollSettings) -> None:
        self._settings, self._query = settings, checked(settings)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sql-poll")
        self._engine: Any = None
        self._connection: Any = None
        self._raw: Any = None
        self._current: asyncio.Future[Any] | None = None
        self.product = ""

    async def connect(self) -> None:
        """Connect; raises ``Unavailable``, ``Invalid`` or ``Unsupported``."""
        await self._within(self._connect)

    async def rows(self, mark: Mark | None) -> Rows:
        """The rows behind ``mark``; raises ``QueryFailed``, ``Unavailable``."""
        return await self._within(lambda: self._rows(mark))

    async def close(self) -> None:
        """Let go of the connection; a query that runs is ended."""
        self._interrupt()
        with contextlib.suppress(RuntimeError):
            self._thread.submit(self._dispose)
        self._thread.shutdown(wait=False)

    async def _within(self, work: Callable[[], T]) -> T:
        if self._current is not None:
            await asyncio.wait([self._current], timeout=self._settings.timeout_s)
            if not self._current.done():
                raise Unavailable(
                    "The database neither answers nor ends a query that was given up.",
                    code="connectors.no_answer",
                    hint="Look at the database and the network; it is connected to anew.",
                )
        self._current = future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await asyncio.shield(future)
        except TimeoutError as error:
            self._interrupt()
            raise QueryFailed(f"no answer within {self._settings.timeout_s:g} s") from error
        except asyncio.CancelledError:
            self._interrupt()
            raise

    def _interrupt(self) -> None:
        raw = self._raw
        for name in ("interrupt", "cancel"):
            if (end := getattr(raw, name, None)) is not None:
                # Some drivers connect anew for that, which may take as long as it likes.
                threading.Thread(target=_quietly, args=(end,), daemon=True, name="sql-poll-end").start()
                return

    def _connect(self) -> None:
        import sqlalchemy as sa
        from sqlalchemy.pool import NullPool

        try:
            url = sa.make_url(self._settings.url)
            if url.password:
                raise Invalid(
                    "A URL is no place for a password.",
                    code="connectors.settings_invalid",
                    hint="Take it out of the URL, and set password: it is sealed.",
                )
            if self._settings.password:
                url = url.set(password=self._settings.password)
            arguments: dict[str, Any] = {}
            if url.get_backend_name() == "sqlite":
                # By a URI, so that a file that is not there is not made.
                url = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})
                arguments = {"check_same_thread": False, "timeout": self._settings.timeout_s}
            elif url.get_backend_name() == "postgresql" and url.get_driver_name().startswith("psycopg"):
                timeout_s = max(2, int(self._settings.timeout_s))
                arguments = {
                    "connect_timeout": timeout_s,
                    "tcp_user_timeout": 2000 * timeout_s,
                    "keepalives_idle": 30,
                    "keepalives_interval": 10,
                    "keepalives_count": 3,
                }
            self._engine = sa.create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
        except (ImportError, sa.exc.NoSuchModuleError) as error:
            raise Unsupported(
                f"The driver of this database is not installed: {error}.",
                code="connectors.no_driver",
                hint="Install it beside the node; for PostgreSQL: pip install 'psycopg[binary]'.",
            ) from error
        except sa.exc.ArgumentError as error:
            raise Invalid(
                f"The URL of the database cannot be read: {error}.",
                code="connectors.settings_invalid",
                hint="Write it as postgresql+psycopg://reader@10.0.0.5/mes or sqlite:////data/log.db.",
            ) from error
        try:
            self._connection = self._engine.connect()
        except sa.exc.DBAPIError as error:
            raise _refused_or_away(error) from error
        self._raw = self._connection.connection.driver_connection
        if self._engine.dialect.name == "sqlite":
            self._connection.exec_driver_sql("PRAGMA query_only = ON")
            self._connection.rollback()
        elif self._engine.dialect.name == "postgresql":
            self._connection = self._connection.execution_options(postgresql_readonly=True)
        version = ".".join(map(str, self._engine.dialect.server_version_info or ()))
        self.product = f"{self._engine.dialect.name} {version}".strip()

    def _rows(self, mark: Mark | None) -> Rows:
        import sqlalchemy as sa

        most = self._settings.max_rows
        try:
            if self._engine.dialect.name == "postgresql":
                timeout_ms = int(self._settings.timeout_s * 1000)
                self._connection.exec_driver_sql(f"SET LOCAL statement_timeout = {timeout_ms}")
            result = self._connection.execute(sa.text(self._query), {"watermark": mark} if mark is not None else {})
            columns = list(result.keys())
            found = result.fetchmany(most + 1)
            result.close()
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                raise _refused_or_away(error) from error
            raise QueryFailed(_first_line(error)) from error
        except sa.exc.SQLAlchemyError as error:
            raise QueryFailed(_first_line(error)) from error
        finally:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                self._connection.rollback()
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        return Rows(columns, rows[:most], rows[most] if len(rows) > most else None)

    def _dispose(self) -> None:
        with contextlib.suppress(Exception):
            if self._connection is not None:
                self._connection.close()
        with contextlib.suppress(Exception):
            if self._engine is not None:
                self._engine.dispose()


def _quietly(end: Callable[[], Any]) -> None:
    with contextlib.suppress(Exception):
        end()


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]


def _refused_or_away(error: Exception) -> Denied | Unavailable:
    said = _first_line(error)
    if "authentication failed" in said or "permission denied" in said or "Access denied" in said:
        return Denied(
            f"The database refuses us: {said}.",
            code="connectors.refused",
            hint="Check the user in the URL, and the password.",
        )
    return Unavailable(
        f"The database cannot be reached: {said}.",
        code="connectors.unreachable",
        hint="Check the URL, that the database is up, and that this node may connect to it.",
    )
