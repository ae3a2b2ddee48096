"""Presence at work, in the historian role: listens, writes, tells.

It hears the listeners (``presence.*``), and the pipeline hands it births, deaths and receive times. Changes are told on
``events.devices.presence`` at once, as a JSON list of :class:`PresenceRow`, and written within two seconds. Receive
times are written at most 5,000 devices each two seconds, those that wait longest first, so that their cost is bounded
however many devices send.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from millwright.devices.mqtt.presence import ASK, PresenceReport
from millwright.devices.presence.model import PresenceEvent, PresenceRow
from millwright.devices.presence.store import PresenceStore
from millwright.devices.presence.tracker import PresenceTracker
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe, end

SUBJECT: Final = "events.devices.presence"
TICK_S, WRITE_S, ASK_S, LINK_S = 0.2, 2.0, 1.0, 1.0
MOST_ROWS: Final = 5_000
MOST_TOLD: Final = 2_000

logger = logging.getLogger(__name__)


class PresenceWorker:
    """Keeps presence. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: PresenceStore, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._tracker = PresenceTracker(clock)
        self._said: list[tuple[str, bool, int, str]] = []
        self._events: list[PresenceEvent] = []
        self._rows: list[PresenceRow] = []
        self._asked_s = float("-inf")
        self._linked_s = float("-inf")
        self._written_s = clock.monotonic_s()
        self._decoder = msgspec.msgpack.Decoder(PresenceReport)
        self._unsubscribe: Unsubscribe | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def online(self) -> int:
        """How many devices are online."""
        return self._tracker.online

    async def start(self) -> None:
        """Read what was, listen, and ask every listener who is there."""
        self._tracker.link(await asyncio.to_thread(self._store.links))
        self._tracker.restore(await asyncio.to_thread(self._store.load))
        self._unsubscribe = await self._bus.subscribe("presence.*", self._on_report)
        await self._ask()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop listening and write what is left. Nobody goes offline by it: the next start finds out."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            await end(self._task)
            self._task = None
            await self.flush(MOST_ROWS * 20)

    def touch(self, last_seen: Mapping[str, int]) -> None:
        """Data of these devices was received at these times (UTC ms)."""
        self._tracker.touch(last_seen)

    def sparkplug_state(self, device_id: str, online: bool, at_ms: int, reason: str) -> None:
        """A Sparkplug birth (``online``) or death, in the order in which they were received."""
        self._said.append((device_id, online, at_ms, reason))

    async def tick(self) -> None:
        """Take in what was said, expire, tell what changed; :meth:`start` has it called five times a second."""
        await self._take_said()
        self._tracker.expire()
        events = self._tracker.take_events()
        if events:
            self._events.extend(events)
            await self._tell({event.device_id for event in events})
        if self._clock.monotonic_s() - self._written_s >= WRITE_S:
            await self.flush(MOST_ROWS)

    async def flush(self, most: int = MOST_ROWS) -> None:
        """Write changes and up to ``most`` states; what cannot be written is kept for the next time."""
        self._written_s = self._clock.monotonic_s()
        self._rows.extend(msgspec.structs.replace(row) for row in self._tracker.take_dirty(most - len(self._rows)))
        rows, events = self._rows, self._events
        if not rows and not events:
            return
        self._rows, self._events = [], []
        try:
            gone = await asyncio.to_thread(self._store.write, rows, events)
        except MillwrightError as error:
            logger.warning("presence cannot be written: %s", error.message)
            self._rows = rows + self._rows
            self._events = (events + self._events)[-100_000:]
            return
        self._tracker.forget(gone)

    async def _take_said(self) -> None:
        said, self._said = self._said, []
        if not said:
            return
        if any(not self._tracker.is_sparkplug_device(device_id) for device_id, *_ in said):
            now_s = self._clock.monotonic_s()
            if now_s - self._linked_s < LINK_S:
                self._said = said + self._said  # it may be a device that was adopted a moment ago
                return
            self._linked_s = now_s
            try:
                self._tracker.link(await asyncio.to_thread(self._store.links))
            except MillwrightError as error:
                logger.warning("edge nodes cannot be read: %s", error.message)
        for device_id, online, at_ms, reason in said:
            self._tracker.sparkplug(device_id, online, at_ms, reason)

    async def _on_report(self, subject: str, payload: bytes) -> None:
        if subject == ASK:
            return
        try:
            report = self._decoder.decode(payload)
        except msgspec.MsgspecError as error:
            logger.debug("a presence report cannot be read: %s", error)
            return
        if self._tracker.report(report):
            await self._ask()

    async def _ask(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_s < ASK_S:
            return
        self._asked_s = now_s
        with contextlib.suppress(MillwrightError):
            await self._bus.publish(ASK, b"")

    async def _tell(self, device_ids: set[str]) -> None:
        rows = [row for device_id in sorted(device_ids) if (row := self._tracker.find(device_id)) is not None]
        for start in range(0, len(rows), MOST_TOLD):
            try:
                await self._bus.publish(
                    SUBJECT,
                    msgspec.json.encode(rows[start : start + MOST_TOLD]),
                )
            except MillwrightError as error:
                logger.debug("presence was not told: %s", error.message)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception:
                logger.exception("presence failed once")
