"""What readers, gateways and positioning systems say: who was seen, where and when.

The topic ``millwright/v1/sightings`` carries a *report*, a JSON object (or a list of them)::

    {"ts": 1767225600000,
     "sightings": [{"tag": "E28011052000", "antenna": 1, "rssi": -54.5, "count": 3, "ts": 1767225599800},
                   {"tag": "c3:00:00:1a:2b:3c", "x": 12.4, "y": 3.1, "z": 0.8}],
     "antennas_down": [2]}

``ts`` is UTC milliseconds or ISO 8601; a sighting without one has the report's, a report without one the time of its
reception. An empty list says that the reader works and sees nobody: send one at least every minute. ``epc`` and ``mac``
may stand for ``tag``. Metres count from the lower left corner of the plan. A single sighting may stand for the report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from millwright.devices.telemetry import Unreadable
from millwright.devices.telemetry.decoder import SIGHTINGS_TOPIC
from millwright.devices.telemetry.times import find_time_ms

TOPIC: Final = SIGHTINGS_TOPIC
MOST_SIGHTINGS: Final = 5_000
"""In one message."""
_MOST_TAG: Final = 128
_TAG = re.compile(r"[!-~]+")
_NAMES: Final = ("tag", "epc", "mac")
_MOST_M: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tag that was seen. ``stated_ms`` is the time that the reader says, if it says one; metres, dBm."""

    tag: str
    antenna: int = 0
    stated_ms: int | None = None
    rssi_dbm: float | None = None
    x_m: float | None = None
    y_m: float | None = None
    z_m: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What a reader said at once. ``antennas_down`` is ``None`` where it says nothing about them."""

    sightings: tuple[Sighting, ...]
    stated_ms: int | None = None
    antennas_down: frozenset[int] | None = None


def read_reports(payload: bytes | str, received_ms: int) -> list[Report]:
    """The reports of a message. Raises :class:`Unreadable`, with what is wrong and how to mend it."""
    if not payload:
        raise Unreadable("telemetry.empty_payload", "The message has no payload.")
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Unreadable("telemetry.not_json", f"Sightings are JSON: {error}") from error
    objects = document if isinstance(document, list) else [document]
    reports = [_report(item, received_ms) for item in objects]
    if sum(len(report.sightings) for report in reports) > MOST_SIGHTINGS:
        raise Unreadable("location.sightings", f"One message holds more than {MOST_SIGHTINGS} sightings; send several.")
    return reports


def clean_tag(text: object) -> str:
    """A tag's name as it is kept: EPCs and addresses in upper case. Raises ``ValueError``."""
    if not isinstance(text, str) or not _TAG.fullmatch(text) or len(text) > _MOST_TAG:
        raise ValueError("A tag is 1 to 128 visible ASCII characters, as a text: an EPC in hexadecimal, a MAC, a name.")
    return text.upper()


def _report(item: object, received_ms: int) -> Report:
    if not isinstance(item, dict):
        raise Unreadable("location.sightings", 'A report is an object: {"sightings": [{"tag": "…"}]}.')
    listed = item.get("sightings")
    if listed is None:
        if not any(name in item for name in _NAMES):
            raise Unreadable("location.sightings", 'A report needs "sightings", a list; it may be empty.')
        return Report((_sighting(item, received_ms),), _time(item, received_ms))
    if not isinstance(listed, list):
        raise Unreadable("location.sightings", '"sightings" is a list of objects.')
    down = item.get("antennas_down")
    if down is not None and not (isinstance(down, list) and all(_is_antenna(each) for each in down)):
        raise Unreadable("location.sightings", '"antennas_down" is a list of numbers of antennas.')
    return Report(
        tuple(_sighting(each, received_ms) for each in listed),
        _time(item, received_ms),
        None if down is None else frozenset(down),
    )


def _sighting(item: object, received_ms: int) -> Sighting:
    if not isinstance(item, dict):
        raise Unreadable("location.sightings", 'A sighting is an object: {"tag": "…"}.')
    named = next((item[name] for name in _NAMES if name in item), None)
    try:
        tag = clean_tag(named)
    except ValueError as error:
        raise Unreadable("location.sightings", str(error)) from error
    antenna = item.get("antenna", 0)
    if not _is_antenna(antenna):
        raise Unreadable("location.sightings", f"The antenna of {tag} is no whole number from 0 to 65535.")
    count = item.get("count", 1)
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise Unreadable("location.sightings", f"The count of {tag} is no whole number.")
    x_m, y_m = _metres(item, "x", tag), _metres(item, "y", tag)
    if (x_m is None) != (y_m is None):
        raise Unreadable("location.sightings", f'The position of {tag} needs both "x" and "y", in metres.')
    rssi = _number(item, "rssi", tag)
    return Sighting(tag, antenna, _time(item, received_ms), rssi, x_m, y_m, _metres(item, "z", tag), count)


def _time(item: dict[str, Any], received_ms: int) -> int | None:
    stated = item.get("ts")
    return None if stated is None else find_time_ms(stated, received_ms)


def _is_antenna(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65_535


def _number(item: dict[str, Any], name: str, tag: str) -> float | None:
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable("location.sightings", f'"{name}" of {tag} is no number.')
    return float(value)


def _metres(item: dict[str, Any], name: str, tag: str) -> float | None:
    value = _number(item, name, tag)
    if value is not None and abs(value) > _MOST_M:
        raise Unreadable("location.sightings", f'"{name}" of {tag} is beyond a million metres.')
    return value
