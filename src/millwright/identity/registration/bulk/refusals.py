"""The report of refused rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from millwright.engines.tables import BadCursor, read_rows
from millwright.engines.tables import write_csv as write_report
from millwright.identity.registration.bulk.model import RefusedPage, RefusedRow
from millwright.kernel import Invalid

_COLUMNS: Final = ("line", "row", "identifier", "column", "field", "code", "reason", "reason_zh")


def read_page(path: Path, size: int, cursor: str | None, limit: int) -> RefusedPage:
    """Rows from a cursor on. Raises ``Invalid`` (``identifiers.bad_cursor``)."""
    try:
        return RefusedPage(*read_rows(path, size, cursor, limit, RefusedRow))
    except BadCursor:
        raise Invalid(
            "This cursor was not made by this list.", code="identifiers.bad_cursor", hint="Use `next`."
        ) from None


def write_csv(path: Path, size: int) -> Iterator[str]:
    """The whole report as CSV, some rows at a time."""
    return write_report(path, size, RefusedRow, _COLUMNS)
