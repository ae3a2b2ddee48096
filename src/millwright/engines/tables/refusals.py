"""The report of what a file held and was refused: JSON lines beside the progress of an import, read by pages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

import msgspec

from millwright.kernel.spreadsheet import safe_cell

R = TypeVar("R", bound=msgspec.Struct)

_encode: Final = msgspec.json.Encoder().encode
_ROWS_AT_ONCE: Final = 1_000


class BadCursor(ValueError):
    """The cursor was not made by this report."""


class RefusalWriter:
    """Appends from ``size`` on; what stands behind it was written for a part that is not recorded."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("ab")
        self._file.truncate(size)
        self.size = size

    def write(self, rows: Iterable[msgspec.Struct]) -> None:
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


def read_rows(path: Path, size: int, cursor: str | None, limit: int, kind: type[R]) -> tuple[list[R], str | None]:
    """Rows from a cursor on, and the cursor of what follows. Raises :class:`BadCursor`."""
    start = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
            raise BadCursor
        start = int(cursor)
    items: list[R] = []
    if not path.exists() or start >= size:
        return items, None
    with path.open("rb") as file:
        file.seek(start)
        while len(items) < limit and file.tell() < size:
            try:
                items.append(msgspec.json.decode(file.readline(), type=kind))
            except msgspec.DecodeError:
                raise BadCursor from None
        return items, str(file.tell()) if file.tell() < size else None


def write_csv(path: Path, size: int, kind: type[msgspec.Struct], columns: Sequence[str]) -> Iterator[str]:
    """The whole report as CSV, some rows at a time; no cell begins a formula."""
    decode = msgspec.json.Decoder(kind).decode
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(columns)
    if path.exists():
        with path.open("rb") as file:
            count = 0
            while file.tell() < size:
                row = decode(file.readline())
                writer.writerow([safe_cell(str(getattr(row, name))) for name in columns])
                count += 1
                if count % _ROWS_AT_ONCE == 0:
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()
    yield buffer.getvalue()
