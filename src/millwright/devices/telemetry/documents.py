"""JSON documents in every accepted form, value by value: the path that is general, not fast.

Forms: ``{"name": value}``; ``{"ts": time, "values": {…}}``; ``{"time": time, "values": {…}, "quality": …}``; an array
of these. Nested objects and arrays flatten to names joined by a dot (``motor.speed``, ``phase.0``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.historian import BAD, GOOD, UNCERTAIN

Scalar = float | int | bool | str | None

_ENVELOPE: Final = frozenset({"ts", "time", "values", "quality"})
_QUALITIES: Final = {"good": int(GOOD), "uncertain": int(UNCERTAIN), "bad": int(BAD)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a message: its values by flat name, the time it states (as sent), qualities by flat name."""

    values: dict[str, Scalar]
    stated_time: Any
    timed: bool
    qualities: dict[str, int]
    quality: int


def iter_entries(document: object, settings: TelemetrySettings) -> Iterator[Entry]:
    """The entries of a message. Raises :class:`Unreadable` when it is of no accepted form or breaks a bound."""
    objects = document if isinstance(document, list) else [document]
    room = settings.message_properties
    for item in objects:
        if not isinstance(item, dict):
            raise Unreadable(
                "telemetry.not_an_object",
                f"Telemetry must be a JSON object or an array of objects, not {_name_of(item)}.",
            )
        entry = _entry(item, settings)
        room -= len(entry.values)
        if room < 0:
            raise Unreadable(
                "telemetry.too_many_properties",
                f"The message holds more than {settings.message_properties} values.",
            )
        yield entry


def is_envelope(document: dict[str, Any]) -> bool:
    """Whether the object carries its readings in ``values`` beside a time or qualities."""
    return isinstance(document.get("values"), dict) and _ENVELOPE.issuperset(document)


def _entry(item: dict[str, Any], settings: TelemetrySettings) -> Entry:
    if not is_envelope(item):
        return Entry(dict(_flatten(item, settings)), None, False, {}, GOOD)
    values = dict(_flatten(item["values"], settings))
    timed = item.get("ts") is not None or item.get("time") is not None
    stated = item["ts"] if item.get("ts") is not None else item.get("time")
    quality = item.get("quality")
    if isinstance(quality, dict):
        flat = dict(_flatten(quality, settings))
        return Entry(values, stated, timed, {name: _quality(word) for name, word in flat.items()}, GOOD)
    return Entry(values, stated, timed, {}, GOOD if quality is None else _quality(quality))


def _quality(word: object) -> int:
    """OPC classic: only the two top bits count. A word nobody knows is uncertain."""
    if isinstance(word, str):
        return _QUALITIES.get(word.lower(), UNCERTAIN)
    if isinstance(word, bool):
        return GOOD if word else BAD
    if isinstance(word, int | float):
        return GOOD if word >= GOOD else UNCERTAIN if word >= UNCERTAIN else BAD
    return UNCERTAIN


def _flatten(node: dict[str, Any], settings: TelemetrySettings) -> Iterator[tuple[str, Scalar]]:
    """Depth first without recursion, names joined by dots; an empty object or array holds nothing."""
    room = settings.message_properties
    stack: list[Iterator[tuple[str, Any]]] = [iter(node.items())]
    prefixes = [""]
    while stack:
        for key, value in stack[-1]:
            name = prefixes[-1] + key
            if isinstance(value, dict | list):
                if len(stack) >= settings.nesting:
                    raise Unreadable(
                        "telemetry.too_deep", f"Objects are nested deeper than {settings.nesting} at {name[:80]!r}."
                    )
                children = value.items() if isinstance(value, dict) else ((str(i), v) for i, v in enumerate(value))
                stack.append(iter(children))
                prefixes.append(name + ".")
                break
            room -= 1
            if room < 0:
                raise Unreadable(
                    "telemetry.too_many_properties",
                    f"The message holds more than {settings.message_properties} values.",
                )
            if isinstance(value, str) and len(value.encode()) > settings.text_bytes:
                raise Unreadable(
                    "telemetry.text_too_long", f"The text of {name[:80]!r} is longer than {settings.text_bytes} bytes."
                )
            yield name, value
        else:
            stack.pop()
            prefixes.pop()


def _name_of(value: object) -> str:
    names = {str: "a text", bool: "true or false", type(None): "null", list: "an array"}
    return names.get(type(value), "a number")
