"""Times of a column: a whole column at once where all cells are alike, else cell by cell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from millwright.devices.history_import.errors import columns_wrong

NO_TIME: Final = np.iinfo(np.int64).min
"""Stands for a cell that is no time."""
_UNITS: Final = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?\s*\Z")
_REMEMBERED: Final = 100_000

Times = npt.NDArray[np.int64]


class TimeReader:
    """Reads cells as UTC milliseconds. Raises ``Invalid`` (``readings.import_columns``) for a zone nobody knows."""

    def __init__(self, form: str, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise columns_wrong(f"There is no time zone {zone!r}", f"没有时区“{zone}”") from error
        if form not in ("auto", *_UNITS) and "%" not in form:
            raise columns_wrong(f"{form!r} is no format of times", f"“{form}”不是时间格式")
        if "%" in form and not _is_pattern(form):
            raise columns_wrong(f"{form!r} is no pattern of strptime", f"“{form}”不是 strptime 格式")
        self._form, self._is_utc = form, zone.upper() in ("UTC", "ETC/UTC", "Z")
        self._known: dict[str, int] = {}

    def read(self, cells: Sequence[str]) -> Times:
        """A time for each cell, or :data:`NO_TIME`."""
        first = next((cell for cell in cells if cell), "")
        if self._form in _UNITS or (self._form == "auto" and _NUMBER.match(first)):
            return self._numbers(cells)
        if self._form == "auto":
            found = self._texts(cells)
            if found is not None:
                return found
        read = self._cell
        return np.fromiter((read(cell) for cell in cells), np.int64, len(cells))

    def _numbers(self, cells: Sequence[str]) -> Times:
        try:
            numbers = np.array(cells, np.float64)
        except ValueError:
            numbers = np.array([_number(cell) for cell in cells], np.float64)
        with np.errstate(invalid="ignore"):
            if self._form in _UNITS:
                scaled = numbers * _UNITS[self._form]
            else:
                size = np.abs(numbers)
                scale = np.select([size < 1e11, size < 1e14, size < 1e17], [1000.0, 1.0, 1e-3], 1e-6)
                scaled = numbers * scale
            fine = np.abs(scaled) < 1e15  # false for NaN
            return np.where(fine, np.rint(np.where(fine, scaled, 0)), NO_TIME).astype(np.int64)

    def _texts(self, cells: Sequence[str]) -> Times | None:
        """All of them ISO 8601, with an offset each or with none each; ``None`` when they are not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = pa.array(cells, pa.string())
        for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
            try:
                found = pc.cast(column, kind)
                if kind.tz is None and not self._is_utc:
                    found = pc.assume_timezone(found, self._zone.key, ambiguous="earliest", nonexistent="latest")
            except pa.ArrowException:
                continue
            microseconds: Times = found.cast(pa.int64()).to_numpy()
            return microseconds // 1000
        return None

    def _cell(self, cell: str) -> int:
        found = self._known.get(cell)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[cell] = self._moment(cell.strip())
        return found

    def _moment(self, text: str) -> int:
        try:
            if self._form == "auto":
                if _NUMBER.match(text):
                    return int(self._numbers([text])[0])
                moment = datetime.fromisoformat(text.replace("/", "-"))
            else:
                moment = datetime.strptime(text, self._form)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC if self._is_utc else self._zone)
            return round(moment.timestamp() * 1000)
        except (ValueError, OverflowError):
            return NO_TIME


def _is_pattern(form: str) -> bool:
    """Whether strptime can work with it: it tells a bad pattern only when it is used."""
    try:
        datetime.strptime("", form)
    except re.error:
        return False
    except ValueError as error:
        return "directive" not in str(error) and "stray" not in str(error)
    return True


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
