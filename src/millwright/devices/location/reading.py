"""What the tracker takes from the intake: sightings, and values of readers that come as telemetry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson

from millwright.devices.intake import FLAG_REPLAYED, FLAG_RETAINED, FLAG_WILL, Run
from millwright.devices.location.layout import ReaderSpec
from millwright.devices.location.sightings import TOPIC, Report, Sighting, clean_tag, read_reports
from millwright.devices.telemetry import TelemetrySettings, Unreadable
from millwright.devices.telemetry.documents import Entry, iter_entries
from millwright.devices.telemetry.times import find_time_ms

_VALUES: Final = frozenset({"millwright/v1/telemetry", "v1/devices/me/telemetry"})
_SETTINGS: Final = TelemetrySettings()


def reports_of(run: Run, reader: ReaderSpec) -> Iterator[Report]:
    """The reports in a run of a reader; what cannot be read is passed over: the historian buries it."""
    if run.flags & FLAG_WILL:
        return
    if run.topic == TOPIC:
        if run.flags & (FLAG_REPLAYED | FLAG_RETAINED):
            return
        for payload in run.payloads:
            try:
                yield from read_reports(payload, run.received_ms)
            except Unreadable:
                continue
    elif run.topic in _VALUES:
        for payload in run.payloads:
            try:
                entries = list(iter_entries(orjson.loads(payload), _SETTINGS))
            except (Unreadable, orjson.JSONDecodeError):
                continue
            for entry in entries:
                yield from _from_values(entry, reader, run.received_ms)


def _from_values(entry: Entry, reader: ReaderSpec, received_ms: int) -> Iterator[Report]:
    whole = entry.values.get(reader.reads)
    if isinstance(whole, str):
        try:
            yield from read_reports(whole, received_ms)
        except Unreadable:
            return
    named, x, y, z = reader.names
    if x is None or y is None:
        return
    tag = reader.device_id if named is None else entry.values.get(named)
    where = (_number(entry, x), _number(entry, y), None if z is None else _number(entry, z))
    if where[0] is None or where[1] is None:
        return
    try:
        sighting = Sighting(clean_tag(tag), x_m=where[0], y_m=where[1], z_m=where[2])
    except ValueError:
        return
    yield Report((sighting,), find_time_ms(entry.stated_time, received_ms) if entry.timed else None)


def _number(entry: Entry, name: str) -> float | None:
    value = entry.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1_000_000 else None
