"""Values out of rows, for the sources that have tables.

An address is a column, ``temperature``; or a column of those rows that say so in another, ``value[tag=T1]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from millwright.devices.connectors.contract import BAD, Sample, Value
from millwright.devices.connectors.json_path import moment_ms
from millwright.kernel import Invalid

_ADDRESS: Final = re.compile(r"(?P<column>[^\[\]=]+?)\s*(?:\[(?P<key>[^\[\]=]+)=(?P<value>[^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Pick:
    """A column, of all rows or of those whose column ``key`` is ``value`` (as text)."""

    column: str
    key: str | None = None
    value: str = ""


@lru_cache(maxsize=4096)
def parse(text: str) -> Pick:
    """Read an address; raises ``Invalid`` with a hint that shows a right one."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found or not text.isprintable():
        raise Invalid(
            f"{text!r} names no column.",
            code="connectors.address_invalid",
            hint="Write a column, as temperature; or of the rows of one tag, as value[tag=T1].",
        )
    key = found["key"]
    return Pick(found["column"].strip(), key.strip() if key else None, (found["value"] or "").strip().strip("'\""))


def plain(found: Any) -> Value:
    """A value out of a cell; raises ``ValueError`` where it is none."""
    if found is None:
        raise ValueError("null")
    if isinstance(found, Decimal):
        if not found.is_finite():
            raise ValueError("not a number")
        return int(found) if found == found.to_integral_value() and abs(found) < 1e15 else float(found)
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError("not a number")
    if isinstance(found, bool | int | float | str):
        return found
    if isinstance(found, datetime | date | time_of_day):
        return found.isoformat()
    if isinstance(found, timedelta):
        return found.total_seconds()
    raise ValueError(f"a value of the type {type(found).__name__}")


class Picker:
    """Makes samples of rows: ``picks`` by the key of their samples, ``time_column`` where the rows have a time."""

    def __init__(self, picks: Mapping[str, Pick], time_column: str) -> None:
        self._picks, self._time_column = picks, time_column

    def missing(self, columns: Sequence[str]) -> list[Sample]:
        """A bad sample of everything whose columns are not there."""
        out = []
        for key, pick in self._picks.items():
            gone = [each for each in (pick.column, pick.key) if each is not None and each not in columns]
            if gone:
                out.append(Sample(key, None, None, BAD, f"there is no column {gone[0]!r}"))
        return out

    def samples(self, row: Mapping[str, Any]) -> list[Sample]:
        """A sample of everything that this row tells of."""
        when, note = None, ""
        if self._time_column:
            try:
                when = moment_ms(row[self._time_column])
            except (KeyError, ValueError, OverflowError) as error:
                note = f"its time: {error}"
        out = []
        for key, pick in self._picks.items():
            if pick.column not in row or (pick.key is not None and str(row.get(pick.key)) != pick.value):
                continue
            try:
                value = plain(row[pick.column])
            except ValueError as error:
                out.append(Sample(key, None, when, BAD, str(error)))
            else:
                out.append(Sample(key, None, None, BAD, note) if note else Sample(key, value, when))
        return out
