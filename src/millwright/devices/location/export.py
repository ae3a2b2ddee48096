"""Events of places as CSV (RFC 4180) that a spreadsheet opens safely."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from millwright.devices.location.model import LocationEvent
from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell

CSV = "text/csv"
_COLUMNS = (
    "time", "kind", "tag", "zone", "entered", "stay_s", "certain", "reason", "recorded", "zone_id", "reader_id",
    "number",
)  # fmt: skip


async def iter_csv(pages: AsyncIterator[list[LocationEvent]]) -> AsyncIterator[bytes]:
    """The header and a line for each event; begins with a byte order mark, for spreadsheets."""
    yield b"\xef\xbb\xbf" + _lines([_COLUMNS])
    async for page in pages:
        if page:
            yield _lines([_row(event) for event in page])


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _row(event: LocationEvent) -> tuple[str, ...]:
    return (
        to_iso(event.time_ms),
        event.kind,
        safe_cell(event.tag or ""),
        safe_cell(event.zone),
        "" if event.entered_ms is None else to_iso(event.entered_ms),
        "" if event.stay_ms is None else f"{event.stay_ms / 1000:.3f}",
        "yes" if event.certain else "no",
        event.reason,
        to_iso(event.recorded_ms),
        event.zone_id,
        event.reader_id or "",
        str(event.number),
    )
