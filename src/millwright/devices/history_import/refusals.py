"""The report of refused readings: a file of JSON lines beside the import's progress, read by pages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from millwright.devices.history_import.errors import bad_cursor
from millwright.devices.history_import.model import RefusedReading, RefusedReadings
from millwright.kernel.spreadsheet import safe_cell

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(RefusedReading).decode
_COLUMNS: Final = ("line", "row", "column", "cell", "code", "reason", "reason_zh")
_ROWS_AT_ONCE: Final = 1_000


class RefusalWriter:
    """Appends from ``size`` on; what stands behind it was written for a part that is not recorded."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("ab")
        self._file.truncate(size)
        self.size = size

    def write(self, rows: Iterable[RefusedReading]) -> None:
        """Append rows; they are on the disk when this returns."""
        data = b"".join(_encode(row) + b"\n" for row in rows)
        if data:
            self._file.write(data)
            self._file.flush()
            os.fdatasync(self._file.fileno())
            self.size += len(data)

    def __enter__(self) -> RefusalWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_page(path: Path, size: int, cursor: str | None, limit: int) -> RefusedReadings:
    """Rows from a cursor on. Raises ``Invalid`` (``readings.bad_cursor``)."""
    start = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
            raise bad_cursor()
        start = int(cursor)
    items: list[RefusedReading] = []
    if not path.exists() or start >= size:
        return RefusedReadings(items)
    with path.open("rb") as file:
        file.seek(start)
        while len(items) < limit and file.tell() < size:
            try:
                items.append(_decode(file.readline()))
            except msgspec.DecodeError:
                raise bad_cursor() from None
        return RefusedReadings(items, str(file.tell()) if file.tell() < size else None)


def write_csv(path: Path, size: int) -> Iterator[str]:
    """The whole report as CSV, some rows at a time; no cell begins a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(_COLUMNS)
    if path.exists():
        with path.open("rb") as file:
            count = 0
            while file.tell() < size:
                row = _decode(file.readline())
                writer.writerow([safe_cell(str(getattr(row, name))) for name in _COLUMNS])
                count += 1
                if count % _ROWS_AT_ONCE == 0:
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()
    yield buffer.getvalue()
