"""A statement as CSV (RFC 4180) that a spreadsheet opens safely; the lines add up to the total it ends with."""

from __future__ import annotations

import csv
import io

from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell
from millwright.metering.meters import meters
from millwright.metering.model import Line, Statement

CSV = "text/csv"
PDF = "application/pdf"

_COLUMNS = (
    "kind",
    "plan",
    "version",
    "days",
    "meter",
    "unit",
    "quantity",
    "price",
    "per",
    "amount",
    "currency",
    "note",
)
_RAW = ("raw", "organisation_id", "organisation", "from", "until", "meter", "unit", "quantity")


def csv_of(statement: Statement) -> bytes:
    """Head, lines, total, and the raw counts of each organisation; begins with a byte order mark for Excel."""
    document = statement.document
    rows: list[tuple[str, ...]] = [
        ("statement", statement.number or "draft"),
        ("organisation", safe_cell(document.organisation)),
        ("organisation_id", document.organisation_id),
        ("month", document.month),
        ("utc_offset_h", str(document.utc_offset_h)),
        ("issued", "" if statement.issued_ms is None else to_iso(statement.issued_ms)),
        ("sha256", statement.digest or ""),
        (),
        _COLUMNS,
        *(_row(line, document.currency) for line in document.lines),
        ("total", "", "", "", "", "", "", "", "", document.total, document.currency, "tax-free"),
        (),
        _RAW,
    ]
    for raw in document.raw:
        unit = _unit(raw.meter)
        rows.append(
            (
                "raw",
                raw.organisation_id,
                safe_cell(raw.name),
                raw.first_day,
                raw.end_day,
                raw.meter,
                unit,
                str(raw.quantity),
            )
        )
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _row(line: Line, currency: str) -> tuple[str, ...]:
    return (
        line.kind,
        safe_cell(line.plan),
        str(line.version),
        str(line.days),
        line.meter or "",
        _unit(line.meter),
        str(line.quantity),
        line.price,
        str(line.per),
        line.amount,
        currency,
        safe_cell(line.note),
    )


def _unit(meter: str | None) -> str:
    found = meters().get(meter or "")
    return found.unit if found is not None else ""


def file_name(statement: Statement, ending: str) -> str:
    """What a downloaded statement is called."""
    document = statement.document
    return f"{statement.number or f'draft-{document.month}'}.{ending}"
