"""The report of refused readings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from millwright.devices.history_import.errors import bad_cursor
from millwright.devices.history_import.model import RefusedReading, RefusedReadings
from millwright.engines.tables import BadCursor, read_rows
from millwright.engines.tables import write_csv as write_report

_COLUMNS: Final = ("line", "row", "column", "cell", "code", "reason", "reason_zh")


def read_page(path: Path, size: int, cursor: str | None, limit: int) -> RefusedReadings:
    """Rows from a cursor on. Raises ``Invalid`` (``readings.bad_cursor``)."""
    try:
        return RefusedReadings(*read_rows(path, size, cursor, limit, RefusedReading))
    except BadCursor:
        raise bad_cursor() from None


def write_csv(path: Path, size: int) -> Iterator[str]:
    """The whole report as CSV, some rows at a time."""
    return write_report(path, size, RefusedReading, _COLUMNS)
