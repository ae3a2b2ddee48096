"""The intake's way into history: fetch → decode → rules and watchers → buffer → store → acknowledge → trim.

Three tasks overlap: one fetches frames ahead, one decodes them and hands the readings on, one waits until they are
stored and then acknowledges. A frame is acknowledged only when its readings are in the historian *and* its dead letters
and Sparkplug sessions are on disk; after a crash the frames since then are read again and change nothing.

When history cannot be written the unacknowledged frames in memory stay below a bound, fetching stops, devices are
slowed by the listener once the stream is full, and all resumes by itself.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from millwright.app.stats import Figures, Problem
from millwright.devices.dead_letters import DeadLetter, DeadLetterStream
from millwright.devices.intake import INTAKE
from millwright.devices.sparkplug import SparkplugHost, SparkplugSessions, publish
from millwright.devices.telemetry import Decoded, Decoder, Outgoing, TelemetrySettings
from millwright.devices.telemetry.retention import IntakeRetention
from millwright.engines.nats import NatsConnection, PullReader, StreamMessage
from millwright.historian import Historian, ReadingBatch, SeriesInfo
from millwright.kernel import Clock, MillwrightError, end
from millwright.metering import MESSAGES, POINTS, StreamTally

logger = logging.getLogger(__name__)

DURABLE: Final = "historian"
"""Name of the intake's reader."""
_WINDOW_BYTES: Final = 128 << 20
_SLICE_BYTES: Final = 512 << 10
_RECALL_BYTES: Final = 64 << 20
_LETTERS_AT_ONCE: Final = 64
_FETCH_MOST: Final = 64
_FETCH_BYTES: Final = 4 << 20
"""What is asked for at once: everything else the broker says waits behind it."""
_FRAMES_KNOWN: Final = 10_000
_RETRY_S: Final = 0.5
_IDLE_S: Final = 2.0
_STOP_S: Final = 8.0

Hook = Callable[[Decoded], Awaitable[None] | None]
"""Sees everything decoded, in order, before it is stored. Must be quick: intake waits for it."""
Settle = Callable[[], Awaitable[None]]
"""Returns when everything a hook was shown so far is durable; awaited before frames are acknowledged."""
NoteSeries = Callable[[list[SeriesInfo]], Awaitable[None]]
"""Writes down properties that devices send for the first time."""


@dataclass(frozen=True, slots=True)
class _Pending:
    """A slice of the intake between decoding and acknowledgement."""

    sequence: int
    size: int
    ticket: int
    dead_letters: list[DeadLetter]
    sessions: list[tuple[str, bytes]]
    new_series: list[SeriesInfo]
    usage: dict[tuple[str, int], list[int]]


