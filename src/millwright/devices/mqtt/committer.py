"""Gathers the runs of all connections into frames and acknowledges them when they are durable.

A frame closes after a few milliseconds or a quarter of a megabyte and becomes one append. Several appends are in
flight; acknowledgements leave in the order of the frames (MQTT 3.1.1, 4.6). An append that was not confirmed is
repeated under the same message id until it is, so nothing acknowledged is missing and nothing is stored twice. While
one fails nothing newer is sent, and those that failed are repeated one after the other, oldest first: frames are stored
in the order in which they were received, which the recognition of repeated messages (DUP) stands on. Nothing newer is
sent either while the oldest is overdue: when the server of a cluster that led the stream dies, the connection stays,
what was on its way is lost without a word, and what is sent later reaches the next leader.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from millwright.devices.intake import FRAME_VERSION, Frame, Run, encode_frame
from millwright.devices.mqtt.joined import Durable
from millwright.devices.mqtt.ports import Intake
from millwright.devices.mqtt.settings import MqttSettings
from millwright.kernel import Clock, LimitExceeded, MillwrightError, Unavailable, end, new_id

logger = logging.getLogger(__name__)

MAX_FRAME_BYTES = 1024 * 1024 - 4096
_RETRY_S = (0.05, 1.0)
_OVERDUE_S = 0.5
"""Less than a cluster needs to choose a leader after a death."""


Acknowledgements: TypeAlias = list[tuple[int, list[int]]]
"""Acknowledging packets with id 0 as a number, and packet ids."""


class Acknowledged(Protocol):
    """Who waits for a frame."""

    def acknowledge(self, acknowledgements: Acknowledgements) -> None:
        """The messages are durable."""
        ...


class _Batch:
    """A frame in the making or on its way."""

    __slots__ = ("barriers", "bytes", "committed", "message_id", "runs", "sent_s", "stored", "waiting")

    @property
    def empty(self) -> bool:
        """Whether nothing is in it: no message, and no answer that waits for its turn."""
        return not self.runs and not self.waiting

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.waiting: dict[Acknowledged, list[tuple[int, list[int]]]] = {}
        self.barriers: list[asyncio.Future[None]] = []
        self.bytes = 0
        self.message_id = ""
        self.sent_s = 0.0
        self.stored = False
        self.committed = False


class Committer:
    """One per listener. ``on_pressure(True)`` is called when reading must pause, ``on_pressure(False)`` to go on."""

    def __init__(
        self,
        intake: Intake,
        listener_id: str,
        settings: MqttSettings,
        clock: Clock,
        on_pressure: Callable[[bool], None],
    ) -> None:
        self._intake = intake
        self._listener_id = listener_id
        self._settings = settings
        self._clock = clock
        self._on_pressure = on_pressure
        self._open = _Batch()
        self._timer: asyncio.TimerHandle | None = None
        self._sealed: deque[_Batch] = deque()
        self._order: deque[_Batch] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._storing: set[_Batch] = set()
        self._failing = 0
        self._stored = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._blocked = False
        self._problem: dict[str, Any] | None = None
        self.paused = False
        self.uncommitted_bytes = 0
        self.frames = 0
        self.retries = 0
        self.messages_acked = 0

    def add(
        self,
        source: Acknowledged,
        runs: Sequence[Run],
        acknowledgements: Acknowledgements,
        size: int,
        barrier: asyncio.Future[None] | None = None,
    ) -> None:
        """Take ``runs`` of about ``size`` bytes; ``barrier`` must be done too before they are acknowledged.

        Acknowledgements that refuse come in the same order as the others.
        """
        batch = self._open
        if batch.bytes + size > MAX_FRAME_BYTES and batch.runs:
            self._seal()
            batch = self._open
        if batch.empty:
            self._idle.clear()
            if self._timer is None:
                delay_s = self._settings.commit_delay_ms / 1000
                self._timer = asyncio.get_running_loop().call_later(delay_s, self._on_timer)
        batch.runs.extend(runs)
        batch.bytes += size
        if acknowledgements:
            known = batch.waiting.get(source)
            if known is None:
                batch.waiting[source] = acknowledgements
            else:
                known.extend(acknowledgements)
        if barrier is not None:
            batch.barriers.append(barrier)
        self.uncommitted_bytes += size
        if batch.bytes >= self._settings.commit_bytes:
            self._seal()
        if self.uncommitted_bytes > self._settings.max_uncommitted_bytes and not self.paused:
            self._update_pressure()

    def add_alone(
        self, source: Acknowledged, run: Run, acknowledgements: Acknowledgements, message_id: str, barrier: Durable
    ) -> None:
        """Take a run as a frame of its own under ``message_id``: who does so again stores it once."""
        if not self._open.empty:
            self._seal()
        size = sum(map(len, run.payloads)) + len(run.topic)
        self._open.message_id = message_id
        self.add(source, [run], acknowledgements, size, barrier)
        if self._open.message_id == message_id:
            self._seal()

    def add_frame(self, source: Acknowledged, runs: Sequence[Run], size: int, message_id: str) -> None:
        """Take runs of about ``size`` bytes as a frame of their own under ``message_id``; nobody waits for it."""
        if not self._open.empty:
            self._seal()
        self._open.message_id = message_id
        self.add(source, runs, [], size)
        if self._open.message_id == message_id:
            self._seal()

    def _on_timer(self) -> None:
        self._timer = None
        # While every slot is taken the frame goes on growing: fewer, larger appends when the store is slow.
        if not self._open.empty and self._may_launch():
            self._seal()

    def _may_launch(self) -> bool:
        if self._failing or len(self._storing) >= self._settings.commits_in_flight:
            return False
        oldest = next((each.sent_s for each in self._order if each.sent_s and not each.stored), 0.0)
        return not oldest or asyncio.get_running_loop().time() - oldest < _OVERDUE_S

    def _seal(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._open = self._open, _Batch()
        batch.message_id = batch.message_id or new_id(self._listener_id)
        self._order.append(batch)
        self._sealed.append(batch)
        self._launch()

    def _launch(self) -> None:
        while self._sealed and self._may_launch():
            batch = self._sealed.popleft()
            batch.sent_s = asyncio.get_running_loop().time()
            self._storing.add(batch)
            task = asyncio.create_task(self._commit(batch))
            self._tasks.add(task)
            task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._go_on()

    def _go_on(self) -> None:
        self._launch()
        if not self._open.empty and self._timer is None and self._may_launch():
            self._seal()

    async def _commit(self, batch: _Batch) -> None:
        frame = encode_frame(Frame(FRAME_VERSION, self._listener_id, batch.runs)) if batch.runs else b""
        batch.runs = []
        delay_s, most_s = _RETRY_S
        failed = False
        while frame:  # refusals alone need nothing kept, only their turn
            try:
                await self._intake.commit(frame, batch.message_id)
                break
            except MillwrightError as error:
                self._report(error)
            except Exception as error:
                # Whatever it is, giving up would leave devices without an answer for ever.
                logger.exception("a frame could not be stored; it is tried again")
                self._report(Unavailable(f"Storing failed: {error!r}", code="listener.intake_failed"))
            self.retries += 1
            self._failing += not failed
            failed = True
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, most_s)
            await self._until_oldest(batch)
        self._failing -= failed
        batch.stored = True
        self._stored.set()
        if frame:
            self.frames += 1
            self._problem = None
        self._storing.discard(batch)
        if batch.barriers:  # it waits, and nothing newer waits for it to be stored
            self._go_on()
        for barrier in batch.barriers:
            await asyncio.shield(barrier)
        batch.committed = True
        self._release()

    async def _until_oldest(self, batch: _Batch) -> None:
        """Return when everything that was received before ``batch`` is stored."""
        while next((each for each in self._order if not each.stored), batch) is not batch:
            self._stored.clear()
            await self._stored.wait()

    def _release(self) -> None:
        while self._order and self._order[0].committed:
            batch = self._order.popleft()
            self.uncommitted_bytes -= batch.bytes
            for source, acknowledgements in batch.waiting.items():
                for base, packet_ids in acknowledgements:
                    if base <= 0xFFFFFFFF:  # above it a reason code says that the message was refused
                        self.messages_acked += len(packet_ids)
                source.acknowledge(acknowledgements)
        self._blocked = False
        if self.paused:
            self._update_pressure()
        if not self._order and self._open.empty:
            self._idle.set()

    def _report(self, error: MillwrightError) -> None:
        full = isinstance(error, LimitExceeded)
        code = "listener.intake_full" if full else "listener.intake_unavailable"
        if self._problem is None or self._problem["code"] != code:
            logger.warning("messages cannot be stored, acknowledgements wait: %s", error.message)
            self._problem = {
                "code": code,
                "message": f"Messages cannot be stored, so devices get no acknowledgement: {error.message}",
                "hint": error.hint,
                "since_ms": self._clock.now_ms(),
            }
        self._blocked = self._blocked or full
        self._update_pressure()

    def _update_pressure(self) -> None:
        most = self._settings.max_uncommitted_bytes
        limit = most // 2 if self.paused else most
        paused = self._blocked or self.uncommitted_bytes > limit
        if paused != self.paused:
            self.paused = paused
            self._on_pressure(paused)

    def problems(self) -> list[dict[str, Any]]:
        """What keeps messages from being stored now."""
        return [self._problem] if self._problem else []

    async def drain(self, timeout_s: float) -> bool:
        """Commit everything taken; whether that was done within ``timeout_s``. What is left is given up unacknowledged.

        Giving up loses nothing that a client was told is safe: it was not acknowledged, so the client repeats it.
        """
        if not self._open.empty:
            self._seal()
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            logger.warning("stopping with %d bytes not stored and not acknowledged", self.uncommitted_bytes)
            done = False
        else:
            done = True
        await end(*self._tasks)
        return done
