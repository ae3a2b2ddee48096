"""What is measured: every meter is declared once, by the domain whose use it counts.

A *sum* adds up; a *snapshot* is measured once a day and its days add up (a byte kept for thirty days is thirty
byte-days). Names are stable: price plans and issued statements rest on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from millwright.kernel import Invalid

MeterKind = Literal["sum", "snapshot"]


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that is counted. ``unit`` is a UCUM code; what is merely counted is annotated (``{message}``)."""

    name: str
    unit: str
    text: str
    text_zh: str
    kind: MeterKind = "sum"


_declared: dict[str, Meter] = {}


def meter(name: str, unit: str, text: str, text_zh: str, kind: MeterKind = "sum") -> Meter:
    """Declare a meter; to be done once for each name."""
    made = Meter(name, unit, text, text_zh, kind)
    if _declared.setdefault(name, made) != made:
        raise ValueError(f"the meter {name} is declared twice")
    return made


def meters() -> dict[str, Meter]:
    """Every meter declared so far, in the order of declaration."""
    return dict(_declared)


def get_meter(name: str) -> Meter:
    """The meter of this name. Raises ``Invalid`` (``metering.meter_unknown``)."""
    found = _declared.get(name)
    if found is None:
        raise Invalid(
            f"There is no meter {name}.",
            code="metering.meter_unknown",
            hint=f"Meters are {', '.join(_declared)}.",
            detail={"meter": name},
        )
    return found


MESSAGES = meter("messages", "{message}", "Messages accepted", "已接收的消息")
POINTS = meter("points", "{reading}", "Readings stored", "已存储的读数")
STORED_BYTES = meter("stored_bytes", "By.d", "Bytes stored, by the day", "存储字节·天", "snapshot")
API_CALLS = meter("api_calls", "{call}", "API calls", "API 调用")
RESOLUTIONS = meter("resolutions", "{resolution}", "Identifiers resolved", "标识解析")
APP_SECONDS = meter("app_seconds", "s", "Time apps ran", "应用运行时间")
