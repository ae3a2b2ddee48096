"""The list of alarms as CSV (RFC 4180) that a spreadsheet opens safely."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from millwright.kernel import to_iso
from millwright.kernel.spreadsheet import safe_cell
from millwright.operations.model import Alarm

CSV = "text/csv"

_COLUMNS = (
    "raised", "state", "priority", "device", "property", "message", "message_zh", "value", "limit", "unit",
    "occurrences", "last_occurrence", "returned", "acknowledged", "acknowledged_by", "rule", "device_id", "id",
)  # fmt: skip


async def iter_csv(pages: AsyncIterator[list[Alarm]]) -> AsyncIterator[bytes]:
    """The header and a line for each alarm; begins with a byte order mark, without which Excel guesses the encoding."""
    yield b"\xef\xbb\xbf" + _lines([_COLUMNS])
    async for page in pages:
        if page:
            yield _lines([_row(alarm) for alarm in page])


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _row(alarm: Alarm) -> tuple[str, ...]:
    return (
        to_iso(alarm.raised_ms),
        alarm.state,
        alarm.priority,
        safe_cell(alarm.device_name),
        safe_cell(alarm.property),
        safe_cell(alarm.message),
        safe_cell(alarm.message_zh),
        _number(alarm.trigger_value),
        _number(alarm.limit),
        safe_cell(alarm.unit or ""),
        str(alarm.occurrences),
        _time(alarm.last_occurrence_ms),
        _time(alarm.returned_ms),
        _time(alarm.acknowledged_ms),
        safe_cell(alarm.acknowledged_by or ""),
        safe_cell(alarm.rule_name),
        alarm.device_id,
        alarm.id,
    )


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _time(ms: int | None) -> str:
    return "" if ms is None else to_iso(ms)