class Pipeline:
    """Runs in the historian role; a :class:`millwright.kernel.Part`, started after the historian.

    ``see`` is shown every message of the intake before it is decoded; ``hold`` tells up to which sequence the stored
    ones may be trimmed.
    """

    def __init__(
        self,
        nats: NatsConnection,
        decoder: Decoder,
        historian: Historian,
        sparkplug: SparkplugHost,
        clock: Clock,
        settings: TelemetrySettings | None = None,
        *,
        hooks: Sequence[tuple[str, Hook]] = (),
        note_series: NoteSeries | None = None,
        before_acknowledge: Sequence[tuple[str, Settle]] = (),
        tally: StreamTally | None = None,
        see: Callable[[StreamMessage], None] | None = None,
        hold: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        self._nats, self._decoder, self._historian = nats, decoder, historian
        self._sparkplug, self._clock = sparkplug, clock
        self._settings = settings or TelemetrySettings()
        self._hooks = list(hooks)
        self._note_series = note_series
        self._before_acknowledge = list(before_acknowledge)
        self._tally = tally
        self._see, self._hold = see, hold
        self._expired = self._trimmed = 0
        self._next: _Pending | None = None
        self._dead_letters = DeadLetterStream(nats)
        self._sessions = SparkplugSessions(nats)
        self._retention = IntakeRetention(self._settings.repeat_memory_s, self._settings.repeat_memory_mb * 1_000_000)
        self._reader: PullReader | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._fetched: asyncio.Queue[StreamMessage] = asyncio.Queue()
        self._pending: asyncio.Queue[_Pending] = asyncio.Queue()
        self._room = asyncio.Event()
        self._fetch_most = _FETCH_MOST // 4
        self._frames: dict[str, None] = {}
        self._unacknowledged = 0
        self._decoded_to = self._stored_to = 0
        self._counters: Counter[str] = Counter()
        self._lag_ms, self._lag_messages, self._decoded_at_s = 0, 0, 0.0
        self._unnoted: list[SeriesInfo] = []
        self._failed_hooks: set[str] = set()
        self._problems: dict[str, Problem] = {}

    def add_hook(self, name: str, hook: Hook) -> None:
        """Let ``hook`` see what is decoded from now on; an exception in it is counted and logged once."""
        self._hooks.append((name, hook))

    # --- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Recall what a restart must know, then begin to read."""
        await self._nats.ensure_stream(INTAKE)
        await self._dead_letters.start()
        await self._sessions.start()
        self._reader = await self._nats.read(INTAKE.name, durable=DURABLE, take_over=True)
        acknowledged = await self._nats.acknowledged(INTAKE.name, DURABLE)
        self._decoded_to = self._stored_to = acknowledged
        if self._tally is not None:
            created = (await self._nats.state(INTAKE.name)).created
            await self._tally.begin(f"intake/{created}", acknowledged)
        self._sparkplug.sessions.update(await self._sessions.load(acknowledged))
        await self._recall(acknowledged)
        self._room.set()
        for work in (self._fetch, self._decode, self._confirm, self._trim):
            self._tasks.append(asyncio.create_task(self._forever(work), name=f"pipeline{work.__name__}"))

    async def stop(self) -> None:
        """Stop fetching, store and acknowledge what was decoded (for some seconds), stop."""
        reading, finishing = self._tasks[:2], self._tasks[2:]
        await end(*reading)
        if finishing:
            try:
                await asyncio.wait_for(self._drain(), _STOP_S)
            except (TimeoutError, MillwrightError) as error:
                logger.warning("%d bytes of intake stay to be read again: %r", self._unacknowledged, error)
        await end(*finishing)
        self._tasks.clear()
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    async def _drain(self) -> None:
        await self._historian.flush()
        await self._pending.join()

    async def _recall(self, acknowledged: int) -> None:
        """Refill the memory of repeatable messages from the newest frames that were stored before."""
        state = await self._nats.state(INTAKE.name)
        stored = acknowledged - state.first_sequence + 1
        if stored <= 0 or not state.messages:
            return
        self._retention.note(acknowledged, state.bytes * stored // state.messages, self._clock.monotonic_s())
        newest = max(1, stored * _RECALL_BYTES // max(state.bytes * stored // state.messages, 1))
        first = max(state.first_sequence, acknowledged - newest + 1)
        series: list[SeriesInfo] = []
        async for message in self._nats.scan(INTAKE.name, first=first, last=acknowledged):
            self._is_repeated(message)
            self._decoder.recall(message.data)
            series += self._decoder.take().new_series  # and forget the rest
            await asyncio.sleep(0)
        await self._historian.append(ReadingBatch.empty(), series)
        logger.info("recalled %d messages that may be repeated", len(self._decoder.repeats))

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat ``work``; an outage is a problem until it is over, and never the end."""
        name = work.__name__.strip("_")
        while True:
            try:
                await work()
                self._solved(name)
            except Exception as error:
                self._failed(name, error)
                await asyncio.sleep(_RETRY_S)

    def _failed(self, name: str, error: Exception) -> None:
        if isinstance(error, MillwrightError):
            self._problem(name, error)
            return
        self._counters["pipeline_failures"] += 1
        if name not in self._problems:
            logger.error("the pipeline's %s failed", name, exc_info=error)
            self._problems[name] = Problem("app.pipeline_failed", repr(error), "Report this.", self._clock.now_ms())

    def _problem(self, name: str, error: MillwrightError) -> None:
        if name not in self._problems:
            logger.warning("the pipeline's %s waits: %s", name, error.message)
            self._problems[name] = Problem(error.code, error.message, error.hint, self._clock.now_ms())

    def _solved(self, name: str) -> None:
        if self._problems.pop(name, None) is not None:
            logger.info("the pipeline's %s works again", name)

    # --- fetch ---------------------------------------------------------------------------------------------------

    async def _fetch(self) -> None:
        await self._room.wait()
        assert self._reader is not None
        found = await self._reader.fetch(self._fetch_most, wait_s=1.0)
        if found:
            largest = max(len(message.data) for message in found)
            self._fetch_most = min(_FETCH_MOST, max(1, _FETCH_BYTES // max(largest, 1)))
        for message in found:
            if message.sequence <= self._stored_to:
                await self._reader.acknowledge(message.sequence)  # its acknowledgement was lost
            elif message.sequence > self._decoded_to:
                self._decoded_to = message.sequence
                self._unacknowledged += len(message.data)
                self._fetched.put_nowait(message)
        if self._unacknowledged >= _WINDOW_BYTES:
            self._room.clear()

    # --- decode --------------------------------------------------------------------------------------------------

    async def _decode(self) -> None:
        message = await self._fetched.get()
        size, sequence = len(message.data), message.sequence
        await self._decode_one(message)
        counted_to = -1 if self._tally is None else self._tally.position
        while size < _SLICE_BYTES and sequence != counted_to and not self._fetched.empty():
            message = self._fetched.get_nowait()
            size, sequence = size + len(message.data), message.sequence
            await self._decode_one(message)
        decoded = self._decoder.take()
        sessions = [(edge, self._sessions.encode(self._sparkplug.sessions[edge])) for edge in self._sparkplug.changed]
        self._sparkplug.changed.clear()
        self._count(decoded)
        for name, hook in self._hooks:
            await self._call(name, hook, decoded)
        for outgoing in decoded.outgoing:
            await self._call("outgoing", self._publisher(outgoing), decoded)
        ticket = await self._append(decoded)
        self._pending.put_nowait(
            _Pending(sequence, size, ticket, decoded.dead_letters, sessions, decoded.new_series, decoded.usage)
        )
        await asyncio.sleep(0)

    async def _decode_one(self, message: StreamMessage) -> None:
        if self._see is not None:
            self._see(message)
        if self._is_repeated(message):
            self._counters["frames_repeated"] += 1
            return
        while True:
            try:
                self._decoder.decode(message.data, message.sequence, self._clock.now_ms())
            except MillwrightError as error:  # the records are away: the frame is decoded later, not passed over
                self._problem("devices", error)
                await asyncio.sleep(_RETRY_S)
            else:
                self._solved("devices")
                return

    def _is_repeated(self, message: StreamMessage) -> bool:
        """Whether this frame came before: a listener appends again what was not confirmed, for as long as it takes.

        The broker recognises that for two minutes only, and a broker may be away longer than that.
        """
        if not message.message_id:
            return False
        if message.message_id in self._frames:
            return True
        self._frames[message.message_id] = None
        if len(self._frames) > _FRAMES_KNOWN:
            del self._frames[next(iter(self._frames))]
        return False

    async def _call(self, name: str, hook: Hook, decoded: Decoded) -> None:
        try:
            result = hook(decoded)
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._counters["hook_failures"] += 1
            if name not in self._failed_hooks:
                self._failed_hooks.add(name)
                logger.exception("%s failed on decoded readings; counted from now on, not logged", name)

    def _publisher(self, message: Outgoing) -> Hook:
        return lambda _decoded: publish(self._nats, message)

    async def _append(self, decoded: Decoded) -> int:
        while True:
            try:
                ticket = await self._historian.append(decoded.batch, decoded.new_series)
            except Exception as error:
                self._failed("append", error)
                await asyncio.sleep(_RETRY_S)
            else:
                self._solved("append")
                return ticket

    def _count(self, decoded: Decoded) -> None:
        self._counters.update(decoded.counts)
        if decoded.last_seen:
            self._lag_ms = max(0, self._clock.now_ms() - max(decoded.last_seen.values()))
            self._decoded_at_s = time.monotonic()

    # --- acknowledge and trim ------------------------------------------------------------------------------------

    async def _confirm(self) -> None:
        group = await self._stored_together()
        for pending in group:
            for at in range(0, len(pending.dead_letters), _LETTERS_AT_ONCE):
                await self._until_done(
                    "dead_letters", partial(self._bury, pending.dead_letters[at : at + _LETTERS_AT_ONCE])
                )
            for edge, data in pending.sessions:
                await self._until_done("sessions", partial(self._sessions.save, edge, data))
            await self._note(pending.new_series)
            self._meter(pending)
        for name, settle in self._before_acknowledge:
            await self._until_done(name, settle)
        if self._tally is not None:
            await self._until_done("metering", self._tally.settle)
        reader = self._reader
        assert reader is not None
        size, last = sum(pending.size for pending in group), group[-1].sequence
        self._stored_to = last
        await self._until_done("acknowledge", partial(reader.acknowledge, last))
        self._retention.note(last, size, self._clock.monotonic_s())
        self._unacknowledged -= size
        if self._unacknowledged < _WINDOW_BYTES:
            self._room.set()
        for _ in group:
            self._pending.task_done()

    async def _stored_together(self) -> list[_Pending]:
        """Wait for what is next to be stored; what went into the engine with it is confirmed with it."""
        first, self._next = self._next or await self._pending.get(), None
        await self._historian.stored(first.ticket)
        group = [first]
        while not self._pending.empty():
            pending = self._pending.get_nowait()
            if not self._historian.is_stored(pending.ticket):
                self._next = pending
                break
            group.append(pending)
        return group

    def _meter(self, pending: _Pending) -> None:
        if self._tally is None:
            return
        counts: dict[tuple[str, str, int], int] = {}
        for (organisation_id, hour), (messages, readings) in pending.usage.items():
            counts[organisation_id, MESSAGES.name, hour] = messages
            counts[organisation_id, POINTS.name, hour] = readings
        self._tally.add(pending.sequence, counts)

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        await asyncio.gather(*(self._dead_letters.append(letter) for letter in letters))

    async def _note(self, new_series: Sequence[SeriesInfo]) -> None:
        """Write new properties down; an outage of the records delays that and nothing else."""
        self._unnoted.extend(new_series)
        if self._note_series is None or not self._unnoted:
            self._unnoted.clear()
            return
        try:
            await self._note_series(self._unnoted)
        except Exception as error:
            self._failed("properties", error)
        else:
            self._unnoted.clear()
            self._solved("properties")

    async def _until_done(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat ``work``: what was taken from the intake is never passed over, whatever goes wrong with it."""
        while True:
            try:
                await work()
            except Exception as error:
                self._failed(name, error)
                await asyncio.sleep(_RETRY_S)
            else:
                self._solved(name)
                return

    async def _trim(self) -> None:
        await asyncio.sleep(2.0)
        state = await self._nats.state(INTAKE.name)
        self._lag_messages = max(0, state.last_sequence - self._stored_to)
        expired = self._retention.find_expired(self._clock.monotonic_s())
        self._expired = max(self._expired, expired or 0)
        # Somebody else may need what is stored here: an edge keeps it until its parent has it.
        may_go = self._expired if self._hold is None else min(self._expired, await self._hold())
        if may_go > self._trimmed:
            await self._nats.trim(INTAKE.name, may_go + 1)
            self._trimmed = may_go

    def lag_s(self) -> float:
        """How far decoding is behind reception, in seconds; 0 when nothing waits."""
        waiting = self._lag_messages or not self._fetched.empty()
        return self._lag_ms / 1000 if waiting or time.monotonic() - self._decoded_at_s < _IDLE_S else 0.0

    # --- figures -------------------------------------------------------------------------------------------------

    def figures(self) -> Figures:
        """For the role's ``stats`` message."""
        return Figures(
            dict(self._counters),
            {
                "lag_messages": self._lag_messages,
                "lag_ms": self.lag_s() * 1000,
                "intake_unacknowledged_bytes": self._unacknowledged,
                "repeatable_messages": len(self._decoder.repeats),
            },
            list(self._problems.values()),
        )
