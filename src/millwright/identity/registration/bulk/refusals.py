"""The report of refused rows: a file of JSON lines, written beside the import's progress and read by pages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec

from millwright.identity.registration.bulk.model import RefusedPage, RefusedRow
from millwright.kernel import Invalid
from millwright.kernel.spreadsheet import safe_cell

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RefusedRow).decode
_COLUMNS = ("line", "row", "identifier", "column", "field", "code", "reason", "reason_zh")
_ROWS_AT_ONCE = 1_000


class RefusalWriter:
    """Appends from ``size`` on; what stands behind it was written for a part that is not recorded."""

    def __init__(self, path: Path, size: int) -> None:
        self._file = path.open("ab")
        self._file.truncate(size)
        self.size = size

    def write(self, rows: Iterable[RefusedRow]) -> None:
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


def read_page(path: Path, size: int, cursor: str | None, limit: int) -> RefusedPage:
    """Rows from a cursor on. Raises ``Invalid`` (``identifiers.bad_cursor``)."""
    start = 0
    if cursor is not None:
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
            raise Invalid("This cursor was not made by this list.", code="identifiers.bad_cursor", hint="Use `next`.")
        start = int(cursor)
    items: list[RefusedRow] = []
    if not path.exists() or start >= size:
        return RefusedPage(items)
    with path.open("rb") as file:
        file.seek(start)
        while len(items) < limit and file.tell() < size:
            try:
                items.append(_decode(file.readline()))
            except msgspec.DecodeError:
                raise Invalid(
                    "This cursor was not made by this list.", code="identifiers.bad_cursor", hint="Use `next`."
                ) from None
        return RefusedPage(items, str(file.tell()) if file.tell() < size else None)


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
