"""What a file's columns are, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from millwright.devices.history_import.model import ColumnTarget, ReadingImportSettings

_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "time": frozenset({"time", "timestamp", "ts", "datetime", "date", "时间", "时间戳", "采集时间", "日期"}),
    "device": frozenset({"device", "device_id", "device_name", "asset", "设备", "设备名称", "设备编号"}),
    "property": frozenset({"property", "tag", "key", "metric", "point", "name", "signal", "属性", "测点", "指标"}),
    "value": frozenset({"value", "val", "number", "reading", "值", "数值"}),
    "quality": frozenset({"quality", "q", "status", "质量"}),
    "unit": frozenset({"unit", "units", "单位"}),
}  # fmt: skip
_IGNORED: Final = frozenset({"time_ms", "received_ms", "received", "kind", "text"})


def guess(columns: Sequence[str]) -> ReadingImportSettings:
    """Settings by the names of the columns; ``device_id`` is left to be said where no column names devices."""
    found: dict[str, str] = {}
    for column in columns:
        key = column.strip().casefold().replace(" ", "_")
        for role, words in _WORDS.items():
            if key in words:
                found.setdefault(role, column)
    time = found.get("time", columns[0] if columns else "time")
    if "value" in found:
        return ReadingImportSettings(
            time=time, device=found.get("device"), property=found.get("property"), value=found["value"],
            quality=found.get("quality"), unit=found.get("unit"),
        )  # fmt: skip
    taken = {time, found.get("device"), found.get("quality")}
    goals = {
        column: target_of(column)
        for column in columns
        if column and column not in taken and column.casefold() not in _IGNORED
    }
    return ReadingImportSettings(
        form="wide", time=time, device=found.get("device"), quality=found.get("quality"), columns=goals
    )


def target_of(column: str) -> ColumnTarget:
    """The property that a column's name says; ``pressure [kPa]`` has a unit."""
    name = column.strip()
    for opening, closing in ("[]", "()", "（）"):
        if name.endswith(closing) and opening in name:
            head, _, unit = name[: -len(closing)].rpartition(opening)
            if head.strip() and unit.strip():
                return ColumnTarget(property=head.strip()[:256], unit=unit.strip()[:64])
    return ColumnTarget(property=name[:256])
