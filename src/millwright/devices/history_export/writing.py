"""Files of exports, written as a stream: CSV, Parquet, Arrow, Excel; counted and digested on the way."""

from __future__ import annotations

import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from millwright.devices.history_export.columns import LocalTimes
from millwright.devices.history_export.model import ExportFormat
from millwright.engines.tables import WorkbookWriter
from millwright.kernel.spreadsheet import safe_cell

_GROUP_ROWS: Final = 100_000
_MILLISECONDS_A_DAY: Final = 86_400_000
_EXCEL_EPOCH_DAYS: Final = 25_569


class Sink(io.RawIOBase):
    """The file, seen only forwards; ``check`` is given its size so far and may raise."""

    def __init__(self, path: Path, check: Callable[[int], None]) -> None:
        self._file = path.open("xb")
        self._digest, self._check, self.size = hashlib.sha256(), check, 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How much was written."""
        return self.size

    def write(self, data: object) -> int:
        """Write on."""
        piece = memoryview(data).cast("B")  # type: ignore[arg-type]  # whatever has a buffer
        if not self._file.closed:
            self._digest.update(piece)
            self._file.write(piece)
            self.size += len(piece)
            self._check(self.size)
        return len(piece)

    def settle(self) -> str:
        """Return when it is on the disk: its SHA-256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close the file, whole or not."""
        self._file.close()
        super().close()


class TableWriter(ABC):
    """Writes tables of one schema, one after the other; ``end`` makes the file whole."""

    def __init__(self, sink: Sink, schema: pa.Schema, zone: ZoneInfo) -> None:
        self._sink, self._schema, self._times = sink, schema, LocalTimes(zone)
        self._zone = zone

    @abstractmethod
    def write(self, rows: pa.Table) -> None:
        """The next rows."""

    @abstractmethod
    def end(self) -> None:
        """No more comes."""


class CsvWriter(TableWriter):
    """RFC 4180 in UTF-8. A reading's value is one column; a text never begins a formula."""

    def __init__(self, sink: Sink, schema: pa.Schema, zone: ZoneInfo) -> None:
        super().__init__(sink, schema, zone)
        self._target, self._begun = pa.PythonFile(sink, mode="w"), False

    def write(self, rows: pa.Table) -> None:
        """The next rows."""
        from pyarrow import csv

        table = self._shown(rows)
        options = csv.WriteOptions(include_header=not self._begun, batch_size=50_000, quoting_style="needed")
        self._begun = True
        csv.write_csv(table, self._target, options)

    def end(self) -> None:
        """A file without rows has its heading still."""
        if not self._begun:
            self.write(self._schema.empty_table())

    def _shown(self, rows: pa.Table) -> pa.Table:
        columns: dict[str, pa.Array] = {}
        for field in rows.schema:
            column = rows.column(field.name)
            if pa.types.is_timestamp(field.type):
                columns[field.name] = self._times.texts(column)
            elif field.name == "number":
                columns["value"] = _values(rows)
            elif field.name == "text" or field.name == "kind":
                continue
            elif pa.types.is_string(field.type):
                columns[field.name] = _safe(column)
            elif pa.types.is_floating(field.type):
                columns[field.name] = column.cast(pa.string())
            else:
                columns[field.name] = column
        return pa.table(columns)


def _values(rows: pa.Table) -> pa.Array:
    """Numbers, true and false, texts, as text."""
    kind, number = rows.column("kind"), rows.column("number")
    shown = number.cast(pa.string())
    switched = pc.if_else(pc.not_equal(number, 0), "true", "false")
    shown = pc.if_else(pc.equal(kind, "boolean"), switched, shown)
    return pc.coalesce(shown, _safe(rows.column("text")))


def _safe(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Texts that a spreadsheet does not run; each different one is looked at once."""
    encoded = column.combine_chunks().dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    safe = [safe_cell(text) for text in texts]
    return column if safe == texts else pc.take(pa.array(safe, pa.string()), encoded.indices)


class ParquetWriter(TableWriter):
    """Parquet, compressed with Zstandard; times carry the zone."""

    def __init__(self, sink: Sink, schema: pa.Schema, zone: ZoneInfo) -> None:
        super().__init__(sink, schema, zone)
        from pyarrow import parquet

        target = pa.PythonFile(sink, mode="w")
        self._writer = parquet.ParquetWriter(target, schema, compression="zstd", version="2.6")
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, rows: pa.Table) -> None:
        """The next rows; short pages are put into one group."""
        self._waiting.append(rows)
        self._rows += rows.num_rows
        if self._rows >= _GROUP_ROWS:
            self._flush()

    def end(self) -> None:
        """The last group, and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=_GROUP_ROWS)
        self._waiting, self._rows = [], 0


class ArrowWriter(TableWriter):
    """An Arrow file (IPC file format, Feather 2), compressed with LZ4."""

    def __init__(self, sink: Sink, schema: pa.Schema, zone: ZoneInfo) -> None:
        super().__init__(sink, schema, zone)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        self._writer = pa.ipc.new_file(pa.PythonFile(sink, mode="w"), schema, options=options)

    def write(self, rows: pa.Table) -> None:
        """The next rows."""
        self._writer.write_table(rows)

    def end(self) -> None:
        """The footer."""
        self._writer.close()


class ExcelWriter(TableWriter):
    """A workbook with a sheet for each million rows. Times are those of the zone's clock, as dates."""

    def __init__(self, sink: Sink, schema: pa.Schema, zone: ZoneInfo) -> None:
        super().__init__(sink, schema, zone)
        self._book = WorkbookWriter(sink, "readings", [self._heading(name) for name in self._names()])

    def _names(self) -> list[str]:
        names = [name for name in self._schema.names if name not in ("text", "kind")]
        return ["value" if name == "number" else name for name in names]

    def _heading(self, name: str) -> str:
        return f"{name} ({self._zone.key})" if name in ("time", "received") else name

    def write(self, rows: pa.Table) -> None:
        """The next rows."""
        columns: list[tuple[str, list[object]]] = []
        for field in self._schema:
            column = rows.column(field.name)
            if pa.types.is_timestamp(field.type):
                local, _ = self._times.local_ms(column)
                columns.append(("date", (local / _MILLISECONDS_A_DAY + _EXCEL_EPOCH_DAYS).tolist()))
            elif field.name == "number":
                columns.append(("any", _cells(rows)))
            elif field.name not in ("text", "kind"):
                columns.append(("any", column.to_pylist()))
        self._book.write([kind for kind, _ in columns], zip(*(cells for _, cells in columns), strict=True))

    def end(self) -> None:
        """What ties the sheets together."""
        self._book.end()


def _cells(rows: pa.Table) -> list[object]:
    found: list[object] = rows.column("number").to_pylist()
    kinds = rows.column("kind").to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(kinds != "number").tolist():
        if kinds[row] == "text":
            found[row] = rows.column("text")[row].as_py()
        elif found[row] is not None:
            found[row] = found[row] != 0
    return found


WRITERS: Final[dict[ExportFormat, Callable[[Sink, pa.Schema, ZoneInfo], TableWriter]]] = {
    "csv": CsvWriter, "parquet": ParquetWriter, "arrow": ArrowWriter, "xlsx": ExcelWriter,
}  # fmt: skip
MEDIA_TYPES: Final[dict[ExportFormat, str]] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
