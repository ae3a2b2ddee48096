"""The port of the series engine: ClickHouse SQL in, Arrow tables out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import pyarrow as pa

from millwright.engines.clickhouse.dialect import Dialect

Scalar: TypeAlias = int | float | bool | str | None
Parameters: TypeAlias = Mapping[str, Scalar | Sequence[Scalar]]
"""Values of the ``{name:Type}`` placeholders of a statement; bound by the engine, never pasted into the SQL."""

DEFAULTS: Mapping[str, str] = {
    "session_timezone": "UTC",
    "do_not_merge_across_partitions_select_final": "1",
    "distributed_foreground_insert": "1",
    "distributed_product_mode": "local",
    "max_partitions_per_insert_block": "0",
    "optimize_on_insert": "0",
    "optimize_use_projections": "0",  # there are none; looking for some takes a millisecond a statement
    "optimize_use_implicit_projections": "0",
    "output_format_arrow_string_as_string": "1",
    "output_format_arrow_compression_method": "none",
    "read_in_order_use_buffering": "0",
    "compile_expressions": "0",
    "compile_aggregate_expressions": "0",
}
"""Settings every statement runs under, on either engine; an older server is not sent those it does not know."""


class SeriesEngine(Protocol):
    """Statements over one database of a ClickHouse engine.

    Every method raises ``Unavailable`` when the engine is away or busy (try again), ``LimitExceeded``
    (``engines.disk_full``, ``engines.too_many_parts``, ``engines.query_memory``, ``engines.query_timeout``) when a
    limit was hit, ``Corrupt`` when stored data cannot be read, ``Invalid`` when the statement is refused.
    """

    dialect: Dialect
    exclusive: bool
    """Whether nobody but this process can write, so that what it wrote is what is there."""

    async def start(self) -> None:
        """Open the engine and make its database."""
        ...

    async def stop(self) -> None:
        """Let running statements end, then close."""
        ...

    async def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Run a statement that returns no rows."""
        ...

    async def query(self, sql: str, parameters: Parameters | None = None) -> pa.Table:
        """Run a SELECT (without a FORMAT clause); returns all its rows."""
        ...

    async def insert(self, table: str, rows: pa.Table) -> None:
        """Append ``rows``, columns matched by name. When it raises, none, some or all rows may be stored."""
        ...


_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f", "'": "\\'"}
)


def render(value: Scalar | Sequence[Scalar]) -> str:
    """A parameter in the text form that ``{name:Type}`` placeholders read (ClickHouse's escaped TSV form)."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, Sequence):
        return f"[{','.join(map(_element, value))}]"
    return _number(value)


def _element(value: Scalar) -> str:
    if value is None:
        return "NULL"
    return f"'{value.translate(_ESCAPES)}'" if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(int(value))
    if math.isfinite(value):
        return repr(value)
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked_name(name: str) -> str:
    """``name`` when it is a plain identifier; a table's name is the one thing that cannot be a parameter."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a table")
    return name
