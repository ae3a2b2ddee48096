"""Live readings for whoever watches: thinned, only of devices that somebody looks at, at most once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
import numpy as np

from millwright.historian.model import Identities, ReadingBatch, SeriesInfo, Value
from millwright.historian.service import Historian
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

WATCH_S = 15.0
"""A device is published for so long after somebody asked for it."""
THIN_S = 0.2
"""One value of a property in this time, the last one."""
MOST_WATCHED = 2_000
"""Devices watched at once; more are left out."""

_Reading = tuple[str, int, Value, int]


class WatchRequest(msgspec.Struct, frozen=True):
    """On ``live.watch``: publish these devices; repeated every few seconds by whoever watches."""

    devices: list[str]


class LivePublisher:
    """Publishes ``live.<device id>`` as ``{"device_id", "readings": [[property, time_ms, value, quality], …]}``.

    The pipeline calls :meth:`offer` with every decoded batch; while nobody watches that costs nothing.
    """

    def __init__(self, bus: Bus, historian: Historian, clock: Clock) -> None:
        self._bus = bus
        self._historian = historian
        self._clock = clock
        self._until: dict[str, float] = {}
        self._names: dict[int, tuple[str, str]] = {}
        self._series: Identities = np.array([], np.uint64)
        self._pending: dict[str, dict[str, _Reading]] = {}
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen for who watches, begin to publish."""
        self._unsubscribe = await self._bus.subscribe("live.watch", self._on_watch)
        self._task = asyncio.create_task(self._publish_forever(), name="historian-live")

    async def stop(self) -> None:
        """Publish no more."""
        task, self._task = self._task, None
        await end(task)
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None

    def offer(self, batch: ReadingBatch, new_series: Sequence[SeriesInfo] = ()) -> None:
        """Take what watchers want to see of a batch; does no I/O."""
        if not self._until:
            return
        added = [entry for entry in new_series if entry.device_id in self._until]
        if added:
            self._names.update((entry.series, (entry.device_id, entry.property)) for entry in added)
            self._index()
        if not len(self._series) or not len(batch):
            return
        for row in np.flatnonzero(np.isin(batch.series, self._series)).tolist():
            device_id, name = self._names[int(batch.series[row])]
            time_ms = int(batch.time_ms[row])
            of_device = self._pending.setdefault(device_id, {})
            known = of_device.get(name)
            if known is None or time_ms >= known[1]:
                of_device[name] = (name, time_ms, batch.value(row), int(batch.quality[row]))

    def _index(self) -> None:
        self._series = np.array(sorted(self._names), np.uint64)

    async def _on_watch(self, _subject: str, payload: bytes) -> None:
        try:
            wanted = msgspec.json.decode(payload, type=WatchRequest).devices
        except msgspec.DecodeError:
            wanted = msgspec.msgpack.decode(payload, type=WatchRequest).devices
        now_s = self._clock.monotonic_s()
        self._until = {device: until for device, until in self._until.items() if until > now_s}
        for device in wanted:
            if device in self._until or len(self._until) < MOST_WATCHED:
                self._until[device] = now_s + WATCH_S
        try:
            entries = await self._historian.catalogue(list(self._until))
        except MillwrightError as error:
            logger.debug("live devices could not be looked up: %s", error)
            return
        kept = {series: names for series, names in self._names.items() if names[0] in self._until}
        self._names = kept | {entry.series: (entry.device_id, entry.property) for entry in entries}
        self._index()

    async def _publish_forever(self) -> None:
        while True:
            await asyncio.sleep(THIN_S)
            try:
                await self._publish()
            except Exception:
                logger.exception("live readings could not be published")

    async def _publish(self) -> None:
        pending, self._pending = self._pending, {}
        if self._until and max(self._until.values()) <= self._clock.monotonic_s():
            self._until, self._names = {}, {}
            self._index()
        for device_id, readings in pending.items():
            message = msgspec.json.encode({"device_id": device_id, "readings": list(readings.values())})
            try:
                await self._bus.publish(f"live.{device_id}", message)
            except MillwrightError as error:
                logger.debug("live readings were dropped: %s", error)
