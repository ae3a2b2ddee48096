"""History as files: CSV for people and spreadsheets, Arrow for programs; a page at a time, of any length."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence

import pyarrow as pa

from millwright.historian.columns import values
from millwright.historian.model import Value
from millwright.historian.query import BucketQuery, BucketSeries
from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
"""IANA media type of the Arrow IPC stream."""

_SCHEMA = pa.schema(
    [
        pa.field("time", pa.timestamp("ms", "UTC"), nullable=False),
        pa.field("number", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("kind", pa.uint8(), nullable=False),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("received", pa.timestamp("ms", "UTC"), nullable=False),
    ]
)


async def iter_csv(pages: AsyncIterator[pa.Table]) -> AsyncIterator[bytes]:
    """``time, time_ms, value, quality, received_ms``, with a heading; a text never begins a formula."""
    yield _lines([("time", "time_ms", "value", "quality", "received_ms")])
    async for table in pages:
        yield await asyncio.to_thread(_csv_page, table)


def _csv_page(table: pa.Table) -> bytes:
    columns = (table.column(name).to_pylist() for name in ("time_ms", "quality", "received_ms"))
    rows = zip(zip(*columns, strict=True), values(table), strict=True)
    return _lines([(to_iso(time), time, _cell(value), quality, received) for (time, quality, received), value in rows])


async def iter_arrow(pages: AsyncIterator[pa.Table]) -> AsyncIterator[bytes]:
    """An Arrow IPC stream of ``time, number, text, kind, quality, received``."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, _SCHEMA) as writer:
        async for table in pages:
            await asyncio.to_thread(writer.write_table, _arrow_page(table))
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


def _arrow_page(table: pa.Table) -> pa.Table:
    is_text = pa.compute.equal(table.column("kind"), 2)
    none = pa.scalar(None)
    return pa.table(
        [
            table.column("time_ms").cast(_SCHEMA.field("time").type),
            pa.compute.if_else(is_text, none.cast(pa.float64()), table.column("number")),
            pa.compute.if_else(is_text, table.column("text"), none.cast(pa.string())),
            table.column("kind"),
            table.column("quality"),
            table.column("received_ms").cast(pa.int64()).cast(_SCHEMA.field("received").type),
        ],
        schema=_SCHEMA,
    )


def csv_of_buckets(names: Sequence[str], query: BucketQuery, found: Sequence[BucketSeries]) -> bytes:
    """One line a property and bucket: ``property, time, time_ms, count, bad`` and the aggregates asked for."""
    aggregates = [name for name in query.aggregates if name != "count"]
    lines: list[Sequence[object]] = [("property", "time", "time_ms", "count", "bad", *aggregates)]
    for name, series in zip(names, found, strict=True):
        columns = [series.values[aggregate] for aggregate in aggregates]
        for row, time in enumerate(series.time_ms):
            cells = (_cell(column[row]) for column in columns)
            lines.append((safe_cell(name), to_iso(time), time, series.count[row], series.bad[row], *cells))
    return _lines(lines)


def arrow_of_buckets(names: Sequence[str], query: BucketQuery, found: Sequence[BucketSeries]) -> bytes:
    """The same columns as an Arrow IPC stream."""
    rows = [(name, series) for name, series in zip(names, found, strict=True)]
    columns: dict[str, pa.Array] = {
        "property": pa.array([name for name, series in rows for _ in series.time_ms], pa.string()),
        "time": pa.array([time for _, series in rows for time in series.time_ms], pa.timestamp("ms", "UTC")),
        "count": pa.array([count for _, series in rows for count in series.count], pa.int64()),
        "bad": pa.array([bad for _, series in rows for bad in series.bad], pa.int64()),
    }
    for name in query.aggregates:
        if name != "count":
            columns[name] = pa.array([value for _, series in rows for value in series.values[name]], pa.float64())
    table = pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _cell(value: Value) -> object:
    if isinstance(value, str):
        return safe_cell(value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


def _lines(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
