"""A ClickHouse server or cluster, over its HTTP interface."""

from __future__ import annotations

import asyncio

import httpx
import pyarrow as pa

from millwright.engines.clickhouse.dialect import Dialect
from millwright.engines.clickhouse.errors import translate
from millwright.engines.clickhouse.port import DEFAULTS, Parameters, checked_name, render
from millwright.engines.clickhouse.settings import ClickHouseSettings
from millwright.kernel import MillwrightError, Unavailable

_BACKOFF_S = 0.2
_PARAMETERS_IN_URL = 4096


class ClickHouseHttpEngine:
    """The engine behind ``[clickhouse] url``; implements :class:`SeriesEngine`.

    Every statement is repeated when no answer came: what the historian sends may safely arrive twice.
    """

    exclusive = False

    def __init__(self, settings: ClickHouseSettings) -> None:
        self._settings = settings
        self.dialect = Dialect(cluster=settings.cluster, sync=settings.sync)
        self._address = str(httpx.URL(settings.url).copy_with(userinfo=b""))
        self._client: httpx.AsyncClient | None = None
        self._defaults: dict[str, str] = {}

    async def start(self) -> None:
        """Connect and make the database. Raises ``Unavailable`` when no server answers."""
        self._client = httpx.AsyncClient(
            base_url=self._settings.url,
            headers={"X-ClickHouse-User": self._settings.user, "X-ClickHouse-Key": self._settings.password},
            timeout=httpx.Timeout(self._settings.timeout_s + 5, connect=5),
            limits=httpx.Limits(max_connections=self._settings.threads + 1),
        )
        sql = f"CREATE DATABASE IF NOT EXISTS {self._settings.database}{self.dialect.on_cluster}"
        await self._send(sql, b"", {}, database="default")
        known = await self.query(
            "SELECT name FROM system.settings WHERE name IN {names:Array(String)}", {"names": list(DEFAULTS)}
        )
        self._defaults = {name: DEFAULTS[name] for name in known.column("name").to_pylist()}

    async def stop(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run a statement that returns no rows."""
        await self._send(sql, b"", parameters or {})

    async def query(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """Run a SELECT; returns all its rows."""
        body = await self._send(f"{sql}\nFORMAT ArrowStream", b"", parameters or {})
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            return reader.read_all()

    async def insert(self, table: str, rows: pa.Table) -> None:
        """Append ``rows``, columns matched by name."""
        if not rows.num_rows:
            return
        columns = ", ".join(map(checked_name, rows.column_names))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(rows)
        sql = f"INSERT INTO {checked_name(table)} ({columns}) FORMAT ArrowStream"
        await self._send(sql, sink.getvalue().to_pybytes(), {})

    async def _send(self, sql: str, body: bytes, parameters: Parameters, *, database: str = "") -> bytes:
        query = {
            **self._defaults,
            "database": database or self._settings.database,
            "wait_end_of_query": "1",
            "max_execution_time": f"{self._settings.timeout_s:g}",
        }
        values = {f"param_{name}": render(value) for name, value in parameters.items()}
        fields: dict[str, tuple[None, str]] | None = None
        if body:
            query["query"] = sql
        elif sum(map(len, values.values())) > _PARAMETERS_IN_URL:
            # Many values do not fit a URL; the interface takes the statement and its parameters as form fields too.
            fields = {name: (None, value) for name, value in values.items()} | {"query": (None, sql)}
        else:
            query |= values
            body = sql.encode()
        failure: MillwrightError | None = None
        for attempt in range(self._settings.retries + 1):
            if attempt:
                await asyncio.sleep(_BACKOFF_S * 2 ** (attempt - 1))
            try:
                return await self._exchange(query, body, fields)
            except Unavailable as error:
                failure = error
        assert failure is not None
        raise failure

    async def _exchange(self, query: dict[str, str], body: bytes, fields: dict[str, tuple[None, str]] | None) -> bytes:
        if self._client is None:
            raise Unavailable("The series engine is not open.", code="engines.clickhouse_unavailable", hint="Start it.")
        try:
            if fields is None:
                reply = await self._client.post("/", params=query, content=body)
            else:
                reply = await self._client.post("/", params=query, files=fields)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"No answer from ClickHouse at {self._address}: {str(error) or type(error).__name__}",
                code="engines.clickhouse_unavailable",
                hint="Check [clickhouse] url and the server; it is tried again.",
            ) from error
        failed = reply.headers.get("X-ClickHouse-Exception-Code")
        if failed or reply.status_code != 200:
            text = reply.text
            raise translate(text if "Code: " in text or not failed else f"Code: {failed}. {text}")
        return reply.content
