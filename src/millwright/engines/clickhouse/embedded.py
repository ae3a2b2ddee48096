"""chDB: the ClickHouse engine inside this process, over one folder.

The engine frees Python's interpreter lock while it works, so statements run on a small pool of threads, each with a
connection of its own; inserts have a thread to themselves, in order, so that no query delays them. One process may
open a folder at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar
from xml.sax.saxutils import escape

import pyarrow as pa

from millwright.engines.clickhouse.dialect import Dialect
from millwright.engines.clickhouse.errors import translate
from millwright.engines.clickhouse.port import DEFAULTS, Parameters, checked_name, render
from millwright.engines.clickhouse.residency import do_without_pandas, give_back
from millwright.engines.clickhouse.settings import ClickHouseSettings
from millwright.kernel import Conflict, Unavailable, end

T = TypeVar("T")
_WRITERS, _MERGERS = 1, 2
_YOUNG_BYTES = 10 << 20
"""Smaller parts are compressed quickly (LZ4), larger ones well (ZSTD): young parts are soon merged and written anew."""
_MERGE_THREAD, _MERGE_NICENESS = "MergeMutate", 10
_SETTLED_S, _GIVE_BACK_S = 5.0, 60.0
"""When code that only the start needed is given back, and how often after that what a rare query needed."""


class ChdbEngine:
    """The embedded engine over ``folder``; implements :class:`SeriesEngine`."""

    exclusive = True

    def __init__(self, folder: Path, settings: ClickHouseSettings | None = None) -> None:
        self._folder = folder
        self._settings = settings or ClickHouseSettings()
        self.dialect = Dialect(sync=self._settings.sync, codec="Default")
        self._lock: IO[str] | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._writer: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[Any] = []
        self._guard = threading.Lock()
        self._lowered = 0
        self._giving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the folder, open it, make the database.

        Raises ``Conflict`` (``engines.clickhouse_locked``) when another process has the folder open.
        """
        self._lock = _lock(self._folder)
        do_without_pandas()
        try:
            (self._folder / "engine.xml").write_text(self._config(), encoding="utf-8")
            self._local, self._lowered = threading.local(), 0
            self._readers = ThreadPoolExecutor(self._settings.threads, "series-read")
            self._writer = ThreadPoolExecutor(_WRITERS, "series-write")
            await self._on(self._writer, self._open_database)
            self._giving = asyncio.create_task(_give_back_often(), name="residency")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Let running statements end, close the connections, give the folder free."""
        await end(self._giving)
        self._giving = None
        pools, self._readers, self._writer = (self._readers, self._writer), None, None
        for pool in pools:
            if pool is not None:
                await asyncio.to_thread(pool.shutdown, wait=True)
        with self._guard:
            connections, self._connections = self._connections, []
        for connection in connections:
            await asyncio.to_thread(connection.close)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run a statement that returns no rows."""
        await self._on(self._readers, self._run, sql, parameters, "Null")

    async def query(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """Run a SELECT; returns all its rows."""
        return await self._on(self._readers, self._select, sql, parameters)

    async def insert(self, table: str, rows: pa.Table) -> None:
        """Append ``rows``, columns matched by name."""
        if rows.num_rows:
            await self._on(self._writer, self._append, checked_name(table), rows)

    # --- on the pool's threads -----------------------------------------------------------------------------------

    async def _on(self, pool: ThreadPoolExecutor | None, call: Callable[..., T], *arguments: Any) -> T:
        if pool is None:
            raise Unavailable(
                "The series engine is not open.",
                code="engines.clickhouse_unavailable",
                hint="Start it, then try again.",
            )
        return await asyncio.get_running_loop().run_in_executor(pool, call, *arguments)

    def _open_database(self) -> None:
        connection = self._connect()
        _call(connection.query, f"CREATE DATABASE IF NOT EXISTS {self._settings.database}", "Null")
        _call(connection.query, f"USE {self._settings.database}", "Null")
        self._local.connection = connection

    def _connect(self) -> Any:
        # chdb takes 0.2 s and 200 MB to import: only a process that opens the engine pays.
        from chdb.state.sqlitelike import Connection

        connection = _call(Connection, f"file:{self._folder / 'data'}?config-file={self._folder / 'engine.xml'}")
        with self._guard:
            self._connections.append(connection)
        settings = {**DEFAULTS, "max_execution_time": f"{self._settings.timeout_s:g}"}
        _call(connection.query, "SET " + ", ".join(f"{key} = '{value}'" for key, value in settings.items()), "Null")
        return connection

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            _call(connection.query, f"USE {self._settings.database}", "Null")
            self._local.connection = connection
        return connection

    def _run(self, sql: str, parameters: Parameters | None, form: str) -> Any:
        values = {name: render(value) for name, value in parameters.items()} if parameters else None
        return _call(self._connection().query, sql, form, params=values)

    def _select(self, sql: str, parameters: Parameters | None) -> pa.Table:
        result = self._run(sql, parameters, "ArrowStream")
        with pa.ipc.open_stream(pa.py_buffer(result.bytes())) as reader:
            return reader.read_all()

    def _append(self, table: str, rows: pa.Table) -> None:
        columns = ", ".join(map(checked_name, rows.column_names))
        sql = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM Python(rows)"  # noqa: S608 - checked names only
        _call(self._connection().query, sql, "Null")
        if self._lowered < _MERGERS:
            self._lowered = _lower_mergers()

    def _config(self) -> str:
        """The engine's configuration: what a server sizes for a machine of its own, sized for a share of this one."""
        cache = self._settings.cache_mb << 20
        values = {
            "max_server_memory_usage": self._settings.memory_mb << 20,
            "mark_cache_size": cache // 2,
            "primary_index_cache_size": cache // 2,
            "index_mark_cache_size": 1 << 20,
            "query_condition_cache_size": 4 << 20,
            "compiled_expression_cache_size": 1 << 20,
            "background_pool_size": _MERGERS,
            "background_schedule_pool_size": 2,
            "tables_loader_foreground_pool_size": 2,
            "tables_loader_background_pool_size": 2,
        }
        lines = "".join(f"  <{key}>{escape(str(value))}</{key}>\n" for key, value in values.items())
        lines += (
            f"  <compression><case><min_part_size>{_YOUNG_BYTES}</min_part_size>"
            "<min_part_size_ratio>0</min_part_size_ratio><method>zstd</method><level>1</level></case></compression>\n"
        )
        note = "<!-- Written at every start; change [clickhouse] in millwright.toml instead. -->"
        return f"{note}\n<clickhouse>\n{lines}</clickhouse>\n"


async def _give_back_often() -> None:
    await asyncio.sleep(_SETTLED_S)
    while True:
        await asyncio.to_thread(give_back)
        await asyncio.sleep(_GIVE_BACK_S)


def _lower_mergers() -> int:
    """Let merging of parts, which can wait, give way to inserts and queries; returns how many threads now do (Linux).

    The engine starts these threads with the first merge.
    """
    lowered = 0
    for task in Path("/proc/self/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the thread has ended
            if (task / "comm").read_text().strip() == _MERGE_THREAD:
                os.setpriority(os.PRIO_PROCESS, int(task.name), _MERGE_NICENESS)
                lowered += 1
    return lowered


def _call(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    try:
        return function(*arguments, **options)
    except RuntimeError as error:  # ChdbError is one
        raise translate(str(error)) from error


def _lock(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lock"
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise Conflict(
            f"The series in {folder} are open in another process ({holder}).",
            code="engines.clickhouse_locked",
            hint="Stop the other node, or give this one another data folder; one process may open it.",
            detail={"pid": holder},
        ) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
