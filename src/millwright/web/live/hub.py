"""The one subscriber of this process: hands what is heard on the bus to the streams that want it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from millwright.kernel import Bus, LimitExceeded, MillwrightError, Unsubscribe, end
from millwright.web.live.stream import HEARTBEAT_S, Look, Sight, Stream
from millwright.web.services import Owners

logger = logging.getLogger(__name__)

LEASE_EVERY_S = 5.0
"""The historian sends a device's readings for 15 s after it was asked; so we ask this often."""

_PER_PERSON = 24
_PRESENCE = ("device_id", "online", "since_ms", "last_seen_ms", "reason")


_MOST_OWNERS = 100_000


class Hub:
    """Knows every open stream, and keeps the leases of the devices they watch.

    It hears what happens to everybody, so it asks ``owners`` whose a device is, and shows a stream only what is in its
    sight.
    """

    def __init__(self, bus: Bus, owners: Owners, *, most: int = 500, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._bus, self._most, self._heartbeat_s = bus, most, heartbeat_s
        self._ask_owners = owners
        self._owners: dict[str, str] = {}
        self._streams: dict[Stream, str] = {}
        self._by_device: dict[str, set[Stream]] = {}
        self._unsubscribe: list[Unsubscribe] = []
        self._lease: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._closed = False
        self._letters: dict[str, float] = {}

    async def start(self) -> None:
        """Subscribe, and begin to keep leases."""
        self._unsubscribe = [
            await self._bus.subscribe("live.*", self._on_readings),
            await self._bus.subscribe("events.alarms", self._on_alarm),
            await self._bus.subscribe("events.commands", self._on_command),
            await self._bus.subscribe("events.location", self._on_location),
            await self._bus.subscribe("events.devices.presence", self._on_presence),
            await self._bus.subscribe("events.devices.changed", self._on_changed),
            await self._bus.subscribe("events.devices.arrivals", self._on_arrivals),
            await self._bus.subscribe("stats.>", self._on_stats),
        ]
        self._lease = asyncio.create_task(self._keep_leases(), name="live leases")

    def close(self) -> None:
        """End every stream at once, and open no more."""
        self._closed = True
        for stream in list(self._streams):
            stream.close()

    async def stop(self) -> None:
        """Close, and hear the bus no more."""
        self.close()
        await end(self._lease)
        self._lease = None
        for unsubscribe in self._unsubscribe:
            await unsubscribe()
        self._unsubscribe = []

    def gauges(self) -> dict[str, float]:
        """How many streams are open, and how many devices they watch."""
        return {"live_streams": len(self._streams), "live_devices": len(self._by_device)}

    def check_room(self, person_id: str) -> None:
        """Raises ``LimitExceeded`` (``web.too_many_streams``) when no more streams may be opened."""
        own = sum(1 for owner in self._streams.values() if owner == person_id)
        if len(self._streams) >= self._most or own >= _PER_PERSON:
            raise LimitExceeded(
                "Too many live streams are open.",
                code="web.too_many_streams",
                hint="Close some; [web] max_streams is the limit of this node.",
                retry_after_s=5.0,
            )

    async def open(self, person_id: str, devices: frozenset[str], sight: Sight, look: Look) -> AsyncIterator[bytes]:
        """A stream of Server-Sent Events, until the client leaves, its session ends, or the node stops."""
        stream = Stream(devices, sight, look, heartbeat_s=self._heartbeat_s)
        if self._closed:
            return
        self._streams[stream] = person_id
        for device in devices:
            self._by_device.setdefault(device, set()).add(stream)
        self._asked.set()
        try:
            async with contextlib.aclosing(stream.chunks()) as chunks:  # type: ignore[type-var]  # an async generator
                async for chunk in chunks:
                    yield chunk
        finally:
            del self._streams[stream]
            for device in devices:
                watchers = self._by_device[device]
                watchers.discard(stream)
                if not watchers:
                    del self._by_device[device]

    async def _keep_leases(self) -> None:
        while True:
            self._asked.clear()
            if self._by_device:
                try:
                    await self._bus.publish("live.watch", msgspec.msgpack.encode({"devices": list(self._by_device)}))
                except MillwrightError as error:
                    logger.debug("live readings not asked for: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE_EVERY_S):
                    await self._asked.wait()

    async def _on_readings(self, subject: str, payload: bytes) -> None:
        device_id = subject.removeprefix("live.")
        for stream in self._by_device.get(device_id, ()):
            stream.put_readings(device_id, payload)

    async def _on_presence(self, _subject: str, payload: bytes) -> None:
        if not self._streams:
            return
        told = [
            [row.get(name) for name in _PRESENCE] if isinstance(row, dict) else row for row in _decode(payload) or ()
        ]
        rows = [row for row in told if isinstance(row, list) and len(row) == len(_PRESENCE)]
        owners = await self._whose({str(row[0]) for row in rows})
        for row in rows:
            owner = owners.get(str(row[0]))
            data = msgspec.json.encode(dict(zip(_PRESENCE, row, strict=True)))
            self._broadcast("presence", str(row[0]), data, partial(_present, owner))

    async def _on_alarm(self, _subject: str, payload: bytes) -> None:
        alarm = _decode(payload)
        if isinstance(alarm, dict):
            owner = alarm.get("organisation_id")
            data = msgspec.json.encode(alarm)
            self._broadcast("alarm", str(alarm.get("id")), data, lambda sight: owner in sight.alarms)

    async def _on_command(self, _subject: str, payload: bytes) -> None:
        command = _decode(payload)
        if isinstance(command, dict):
            owner = command.get("organisation_id")
            data = msgspec.json.encode(command)
            self._broadcast("command", str(command.get("id")), data, lambda sight: owner in sight.commands)

    async def _on_location(self, _subject: str, payload: bytes) -> None:
        happened = _decode(payload)
        if isinstance(happened, dict):
            owner = happened.get("organisation_id")
            data = msgspec.json.encode(happened)
            self._broadcast("location", str(happened.get("number")), data, lambda sight: owner in sight.places)

    async def _on_arrivals(self, _subject: str, _payload: bytes) -> None:
        self._broadcast("arrivals", "", b"{}", lambda sight: sight.unknown)

    async def _on_changed(self, _subject: str, _payload: bytes) -> None:
        self._owners.clear()

    async def _whose(self, device_ids: set[str]) -> Mapping[str, str]:
        lacking = device_ids - self._owners.keys()
        if lacking:
            try:
                found = await self._ask_owners(lacking)
            except MillwrightError as error:
                logger.debug("nobody knows whose these devices are: %s", error)
                return {}
            if len(self._owners) + len(found) > _MOST_OWNERS:
                self._owners.clear()
            self._owners.update(found)
        return self._owners

    async def _on_stats(self, subject: str, payload: bytes) -> None:
        line = payload.replace(b"\n", b" ").replace(b"\r", b" ")
        self._broadcast("stats", subject, line, lambda sight: sight.node)
        counters = (_decode(payload) or {}).get("counters", {})
        letters = counters.get("dead_letters") if isinstance(counters, dict) else None
        if letters is not None and letters != self._letters.setdefault(subject, letters):
            self._letters[subject] = letters
            counter = msgspec.json.encode({"counter": letters})
            self._broadcast("dead_letters", "", counter, lambda sight: sight.node)

    def _broadcast(self, event: str, key: str, data: bytes, seen: Callable[[Sight], bool]) -> None:
        for stream in self._streams:
            if seen(stream.sight):
                stream.put(event, key, data)


def _present(owner: str | None, sight: Sight) -> bool:
    return owner in sight.presence


def _decode(payload: bytes) -> Any:
    """Events travel as MessagePack, figures as JSON; a JSON object or list begins with a bracket."""
    try:
        if payload[:1] in (b"{", b"["):
            return msgspec.json.decode(payload)
        return msgspec.msgpack.decode(payload)
    except msgspec.MsgspecError:
        return None
