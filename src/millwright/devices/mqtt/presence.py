"""Who is connected, told on the bus so that the historian role can tell who is online."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

DELTA_S, HEARTBEAT_S, SNAPSHOT_S = 0.1, 2.0, 10.0
ASK = "presence.ask"
"""Whoever missed something asks here, with an empty message; every listener answers with a snapshot."""


class PresenceReport(msgspec.Struct):
    """A message on ``presence.<listener id>``, as msgpack: everybody (``snapshot``) or the changes since the last.

    ``connected``: (device id, since, last seen); ``disconnected``: (device id, at, reason); times in UTC ms.
    ``sequence`` grows by one a message, so that a consumer sees when it missed one and waits for the next snapshot.
    """

    listener: str
    sequence: int
    at_ms: int
    snapshot: bool
    connected: list[tuple[str, int, int]]
    disconnected: list[tuple[str, int, str]]


class Presence:
    """Reports the devices of one listener: changes within 200 ms, a sign of life every 2 s, all every 10 s or asked."""

    def __init__(self, bus: Bus, listener_id: str, clock: Clock, last_seen: Callable[[str], int]) -> None:
        self._bus = bus
        self._listener_id = listener_id
        self._clock = clock
        self._last_seen = last_seen
        self._since: dict[str, int] = {}
        self._connected: set[str] = set()
        self._disconnected: dict[str, tuple[str, int, str]] = {}
        self._sequence = 0
        self._changed = asyncio.Event()
        self._asked = False
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None

    def connected(self, device_id: str) -> None:
        """The device's first connection is there."""
        self._since[device_id] = self._clock.now_ms()
        self._connected.add(device_id)
        self._disconnected.pop(device_id, None)
        self._changed.set()

    def disconnected(self, device_id: str, reason: str) -> None:
        """The device's last connection ended."""
        self._since.pop(device_id, None)
        self._connected.discard(device_id)
        self._disconnected[device_id] = device_id, self._clock.now_ms(), reason
        self._changed.set()

    async def start(self) -> None:
        """Begin to report."""
        self._unsubscribe = await self._bus.subscribe(ASK, self._on_ask)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Report the last changes and end."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        if self._task is None:
            return
        await end(self._task)
        self._task = None
        await self._report(snapshot=True)

    async def _on_ask(self, _subject: str, _payload: bytes) -> None:
        self._asked = True
        self._changed.set()

    async def _run(self) -> None:
        next_snapshot_s = 0.0
        while True:
            now_s = self._clock.monotonic_s()
            snapshot = self._asked or now_s >= next_snapshot_s
            self._asked = False
            if snapshot:
                next_snapshot_s = now_s + SNAPSHOT_S
            await self._report(snapshot=snapshot)
            # Not `wait_for`: before Python 3.12 it loses a cancellation that comes as the event is set, as at the stop.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._changed.wait()
                await asyncio.sleep(DELTA_S)

    async def _report(self, *, snapshot: bool) -> None:
        self._changed.clear()
        self._sequence += 1
        named = self._since if snapshot else self._connected
        report = PresenceReport(
            self._listener_id,
            self._sequence,
            self._clock.now_ms(),
            snapshot,
            [(device_id, self._since[device_id], self._last_seen(device_id)) for device_id in named],
            list(self._disconnected.values()),
        )
        self._connected.clear()
        self._disconnected.clear()
        try:
            await self._bus.publish(f"presence.{self._listener_id}", msgspec.msgpack.encode(report))
        except MillwrightError as error:
            logger.debug("presence was not reported: %s", error.message)
            self._asked = True  # the changes in it are in the next snapshot
