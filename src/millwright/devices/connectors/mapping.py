"""From samples to telemetry: which property of which device a value is, and the JSON that the historian decodes.

One payload per device and source time, in the form ``{"ts": …, "values": {…}}`` that decodes fastest; qualities are
named only where a value is not good. Values without a source time share a payload without ``ts`` and get their time as
any telemetry without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from millwright.devices.connectors.contract import GOOD, UNCERTAIN, Sample
from millwright.devices.connectors.store import Feed

MOST_PROPERTIES: Final = 500
"""Most values in one payload."""
_LONG_TEXT: Final = 512
"""A text from this length travels alone, so that one that is too long to be kept takes no other value with it."""


class Mapper:
    """The points of one connection. Counts what came in; holds the newest sample of each point."""

    def __init__(self) -> None:
        self._feeds: dict[str, Feed] = {}
        self.newest: dict[str, tuple[Sample, int]] = {}
        self._kept: dict[str, float] = {}
        self._bad = 0
        self.lag_ms: float | None = None

    def follow(self, feeds: Iterable[Feed]) -> None:
        """These are the points from now on."""
        before, self._feeds = self._feeds, {feed.point.id: feed for feed in feeds}
        for point_id in [known for known in self.newest if self._feeds.get(known) != before.get(known)]:
            del self.newest[point_id]
            self._kept.pop(point_id, None)
        self._bad = sum(sample.quality < UNCERTAIN for sample, _ in self.newest.values())

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many points there are, how many of them were good last, and how many bad."""
        return len(self._feeds), len(self.newest) - self._bad, self._bad

    @property
    def devices(self) -> set[str]:
        """The devices that are fed."""
        return {feed.device_id for feed in self._feeds.values()}

    def is_bad(self, device_id: str) -> bool:
        """Whether no point of the device was good last."""
        return not any(
            sample.quality >= UNCERTAIN and sample.value is not None
            for point_id, (sample, _) in self.newest.items()
            if self._feeds[point_id].device_id == device_id
        )

    def silence(self) -> None:
        """Nothing of what was said last is sure any more: each point is recorded anew when it comes."""
        self._kept.clear()

    def take(self, samples: Sequence[Sample], received_ms: int) -> tuple[dict[str, list[bytes]], dict[str, bool]]:
        """Payloads by device, and of each device met whether a good value was among them."""
        entries: dict[str, dict[Any, dict[str, Any]]] = {}
        good: dict[str, bool] = {}
        for number, sample in enumerate(samples):
            feed = self._feeds.get(sample.point_id)
            if feed is None:
                continue  # a point that was removed a moment ago
            self._note(sample, received_ms)
            fine = sample.quality >= UNCERTAIN and sample.value is not None
            good[feed.device_id] = good.get(feed.device_id, False) or fine
            if not self._is_news(feed, sample):
                continue
            value = property_value(sample.value, feed.scale, feed.offset)
            slots = entries.setdefault(feed.device_id, {})
            slot = _slot(slots, sample, feed.property, value, number)
            entry = slots.setdefault(slot, {"values": {}} if sample.time_ms is None else
                                     {"ts": sample.time_ms, "values": {}})  # fmt: skip
            entry["values"][feed.property] = value
            if sample.quality < GOOD or value is None:
                entry.setdefault("quality", {})[feed.property] = "uncertain" if fine else "bad"
        encode = msgspec.json.encode
        return {device_id: [encode(each) for each in slots.values()] for device_id, slots in entries.items()}, good

    def _note(self, sample: Sample, received_ms: int) -> None:
        known = self.newest.get(sample.point_id)
        self._bad += (sample.quality < UNCERTAIN) - (known is not None and known[0].quality < UNCERTAIN)
        self.newest[sample.point_id] = (sample, received_ms)
        if sample.time_ms is not None:
            lag_ms = float(received_ms - sample.time_ms)
            self.lag_ms = lag_ms if self.lag_ms is None else self.lag_ms + 0.1 * (lag_ms - self.lag_ms)

    def _is_news(self, feed: Feed, sample: Sample) -> bool:
        """Whether a number left its deadband; everything that is no good number is news."""
        value, point = sample.value, feed.point
        if not point.deadband:
            return True
        if isinstance(value, bool) or not isinstance(value, int | float) or sample.quality < GOOD:
            self._kept.pop(point.id, None)
            return True
        kept = self._kept.get(point.id)
        if kept is not None and abs(value - kept) < point.deadband:
            return False
        self._kept[point.id] = float(value)
        return True


def _slot(slots: dict[Any, dict[str, Any]], sample: Sample, name: str, value: Any, number: int) -> Any:
    """The payload that a value goes into: that of its time, unless it has to stand alone."""
    slot = sample.time_ms
    taken = slots.get(slot)
    alone = isinstance(value, str) and len(value) >= _LONG_TEXT
    if alone or (taken is not None and (name in taken["values"] or len(taken["values"]) >= MOST_PROPERTIES)):
        return (slot, number)
    return slot


def property_value(value: Any, scale: float | None, offset: float | None) -> Any:
    """What the property is for a value of the device."""
    if (scale is None and offset is None) or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * (1.0 if scale is None else scale) + (offset or 0.0)


def raw_value(value: Any, scale: float | None, offset: float | None) -> Any:
    """What is written to the device for a value of the property."""
    if (scale is None and offset is None) or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return (value - (offset or 0.0)) / (scale or 1.0)
