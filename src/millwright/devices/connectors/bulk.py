"""Points as a table that people edit in a spreadsheet: CSV in, with a report of what was refused and why; CSV out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from millwright.devices.connectors.model import NewPoint, PointView
from millwright.devices.errors import invalid
from millwright.kernel.spreadsheet import plain_cell, safe_cell

COLUMNS = ("address", "device", "property", "interval_ms", "deadband", "scale", "offset", "writable")
"""Columns of a file of points; ``device`` is a name or an id."""

_YES, _NO = ("true", "yes", "1", "是"), ("false", "no", "0", "否", "")


def read_points(data: bytes) -> list[dict[str, Any]]:
    """The rows of a CSV file with a header, in UTF-8 or GB 18030. Raises ``Invalid``."""
    text = _decode(data)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        unknown = set(names) - set(COLUMNS) - {"", "id"}
        missing = {"address", "device", "property"} - set(names)
        if unknown or missing:
            what = f"Unknown columns: {', '.join(sorted(unknown))}." if unknown else f"Missing: {', '.join(missing)}."
            raise invalid(
                what,
                "/0",
                code="connectors.import_columns",
                hint=f"The first line names the columns: {', '.join(COLUMNS)}.",
            )
        reader.fieldnames = names
        return [
            {key: plain_cell(value.strip()) for key, value in cells.items() if key and isinstance(value, str)}
            for cells in reader
        ]
    except csv.Error as error:
        raise invalid(f"The file is not CSV: {error}", "", code="connectors.import_unreadable") from error


def point_of(row: Mapping[str, Any], device_id: str) -> NewPoint:
    """The point that a row describes. Raises ``msgspec.ValidationError``."""
    values: dict[str, Any] = {
        key: value for key, value in row.items() if key in COLUMNS and key != "device" and value not in ("", None)
    }
    writable = values.get("writable")
    if isinstance(writable, str):
        lower = writable.lower()
        if lower not in (*_YES, *_NO):
            raise msgspec.ValidationError("`writable` is true or false")
        values["writable"] = lower in _YES
    return msgspec.convert(values | {"device_id": device_id}, NewPoint, strict=False)


def write_points(found: Iterable[PointView]) -> Iterator[str]:
    """The points as CSV that :func:`read_points` takes, a part at a time."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for count, point in enumerate(found, 1):
        cells = (
            point.address,
            point.device,
            point.property,
            str(point.interval_ms),
            _number(point.deadband),
            _number(point.scale),
            _number(point.offset),
            "true" if point.writable else "false",
        )
        writer.writerow([safe_cell(cell) if number < 3 else cell for number, cell in enumerate(cells)])
        if count % 500 == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise invalid("The file is neither UTF-8 nor GB 18030.", "", code="connectors.import_unreadable")
