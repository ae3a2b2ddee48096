"""Rows of a file become readings, a column at a time; what is none is refused, row by row or cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from millwright.devices.history_import.errors import columns_wrong
from millwright.devices.history_import.model import ReadingImportSettings, RefusedReading
from millwright.devices.history_import.times import NO_TIME, TimeReader
from millwright.devices.history_import.values import Values, read_qualities, read_values
from millwright.devices.telemetry import KnownDevice, TelemetrySettings, Unreadable
from millwright.devices.telemetry.properties import DeviceProperties, Property
from millwright.devices.telemetry.times import AHEAD_MS
from millwright.engines.tables import Row
from millwright.historian import BAD, EARLIEST_MS, GOOD, TEXT, UNCERTAIN, Kind, ReadingBatch, SeriesInfo

FindDevice = Callable[[str], KnownDevice | None]
"""A device by id or name, as far as the import may write to it."""
_CELL: Final = 80


@dataclass(slots=True)
class Read:
    """What some rows gave. ``rows`` and ``names`` are parallel to the batch: for the preview."""

    batch: ReadingBatch
    news: list[SeriesInfo] = field(default_factory=list)
    refused: list[RefusedReading] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)


class _Target:
    """A property of a device that cells go to."""

    __slots__ = ("announced", "device", "found", "name", "owner")

    def __init__(self, owner: DeviceProperties, found: Property, device: str) -> None:
        self.owner, self.found, self.device, self.name = owner, found, device, found.name


class HistoryReader:
    """Reads the rows of one file. Raises ``Invalid`` (``readings.import_columns``) when the settings do not fit it."""

    def __init__(
        self, columns: Sequence[str], settings: ReadingImportSettings, received_ms: int, find_device: FindDevice
    ) -> None:
        check_settings(columns, settings)
        self._columns, self._settings, self._received_ms = columns, settings, received_ms
        self._find_device = find_device
        self._times = TimeReader(settings.time_format, settings.time_zone)
        self._news: list[SeriesInfo] = []
        self._properties: dict[str, DeviceProperties] = {}
        self._devices: dict[str, KnownDevice | None] = {}
        self._targets: dict[tuple[str, str], _Target | tuple[str, str, str]] = {}
        self._telemetry = TelemetrySettings()

    @property
    def readings_a_row(self) -> int:
        """How many readings a row can give."""
        return len(self._settings.columns) if self._settings.form == "wide" else 1

    def read(self, first_row: int, rows: Sequence[Row]) -> Read:
        """The readings of rows; ``first_row`` is the number of the first, counted from 1."""
        width = len(self._columns)
        cells = [each if len(each) >= width else [*each, *[""] * (width - len(each))] for _, each in rows]
        table: list[Sequence[str]] = list(zip(*cells, strict=False)) or [()] * width
        part = _Part(first_row, [line for line, _ in rows])
        times = self._times.read(self._column(table, self._settings.time))
        latest = self._received_ms + AHEAD_MS
        fine = (times >= EARLIEST_MS) & (times <= latest)
        for place in np.flatnonzero(~fine).tolist():
            cell = self._column(table, self._settings.time)[place]
            why = ("It is no time.", "不是时间") if times[place] == NO_TIME else (
                "The time lies before 1900 or in the future.", "时间早于 1900 年或在未来",
            )  # fmt: skip
            part.refuse(place, "readings.time", why, self._settings.time, cell)
        if self._settings.form == "wide":
            self._read_wide(table, times, fine, part)
        else:
            self._read_long(table, times, fine, part)
        news, self._news[:] = list(self._news), []
        return part.done(self._received_ms, news)

    # --- the two forms -----------------------------------------------------------------------------------------------

    def _read_long(
        self, table: Sequence[Sequence[str]], times: npt.NDArray[np.int64], fine: npt.NDArray[np.bool_], part: _Part
    ) -> None:
        settings, size = self._settings, len(times)
        cells = self._column(table, settings.value or "")
        devices = self._cells_or(table, settings.device, settings.device_id, size)
        names = self._cells_or(table, settings.property, settings.property_name, size)
        units = self._cells_or(table, settings.unit, "", size)
        qualities = None if settings.quality is None else read_qualities(self._column(table, settings.quality))
        values = read_values(cells, decimal_comma=settings.decimal_comma)
        targets: list[_Target] = []
        places: dict[tuple[str, str], int] = {}
        index = np.full(size, -1, np.int64)
        for place, key in enumerate(zip(devices, names, strict=True)):
            at = places.get(key)
            if at is None:
                target = self._target(key[0], key[1], units[place])
                if isinstance(target, _Target):
                    targets.append(target)
                    at = len(targets) - 1
                else:
                    at = -1
                places[key] = at
            index[place] = at
            if at < 0 and fine[place]:
                code, why, why_zh = self._why(key)
                column = settings.property if code == "readings.property" else settings.device
                part.refuse(place, code, (why, why_zh), column or "", key[1] if code == "readings.property" else key[0])
        fine = fine & (index >= 0)
        self._take(values, times, fine, index, targets, qualities, part, settings.value or "", cells, missing=True)

    def _read_wide(
        self, table: Sequence[Sequence[str]], times: npt.NDArray[np.int64], fine: npt.NDArray[np.bool_], part: _Part
    ) -> None:
        settings, size = self._settings, len(times)
        qualities = None if settings.quality is None else read_qualities(self._column(table, settings.quality))
        for column, goal in settings.columns.items():
            cells = self._column(table, column)
            values = read_values(cells, decimal_comma=settings.decimal_comma)
            devices = (
                [goal.device_id] * size
                if goal.device_id
                else self._cells_or(table, settings.device, settings.device_id, size)
            )
            targets: list[_Target] = []
            places: dict[str, int] = {}
            index = np.full(size, -1, np.int64)
            for place, name in enumerate(devices):
                at = places.get(name)
                if at is None:
                    target = self._target(name, goal.property, goal.unit or "")
                    if isinstance(target, _Target):
                        targets.append(target)
                        at = len(targets) - 1
                    else:
                        at = -1
                    places[name] = at
                index[place] = at
                if at < 0 and fine[place] and not values.empty[place]:
                    code, why, why_zh = self._why((name, goal.property))
                    part.refuse(place, code, (why, why_zh), column, name)
            chosen = fine & (index >= 0)
            self._take(values, times, chosen, index, targets, qualities, part, column, cells, missing=False)

    def _take(
        self,
        values: Values,
        times: npt.NDArray[np.int64],
        fine: npt.NDArray[np.bool_],
        index: npt.NDArray[np.int64],
        targets: Sequence[_Target],
        qualities: npt.NDArray[np.uint8] | None,
        part: _Part,
        column: str,
        cells: Sequence[str],
        *,
        missing: bool,
    ) -> None:
        """Add the readings of a column of cells; with ``missing`` an empty cell is refused."""
        for place, why in values.refused.items():
            if fine[place]:
                part.refuse(place, "readings.value", why, column, cells[place])
                fine[place] = False
        if missing:
            for place in np.flatnonzero(values.empty & fine).tolist():
                part.refuse(place, "readings.value", ("There is no value.", "没有值"), column, "")
        chosen = np.flatnonzero(fine & ~values.empty)
        if not len(chosen):
            return
        at, kind, number = index[chosen], values.kind[chosen], values.number[chosen]
        self._announce(targets, at, kind)
        series = np.array([target.found.series for target in targets], np.uint64)[at]
        quality = np.full(len(chosen), GOOD, np.uint8) if qualities is None else qualities[chosen].copy()
        quality[(kind != TEXT) & ~np.isfinite(number)] = BAD
        doubtful = _doubtful(targets, at, kind, number)
        quality[doubtful] = np.minimum(quality[doubtful], UNCERTAIN)
        text = {new: values.text[old] for new, old in enumerate(chosen.tolist()) if old in values.text} \
            if values.text else {}  # fmt: skip
        part.add(chosen, series, times[chosen], number, kind, quality, text,
                 [(target.device, target.name) for target in targets], at)  # fmt: skip

    def _announce(self, targets: Sequence[_Target], at: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8]) -> None:
        for pair in np.unique(at * 4 + kind).tolist():
            target = targets[pair // 4]
            target.owner.announce(target.found, Kind(pair % 4))

    # --- who and what ------------------------------------------------------------------------------------------------

    def _column(self, table: Sequence[Sequence[str]], name: str) -> Sequence[str]:
        return table[self._columns.index(name)]

    def _cells_or(
        self, table: Sequence[Sequence[str]], column: str | None, fixed: str | None, size: int
    ) -> Sequence[str]:
        return [fixed or ""] * size if column is None else self._column(table, column)

    def _target(self, device: str, name: str, unit: str) -> _Target | tuple[str, str, str]:
        key = (device, name)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._look_up(device.strip(), name.strip(), unit.strip())
        return found

    def _why(self, key: tuple[str, str]) -> tuple[str, str, str]:
        found = self._targets[key]
        assert isinstance(found, tuple)
        return found

    def _look_up(self, device: str, name: str, unit: str) -> _Target | tuple[str, str, str]:
        if device not in self._devices:
            self._devices[device] = self._find_device(device) if device else None
        known = self._devices[device]
        if known is None:
            return "readings.device", f"There is no device {device[:80]!r}.", f"没有设备“{device[:80]}”"
        owner = self._properties.get(known.device_id)
        if owner is None:
            owner = self._properties[known.device_id] = DeviceProperties(known, self._telemetry, self._news)
        try:
            found = owner.find(name)
            owner.describe(name, unit or None)
        except Unreadable as why:
            return "readings.property", why.text, "属性名不符合要求或属性过多"
        return _Target(owner, found, device)


class _Part:
    """Readings and refusals of some rows, gathered column by column."""

    def __init__(self, first_row: int, lines: Sequence[int]) -> None:
        self._first, self._lines = first_row, lines
        self._columns: list[tuple[npt.NDArray[Any], ...]] = []
        self._text: dict[int, str] = {}
        self._count = 0
        self._refused: list[RefusedReading] = []
        self._names: list[tuple[Sequence[tuple[str, str]], npt.NDArray[np.int64]]] = []

    def refuse(self, place: int, code: str, why: tuple[str, str], column: str, cell: str) -> None:
        self._refused.append(
            RefusedReading(
                line=self._lines[place], row=self._first + place, column=column, cell=cell[:_CELL], code=code,
                reason=why[0], reason_zh=why[1],
            )
        )  # fmt: skip

    def add(
        self,
        places: npt.NDArray[np.intp],
        series: npt.NDArray[np.uint64],
        times: npt.NDArray[np.int64],
        number: npt.NDArray[np.float64],
        kind: npt.NDArray[np.uint8],
        quality: npt.NDArray[np.uint8],
        text: dict[int, str],
        names: Sequence[tuple[str, str]],
        at: npt.NDArray[np.int64],
    ) -> None:
        self._columns.append((places, series, times, number, kind, quality))
        self._text.update({self._count + row: each for row, each in text.items()})
        self._count += len(places)
        self._names.append((names, at))

    def done(self, received_ms: int, news: list[SeriesInfo]) -> Read:
        refused = sorted(self._refused, key=lambda each: each.row)
        if not self._columns:
            return Read(ReadingBatch.empty(), news, refused)
        places, series, times, number, kind, quality = (
            np.concatenate([each[column] for each in self._columns]) for column in range(6)
        )
        batch = ReadingBatch(
            series, times, np.full(len(series), received_ms, np.int64), number, kind, quality, self._text
        )
        names = _Names(self._names)
        return Read(batch, news, refused, (places + self._first).tolist(), names)


class _Names(list[tuple[str, str]]):
    """Device and property of each reading; worked out when they are looked at."""

    def __init__(self, parts: Sequence[tuple[Sequence[tuple[str, str]], npt.NDArray[np.int64]]]) -> None:
        super().__init__()
        self._parts = parts

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for names, at in self._parts:
            for place in at.tolist():
                yield names[place]


def _doubtful(
    targets: Sequence[_Target], at: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8], number: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which readings break what the model declares of their property."""
    if all(target.found.declared is None for target in targets):
        return np.zeros(len(at), np.bool_)
    limits = np.array([target.found.limits for target in targets], np.float64)
    fits = np.array([[target.found.fits(each) for each in Kind] for target in targets], np.bool_)
    whole = np.array([target.found.integral for target in targets], np.bool_)
    with np.errstate(invalid="ignore"):
        outside = (number < limits[at, 0]) | (number > limits[at, 1]) | (whole[at] & (number != np.floor(number)))
    found: npt.NDArray[np.bool_] = (outside & (kind == 0)) | ~fits[at, kind]
    return found


def check_settings(columns: Sequence[str], settings: ReadingImportSettings) -> None:
    """Raise ``Invalid`` (``readings.import_columns``) unless the settings fit the columns and make readings."""
    long = settings.form == "long"
    named: list[str | None] = [settings.time, settings.device, settings.quality]
    named += [settings.property, settings.value, settings.unit] if long else list(settings.columns)
    for name in named:
        if name is not None and name not in columns:
            raise columns_wrong(f"The file has no column {name[:100]!r}", f"文件中没有列“{name[:100]}”")
    if long:
        if settings.value is None:
            raise columns_wrong("No column has the values", "没有指定值所在的列")
        if (settings.property is None) == (settings.property_name is None):
            raise columns_wrong("Name a column of properties, or one property for the file", "请指定属性列或固定属性")
    elif not settings.columns:
        raise columns_wrong("No column is a property", "没有任何列对应属性")
    whole = settings.device is not None or settings.device_id is not None
    if settings.device is not None and settings.device_id is not None:
        raise columns_wrong("Name a column of devices, or one device for the file", "请指定设备列或固定设备")
    if not whole and (long or any(each.device_id is None for each in settings.columns.values())):
        raise columns_wrong("Nothing says whose the readings are", "没有指定设备")
