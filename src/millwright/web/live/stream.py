"""One client's stream: what waits to be sent is bounded, and a slow client gets the latest instead of everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

HEARTBEAT_S = 10.0
"""A comment line is sent when nothing else was for this long, so that proxies keep the connection."""

_CHECK_S = 5.0
_PACE_S = 0.05
_MOST_WAITING = 2_000
_READINGS_APART = 4


@dataclass(frozen=True, slots=True)
class Sight:
    """What a stream may show: whose readings, presence, alarms, commands and places, and whether the node.

    ``unknown``: arrivals that belong to nobody yet.
    """

    readings: frozenset[str] = frozenset()
    presence: frozenset[str] = frozenset()
    alarms: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    unknown: bool = False
    node: bool = False


Look = Callable[[], Awaitable[Sight | None]]
"""Asked again and again: what the stream may show now; ``None`` when its session is over."""


class Stream:
    """Pending events by key: a new one replaces the old one of its key; readings of a device are merged.

    ``devices`` are those whose readings the client wants; ``sight`` says what it may have, and is renewed by ``look``.
    """

    def __init__(self, devices: frozenset[str], sight: Sight, look: Look, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self.devices = devices
        self.sight = sight
        self.dropped = 0
        self._look = look
        self._heartbeat_s = heartbeat_s
        self._pending: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._readings: OrderedDict[str, list[bytes]] = OrderedDict()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: str, key: str, data: bytes) -> None:
        """Send ``data`` (one line of JSON) soon; it replaces what still waits under the same event and key."""
        if (event, key) in self._pending:
            self.dropped += 1
        elif len(self._pending) >= _MOST_WAITING:
            self._pending.popitem(last=False)
            self.dropped += 1
        self._pending[(event, key)] = data
        self._wake.set()

    def put_readings(self, device_id: str, data: bytes) -> None:
        """Send readings of a device soon; when several wait, only the latest value of each property is kept."""
        if device_id not in self.sight.readings:
            return
        waiting = self._readings.setdefault(device_id, [])
        waiting.append(data)
        if len(waiting) > _READINGS_APART:
            waiting[:] = [_merged(device_id, waiting)]
            self.dropped += _READINGS_APART
        self._wake.set()

    def close(self) -> None:
        """End the stream at once."""
        self._closed = True
        self._wake.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What goes over the wire; ends when the stream is closed or its session is no longer valid."""
        yield b"retry: 2000\n\n"
        loop = asyncio.get_running_loop()
        sent = checked = loop.time()
        while True:
            wait_s = min(self._heartbeat_s - (loop.time() - sent), _CHECK_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(wait_s, 0.01)):
                    await self._wake.wait()
            if self._closed:
                return
            if loop.time() - checked >= _CHECK_S:
                checked = loop.time()
                sight = await self._look()
                if sight is None:
                    yield b'event: end\ndata: {"code":"parties.sign_in_required"}\n\n'
                    return
                self.sight = sight
            chunk = self._take()
            if chunk:
                yield chunk
            elif loop.time() - sent >= self._heartbeat_s:
                yield b": alive\n\n"
            else:
                continue
            sent = loop.time()
            await asyncio.sleep(_PACE_S)

    def _take(self) -> bytes:
        self._wake.clear()
        pending, self._pending = self._pending, OrderedDict()
        readings, self._readings = self._readings, OrderedDict()
        parts = [b"event: readings\ndata: %b\n\n" % data for waiting in readings.values() for data in waiting]
        parts += [b"event: %b\ndata: %b\n\n" % (event.encode(), data) for (event, _), data in pending.items()]
        return b"".join(parts)


def _merged(device_id: str, payloads: list[bytes]) -> bytes:
    latest: dict[str, list[Any]] = {}
    for payload in payloads:
        for reading in msgspec.json.decode(payload)["readings"]:
            latest[reading[0]] = reading
    return msgspec.json.encode({"device_id": device_id, "readings": list(latest.values())})
