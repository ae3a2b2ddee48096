"""From JSON payloads to readings: the hot path, and the way from it to the general one.

A flat message is parsed, its names looked up as one tuple, its values appended in one move; numbers become a column
once per batch. Messages that also hold booleans take a second lane, with their types in the key. All else (nested,
text, null, qualities, arrays) goes value by value.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

import orjson

from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, FLAG_REPLAYED, Run
from millwright.devices.telemetry.collector import Collector
from millwright.devices.telemetry.columns import Shape
from millwright.devices.telemetry.documents import iter_entries
from millwright.devices.telemetry.errors import Unreadable
from millwright.devices.telemetry.properties import DeviceProperties
from millwright.devices.telemetry.receive_clock import BURST_MS
from millwright.devices.telemetry.repeats import RepeatMemory
from millwright.devices.telemetry.settings import TelemetrySettings
from millwright.devices.telemetry.times import AHEAD_MS, EARLIEST_MS, find_time_ms
from millwright.historian import BAD, UNCERTAIN

logger = logging.getLogger(__name__)

_NUMBERS: Final = frozenset({float, int})
_FLAT: Final = frozenset({float, int, bool})
_ENVELOPES: Final = frozenset({("ts", "values"), ("time", "values")})
_MOST_SHAPES: Final = 512
_SPECIAL: Final = FLAG_DUPLICATE | FLAG_REPLAYED
_BOM: Final = b"\xef\xbb\xbf"


_Taken: TypeAlias = tuple[Run, DeviceProperties, int, int, list[tuple[int, int]]]
"""A run whose messages went into the lane of numbers: first value and first shape of it there, and the messages that
went elsewhere (payload number, slots used). A plain tuple, for there is one for each run."""


_NONE: Final[list[tuple[int, int]]] = []
"""Stands for no messages that went elsewhere; never changed."""


class JsonDecoder:
    """Decodes runs of JSON telemetry into a :class:`Collector`; :meth:`finish` ends a frame."""

    def __init__(
        self, collector: Collector, settings: TelemetrySettings | None = None, repeats: RepeatMemory | None = None
    ) -> None:
        self._collector = collector
        self._settings = settings or TelemetrySettings()
        self.repeats = repeats if repeats is not None else RepeatMemory(self._settings.repeat_memory_s)
        self._unverified: list[_Taken] = []
        self._timeless = False
        self._crowded = False
        self._hot = False  # whether the run at hand may use the lane of numbers, whose order `finish` relies on

    def decode(self, run: Run, properties: DeviceProperties) -> None:
        """Decode every payload of ``run``; what cannot be read becomes a dead letter, nothing is raised."""
        received, clock = run.received_ms, properties.clock
        start = clock.first_free(received)
        self._crowded = start - received > BURST_MS
        self._hot = not (run.flags & _SPECIAL or self._crowded)
        if not self._hot:
            self._decode_special(run, properties, start)
            return
        slots = self._decode_hot(run, properties, start)
        if self._timeless:
            clock.use(received, slots[-1])
            if run.flags & FLAG_ACKNOWLEDGED and len(run.packet_ids) == len(run.payloads):
                self.repeats.remember(properties.owner, run.packet_ids, run.payloads, slots[:-1])

    def finish(self) -> None:
        """End a frame: messages that looked like numbers and hold something else go the general way after all.

        The check is made once per frame, for the types of a thousand values cost less together than one by one.
        """
        lane = self._collector.plain
        taken, self._unverified = self._unverified, []
        if taken and not _NUMBERS.issuperset(map(type, lane.values[taken[0][2] :])):
            self._divert(taken)

    def _decode_special(self, run: Run, properties: DeviceProperties, start: int) -> None:
        """Runs that are repeated (DUP), replayed, or too fast: message by message."""
        counts = self._collector.counts
        replayed = run.flags & FLAG_REPLAYED
        originals: list[int | None] = [None] * len(run.payloads)
        if replayed:
            originals = [run.received_ms + number for number in range(len(run.payloads))]
        elif run.flags & FLAG_DUPLICATE and run.packet_ids:
            originals = self.repeats.find_times_ms(properties.owner, run.packet_ids, run.payloads)
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
                slot += used

    def _decode_hot(self, run: Run, properties: DeviceProperties, start: int) -> Sequence[int]:
        """Decode all payloads, giving times from ``start`` on to those without their own.

        Returns the time slot of each payload and, last, the next free one; sets ``_timeless`` when one was used.
        """
        lane = self._collector.plain
        extend, add_shape, add_time = lane.values.extend, lane.shapes.append, lane.times.append
        find, received = properties.plain.get, run.received_ms
        first_value, first_shape = len(lane.values), len(lane.shapes)
        others = _NONE
        timeless = False
        slot = start
        for payload in run.payloads:
            try:
                message = orjson.loads(payload)
            except ValueError:
                message = None
            if message.__class__ is dict:
                values = message.get("values")
                if values.__class__ is not dict:
                    shape = find(tuple(message))
                    if shape is not None:
                        extend(message.values())
                        add_shape(shape)
                        add_time(slot)
                        slot += 1
                        timeless = True
                        continue
                elif (
                    len(message) == 2
                    and (time_ms := message.get("ts")).__class__ is int
                    and EARLIEST_MS <= time_ms <= received + AHEAD_MS
                    and (shape := find(tuple(values))) is not None
                ):
                    extend(values.values())
                    add_shape(shape)
                    add_time(time_ms)
                    slot += 1
                    continue
            self._timeless = False
            taken = len(lane.shapes)
            used = self._general(run, payload, properties, slot, message)
            if len(lane.shapes) == taken:
                others = others or []  # the first one: a list of this run's own
                others.append((taken - first_shape + len(others), used))
            timeless = timeless or self._timeless
            slot += used
        self._timeless = timeless
        missing = len(lane.shapes) - len(lane.received)
        if missing == 1:
            lane.received.append(received)
        elif missing:
            lane.received.extend(repeat(received, missing))
        if len(lane.shapes) > first_shape:
            self._unverified.append((run, properties, first_value, first_shape, others))
        return _slots(start, slot, len(run.payloads), others)

    def _divert(self, taken: list[_Taken]) -> None:
        """Rebuild the end of the lane of numbers without the messages that hold something else."""
        self._crowded = self._hot = False
        lane = self._collector.plain
        _, _, first_value, first_shape, _ = taken[0]
        values, shapes, times = lane.values[first_value:], lane.shapes[first_shape:], lane.times[first_shape:]
        del lane.values[first_value:], lane.shapes[first_shape:], lane.times[first_shape:], lane.received[first_shape:]
        at = message = 0
        for run, properties, _, _, others in taken:
            elsewhere = {number for number, _ in others}
            for number, payload in enumerate(run.payloads):
                if number in elsewhere:
                    continue
                shape, time_ms = shapes[message], times[message]
                mine = values[at : at + shape.count]
                at, message = at + shape.count, message + 1
                if _NUMBERS.issuperset(map(type, mine)):
                    lane.values.extend(mine)
                    lane.shapes.append(shape)
                    lane.times.append(time_ms)
                    lane.received.append(run.received_ms)
                else:
                    properties.plain.pop(shape.names, None)
                    properties.mixed.add(shape.names)
                    self._general(run, payload, properties, time_ms)

    def _general(
        self, run: Run, payload: bytes, properties: DeviceProperties, slot: int, message: object = None
    ) -> int:
        """Any message, slowly; returns how many time slots it took. Sets ``_timeless`` when it used them."""
        try:
            document = _parse(payload) if message is None else message
            if isinstance(document, dict):
                stated, values = _opened(document)
                time_ms = slot if stated is None else find_time_ms(stated, run.received_ms)
                if time_ms is not None and _FLAT.issuperset(map(type, values.values())):
                    self._add_flat(run, values, properties, time_ms, timeless=stated is None)
                    return 1
            return self._add_entries(run, document, properties, slot)
        except Unreadable as why:
            self._collector.reject(run, payload, why, slot)
        except Exception as error:  # one message must never stop the intake of all
            logger.exception("decoding a message of %s failed", run.device_id)
            self._collector.reject(run, payload, Unreadable("telemetry.failed", repr(error)[:200]), slot)
        return 1

    def _add_flat(
        self, run: Run, values: dict[str, Any], properties: DeviceProperties, time_ms: int, *, timeless: bool
    ) -> None:
        if timeless:
            self._refuse_crowding()
        names = tuple(values)
        types = tuple([bool if value is True or value is False else float for value in values.values()])
        shape = properties.typed.get((names, types))
        if shape is None:
            shape = self._learn(properties, names, types)
        plain = self._hot and names in properties.plain
        lane = self._collector.plain if plain else self._collector.typed
        lane.values.extend(values.values())
        lane.shapes.append(shape)
        lane.times.append(time_ms)
        lane.received.append(run.received_ms)
        self._timeless = timeless

    def _learn(self, properties: DeviceProperties, names: tuple[str, ...], types: tuple[type, ...]) -> Shape:
        if len(names) > self._settings.message_properties:
            raise Unreadable(
                "telemetry.too_many_properties",
                f"The message holds more than {self._settings.message_properties} values.",
            )
        shape = properties.learn(names, types)
        self._collector.constrained = self._collector.constrained or shape.constrained
        if len(properties.typed) >= _MOST_SHAPES:
            properties.typed.clear()
            properties.plain.clear()
            properties.mixed.clear()
        properties.typed[names, types] = shape
        if _NUMBERS.issuperset(types) and names not in properties.mixed:
            properties.plain[names] = shape
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


def _slots(start: int, end: int, messages: int, others: list[tuple[int, int]]) -> Sequence[int]:
    """The time slot of each message and the next free one; a message takes one slot except as ``others`` says."""
    if end - start == messages:
        return range(start, end + 1)
    widths = dict(others)
    slots = [start]
    for number in range(messages):
        slots.append(slots[-1] + widths.get(number, 1))
    return slots


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


def _opened(document: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """The stated time (``None``: none) and the values of a message in its simple forms."""
    names = tuple(document)
    if names in _ENVELOPES and isinstance(document["values"], dict):
        return document[names[0]], document["values"]
    return None, document
