"""From JSON payloads to readings: the quick way and the general one.

A message of a layout that the device is known for is read straight into numbers (:mod:`.layouts`), a run at a time. Any
other message is parsed and looked at: flat ones of numbers and booleans teach a layout, all else (nested, text, null,
qualities, arrays) goes value by value.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

import orjson

from millwright.devices.intake import (
    FLAG_ACKNOWLEDGED,
    FLAG_CROWDED,
    FLAG_DUPLICATE,
    FLAG_REPLAYED,
    FLAG_STAMPED,
    Run,
    slots_of,
)
from millwright.devices.telemetry.collector import Collector
from millwright.devices.telemetry.columns import Shape
from millwright.devices.telemetry.documents import iter_entries
from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.layouts import Layout, is_readable
from millwright.devices.telemetry.properties import DeviceProperties
from millwright.devices.telemetry.receive_clock import BURST_MS
from millwright.devices.telemetry.repeats import RepeatMemory
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.devices.telemetry.times import AHEAD_MS, find_time_ms
from millwright.historian import BAD, UNCERTAIN

logger = logging.getLogger(__name__)

_FLAT: Final = frozenset({float, int, bool})
_ENVELOPES: Final = frozenset({("ts", "values"), ("time", "values")})
_MOST_SHAPES: Final = 512
_MOST_LAYOUTS: Final = 4
_USUAL: Final = 4
"""Messages of a shape that make it a layout."""
_SPECIAL: Final = FLAG_DUPLICATE | FLAG_REPLAYED
_BOM: Final = b"\xef\xbb\xbf"
_MOST_EARLY: Final = 100_000


class JsonDecoder:
    """Decodes runs of JSON telemetry into a :class:`Collector`."""

    def __init__(
        self, collector: Collector, settings: TelemetrySettings | None = None, repeats: RepeatMemory | None = None
    ) -> None:
        self._collector = collector
        self._settings = settings or TelemetrySettings()
        self.repeats = repeats if repeats is not None else RepeatMemory(self._settings.repeat_memory_s)
        self._timeless = False
        self._crowded = False
        self._early: dict[tuple[int, int, int], int] = {}
        """Repetitions that were decoded while their original was not: device, packet id, payload → the time given."""

    def decode(self, run: Run, properties: DeviceProperties) -> None:
        """Decode every payload of ``run``; what cannot be read becomes a dead letter, nothing is raised."""
        received, clock = run.received_ms, properties.clock
        if run.flags & (FLAG_STAMPED | FLAG_CROWDED):
            self._decode_stamped(run, properties)
            return
        start = clock.first_free(received)
        self._crowded = start - received > BURST_MS
        if run.flags & _SPECIAL or self._crowded or clock.is_overtaken(received):
            self._decode_special(run, properties, start)
            return
        slots = self._decode_ordinary(run, properties, start)
        if self._timeless:
            clock.use(received, slots[-1])
            if run.flags & FLAG_ACKNOWLEDGED and len(run.packet_ids) == len(run.payloads):
                self.repeats.remember(properties.owner, run.packet_ids, run.payloads, slots[:-1])

    def _decode_stamped(self, run: Run, properties: DeviceProperties) -> None:
        """Decode a run that an edge gave its times, or none, in whatever order runs come: live ones go first."""
        self._crowded = bool(run.flags & FLAG_CROWDED) and not run.flags & FLAG_REPLAYED
        if run.flags & _SPECIAL or self._crowded:
            self._decode_special(run, properties, run.received_ms)
            return
        slot = run.received_ms
        for number, payload in enumerate(run.payloads):
            self._timeless = False
            if not self._read(run, (payload,), properties, (slot,)):
                self._general(run, payload, properties, slot)
            if self._timeless and run.flags & FLAG_ACKNOWLEDGED and len(run.packet_ids) == len(run.payloads):
                self.repeats.remember(properties.owner, (run.packet_ids[number],), (payload,), (slot,))
            slot += slots_of(payload)

    def _decode_ordinary(self, run: Run, properties: DeviceProperties, start: int) -> Sequence[int]:
        """Decode all payloads, giving times from ``start`` on to those without their own.

        Returns the time slot of each payload and, last, the next free one; sets ``_timeless`` when one was used.
        """
        self._timeless = False
        slots = range(start, start + len(run.payloads) + 1)
        if self._read(run, run.payloads, properties, slots[:-1]):
            return slots
        slot, timeless = start, False
        taken = [slot]
        for payload in run.payloads:
            self._timeless = False
            if len(run.payloads) > 1 and self._read(run, (payload,), properties, (slot,)):
                slot += 1
            else:
                slot += self._general(run, payload, properties, slot)
            timeless = timeless or self._timeless
            taken.append(slot)
        self._timeless = timeless
        return taken

    def _read(self, run: Run, payloads: Sequence[bytes], properties: DeviceProperties, slots: Sequence[int]) -> bool:
        """Take messages that all keep to one of the device's layouts; says whether they did."""
        layouts = properties.layouts
        for at, layout in enumerate(layouts):
            found = layout.read(payloads, run.received_ms + AHEAD_MS)
            if found is not None:
                times, values = found
                self._timeless = times is None
                self._collector.lane.add(layout.shape, values, slots if times is None else times, run.received_ms)
                if at:
                    layouts[at - 1], layouts[at] = layout, layouts[at - 1]
                return True
        return False

    def _decode_special(self, run: Run, properties: DeviceProperties, start: int) -> None:
        """Runs that are repeated (DUP), overtaken by their repetition perhaps, replayed, or too fast: one by one."""
        counts = self._collector.counts
        replayed = run.flags & FLAG_REPLAYED
        repeated = run.flags & FLAG_DUPLICATE
        originals: list[int | None] = [None] * len(run.payloads)
        if replayed:
            originals = [run.received_ms + number for number in range(len(run.payloads))]
        elif repeated and run.packet_ids:
            originals = self.repeats.find_times_ms(properties.owner, run.packet_ids, run.payloads)
        elif run.packet_ids and self._early and properties.clock.is_overtaken(run.received_ms):
            keys = [(properties.owner, *key) for key in zip(run.packet_ids, map(hash, run.payloads), strict=True)]
            originals = [self._early.pop(key, None) for key in keys]
        slot = start
        for number, (payload, original) in enumerate(zip(run.payloads, originals, strict=True)):
            self._timeless = False
            if original is not None:
                counts["messages_repeated"] += not replayed
                self._general(run, payload, properties, original)
                continue
            used = self._general(run, payload, properties, slot)
            if self._timeless:
                properties.clock.use(run.received_ms, slot + used)
                if run.flags & FLAG_ACKNOWLEDGED and run.packet_ids:
                    self.repeats.remember(properties.owner, (run.packet_ids[number],), (payload,), (slot,))
                    if repeated:
                        self._early[properties.owner, run.packet_ids[number], hash(payload)] = slot
                slot += used
        while len(self._early) > _MOST_EARLY:
            del self._early[next(iter(self._early))]

    def _general(self, run: Run, payload: bytes, properties: DeviceProperties, slot: int) -> int:
        """Any message, slowly; returns how many time slots it took. Sets ``_timeless`` when it used them."""
        try:
            document = _parse(payload)
            if isinstance(document, dict):
                envelope, stated, values = _opened(document)
                time_ms = slot if stated is None else find_time_ms(stated, run.received_ms)
                if time_ms is not None and _FLAT.issuperset(map(type, values.values())):
                    self._add_flat(run, values, properties, time_ms, envelope if stated is not None else None)
                    return 1
            return self._add_entries(run, document, properties, slot)
        except Unreadable as why:
            self._collector.reject(run, payload, why, slot)
        except Exception as error:  # one message must never stop the intake of all
            logger.exception("decoding a message of %s failed", run.device_id)
            self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]), slot)
        return 1

    def _add_flat(
        self, run: Run, values: dict[str, Any], properties: DeviceProperties, time_ms: int, envelope: str | None
    ) -> None:
        if envelope is None:
            self._refuse_crowding()
        names = tuple(values)
        types = tuple([bool if value is True or value is False else float for value in values.values()])
        shape = properties.shapes.get((names, types, envelope))
        if shape is None:
            shape = self._learn(properties, names, types, envelope)
        shape.seen += 1
        if shape.seen == _USUAL and is_readable(names):
            properties.layouts[_MOST_LAYOUTS - 1 :] = [Layout(shape, types, envelope)]
        self._collector.lane.add(shape, values.values(), (time_ms,), run.received_ms)
        self._timeless = envelope is None

    def _learn(
        self, properties: DeviceProperties, names: tuple[str, ...], types: tuple[type, ...], envelope: str | None
    ) -> Shape:
        if len(names) > self._settings.message_properties:
            raise Unreadable(
                "telemetry.too_many_properties",
                f"The message holds more than {self._settings.message_properties} values.",
            )
        shape = properties.learn(names, types)
        if len(properties.shapes) >= _MOST_SHAPES:
            properties.shapes.clear()
            properties.layouts.clear()
        properties.shapes[names, types, envelope] = shape
        return shape

    def _refuse_crowding(self) -> None:
        if self._crowded:
            raise Unreadable(
                "telemetry.too_fast_without_time",
                "More than 1,000 messages a second came without a time of their own; send `ts` with each.",
            )

    def _add_entries(self, run: Run, document: object, properties: DeviceProperties, slot: int) -> int:
        counts, rows = self._collector.counts, self._collector.rows
        ready: list[tuple[int, int, Any, int]] = []
        used, timeless = 0, False
        for entry in iter_entries(document, self._settings):
            time_ms = find_time_ms(entry.stated_time, run.received_ms) if entry.timed else None
            ceiling = min(entry.quality, UNCERTAIN) if entry.timed and time_ms is None else entry.quality
            if time_ms is None:
                self._refuse_crowding()
                counts["times_replaced"] += entry.timed
                time_ms, used, timeless = slot + used, used + 1, True
            for name, value in entry.values.items():
                found = properties.find(name)
                quality = min(ceiling, entry.qualities.get(name, ceiling))
                if value is None:
                    properties.announce(found, found.kind)
                    quality = BAD
                else:
                    properties.announce(found, found.kind_of(value))
                    quality = found.quality(value, quality)
                ready.append((found.series, time_ms, value, quality))
        for series, time_ms, value, quality in ready:
            rows.add(series, time_ms, run.received_ms, value, quality)
        self._timeless = timeless
        return max(used, 1)


def _parse(payload: bytes) -> object:
    try:
        return orjson.loads(payload)
    except ValueError as error:
        if not payload:
            raise Unreadable("telemetry.empty_payload", "The message has no payload.") from None
        if payload.startswith(_BOM):
            return _parse(payload[len(_BOM) :])
        try:
            payload.decode()
        except UnicodeDecodeError as broken:
            raise Unreadable(
                "telemetry.not_utf8", f"The payload is not UTF-8: byte {broken.start} cannot be read."
            ) from None
        raise Unreadable("telemetry.not_json", f"The payload is no JSON: {error}.") from None


def _opened(document: dict[str, Any]) -> tuple[str | None, object, dict[str, Any]]:
    """The name of the time, the stated time (``None``: none) and the values of a message in its simple forms."""
    names = tuple(document)
    if names in _ENVELOPES and isinstance(document["values"], dict):
        return names[0], document[names[0]], document["values"]
    return None, None, document
