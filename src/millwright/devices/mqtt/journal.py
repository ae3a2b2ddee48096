"""Keeping retained messages and persistent sessions through the end, also the sudden one, of the listener.

Kept: retained messages; of a persistent session how long it lives, its subscriptions, and the messages for its client
that the client has not acknowledged (:mod:`.queues`); the wills of clients that are connected, and those that wait. Not
kept: the ids of QoS 2 messages that are being received.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
import xxhash

from millwright.devices.mqtt.packets import Queued, RetainedMessage, StoredWill
from millwright.devices.mqtt.ports import NO_WILLS, Journal, Kept, StoredBatch, StoredSession
from millwright.devices.mqtt.queues import Batch, Queues
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import Invalid, MillwrightError

logger = logging.getLogger(__name__)

MQTT_RETAINED = StreamSpec(name="MQTT_RETAINED", subjects=("mqtt.retained.>",), max_messages_per_subject=1)
"""One message per topic, the subject being a hash of it; an empty message: nothing is retained there."""
MQTT_SESSIONS = StreamSpec(name="MQTT_SESSIONS", subjects=("mqtt.sessions.>",), max_messages_per_subject=1)
"""One message per device and client id, the subject being a hash of both; an empty message: the session ended."""

MQTT_WILLS = StreamSpec(name="MQTT_WILLS", subjects=("mqtt.wills.>",), max_messages_per_subject=1)
"""One message per will, the subject being its id, for as long as it may have to be published."""

MQTT_QUEUES = StreamSpec(name="MQTT_QUEUES", subjects=("mqtt.queues.>",))
"""A message is a batch for one session, the subject being a hash of device and client id: all batches of a session."""

T = TypeVar("T")

_WRITES_AT_ONCE = 64
_BATCH_DELAY_S = 0.002


class JetStreamJournal:
    """The journal in two JetStream streams; implements :class:`.ports.Journal`."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection

    async def load(self, *, retained: bool = True) -> Kept:
        """Make the streams when they are missing and read all of them, or all but what is retained."""
        for spec in (MQTT_RETAINED, MQTT_SESSIONS, MQTT_WILLS, MQTT_QUEUES):
            await self._connection.ensure_stream(spec)
        return Kept(
            [message for _, message in await self._load(MQTT_RETAINED, RetainedMessage)] if retained else [],
            [session for _, session in await self._load(MQTT_SESSIONS, StoredSession)],
            [
                StoredBatch((entry.device_id, entry.client_id), entry.messages, sequence)
                for sequence, entry in await self._load(MQTT_QUEUES, _Entry)
            ],
            [will for _, will in await self._load(MQTT_WILLS, StoredWill)],
        )

    async def load_retained(self) -> tuple[list[tuple[RetainedMessage, str]], dict[str, int]]:
        """Read what is retained, and where; a topic where nothing is retained any more has its place too."""
        found: list[tuple[RetainedMessage, str]] = []
        at: dict[str, int] = {}
        async for message in self._connection.scan(MQTT_RETAINED.name):
            name = message.subject.rpartition(".")[2]
            at[name] = message.sequence
            if message.data:
                try:
                    found.append((msgspec.msgpack.decode(message.data, type=RetainedMessage), name))
                except msgspec.DecodeError:
                    logger.warning("message %d of %s cannot be read", message.sequence, MQTT_RETAINED.name)
        return found, at

    async def _load(self, spec: StreamSpec, kind: type[T]) -> list[tuple[int, T]]:
        found = []
        async for message in self._connection.scan(spec.name):
            if not message.data:
                continue
            try:
                found.append((message.sequence, msgspec.msgpack.decode(message.data, type=kind)))
            except msgspec.DecodeError:
                logger.warning("message %d of %s cannot be read and is passed over", message.sequence, spec.name)
        return found

    async def write(
        self,
        retained: dict[str, RetainedMessage | None],
        sessions: dict[tuple[str, str], StoredSession | None],
        batches: Sequence[Batch] = (),
        wills: Mapping[str, StoredWill | None] = NO_WILLS,
    ) -> dict[str, int]:
        """Append every entry; returns when all are confirmed. One too large for the broker is logged and not kept."""
        # A session is known before the messages for it are, and batches keep their order.
        pending = [
            (f"mqtt.retained.{xxhash.xxh3_128_hexdigest(topic.encode())}", _encode(message))
            for topic, message in retained.items()
        ]
        pending += [(f"mqtt.sessions.{_name_of(key)}", _encode(session)) for key, session in sessions.items()]
        pending += [(f"mqtt.wills.{name}", _encode(will)) for name, will in wills.items() if will is not None]
        sequences: list[object] = []
        for start in range(0, len(pending), _WRITES_AT_ONCE):
            part = pending[start : start + _WRITES_AT_ONCE]
            sequences += await asyncio.gather(
                *(self._connection.append(subject, data) for subject, data in part), return_exceptions=True
            )
            _look(sequences[start:])
        gone = [name for name, will in wills.items() if will is None]
        for start in range(0, len(gone), _WRITES_AT_ONCE):
            part_gone = gone[start : start + _WRITES_AT_ONCE]
            await asyncio.gather(
                *(self._connection.trim(MQTT_WILLS.name, 0, subject=f"mqtt.wills.{name}") for name in part_gone)
            )
        unwritten = [batch for batch in batches if not batch.sequence]
        for start in range(0, len(unwritten), _WRITES_AT_ONCE):
            appends = map(self._append, unwritten[start : start + _WRITES_AT_ONCE])
            _look(await asyncio.gather(*appends, return_exceptions=True))
        return {topic: at for topic, at in zip(retained, sequences, strict=False) if isinstance(at, int)}

    async def _append(self, batch: Batch) -> None:
        entry = msgspec.msgpack.encode(_Entry(*batch.key, batch.messages))
        subject = f"mqtt.queues.{_name_of(batch.key)}"
        batch.sequence = await self._connection.append(subject, entry, message_id=batch.message_id)
        batch.messages = []

    async def trim(self, before: dict[tuple[str, str], int]) -> None:
        """Remove the batches of sessions below a sequence; 0: all of them."""
        todo = list(before.items())
        for start in range(0, len(todo), _WRITES_AT_ONCE):
            await asyncio.gather(
                *(
                    self._connection.trim(MQTT_QUEUES.name, sequence, subject=f"mqtt.queues.{_name_of(key)}")
                    for key, sequence in todo[start : start + _WRITES_AT_ONCE]
                )
            )


class _Entry(msgspec.Struct, array_like=True):
    device_id: str
    client_id: str
    messages: list[Queued]


def _name_of(key: tuple[str, str]) -> str:
    return xxhash.xxh3_128_hexdigest(chr(0).join(key).encode())


def _look(done: Sequence[object]) -> None:
    """Raise what failed. What can never be written is logged instead: the others must not wait for it."""
    for error in done:
        if isinstance(error, Invalid):
            logger.error("a retained message, a session or a message for one is not kept: %s", error.message)
        elif isinstance(error, BaseException):
            raise error


def _encode(value: RetainedMessage | StoredSession | StoredWill | None) -> bytes:
    return b"" if value is None else msgspec.msgpack.encode(value)


class VolatileJournal:
    """A journal that keeps nothing: for a listener whose clients hold no state worth keeping."""

    async def load(self, *, retained: bool = True) -> Kept:  # noqa: ARG002 - nothing is kept of either
        """Nothing."""
        return Kept((), (), ())

    async def load_retained(self) -> tuple[list[tuple[RetainedMessage, str]], dict[str, int]]:
        """Nothing."""
        return [], {}

    async def write(
        self,
        retained: dict[str, RetainedMessage | None],  # noqa: ARG002 - the port's signature
        sessions: dict[tuple[str, str], StoredSession | None],  # noqa: ARG002
        batches: Sequence[Batch] = (),  # noqa: ARG002
        wills: Mapping[str, StoredWill | None] = NO_WILLS,  # noqa: ARG002
    ) -> dict[str, int]:
        """Nothing is written."""
        return {}

    async def trim(self, before: dict[tuple[str, str], int]) -> None:
        """Nothing is there."""


OnRetained = Callable[[dict[str, RetainedMessage | None], Mapping[str, int]], Awaitable[None]]
"""Called with what is retained now, by topic, and where the journal has it; what was written waits for it."""


class JournalWriter:
    """Collects changes for a moment and writes the newest of each, until it succeeds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._retained: dict[str, RetainedMessage | None] = {}
        self._sessions: dict[tuple[str, str], StoredSession | None] = {}
        self._wills: dict[str, StoredWill | None] = {}
        self._on_way: dict[str, RetainedMessage | None] = {}
        self.on_retained: OnRetained | None = None
        self.queues = Queues()
        self._done: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def write_retained(self, topic: str, message: RetainedMessage | None) -> asyncio.Future[None]:
        """Keep ``message`` (``None``: remove); the future is done when it is durable."""
        self._retained[topic] = message
        return self._schedule()

    def is_pending(self, topic: str) -> bool:
        """Whether something that was retained there is not written yet."""
        return topic in self._retained or topic in self._on_way

    def write_will(self, will_id: str, will: StoredWill | None) -> asyncio.Future[None]:
        """Keep a will (``None``: nobody needs it any more); the future is done when that is durable."""
        self._wills[will_id] = will
        return self._schedule()

    def withdraw_will(self, will_id: str) -> None:
        """Keep a will no more whose future is not done: what is not on its way yet never goes."""
        if self._wills.pop(will_id, None) is None:
            self.write_will(will_id, None)

    def write_session(self, key: tuple[str, str], session: StoredSession | None) -> asyncio.Future[None]:
        """Keep ``session`` (``None``: it ended); the future is done when that is durable."""
        self._sessions[key] = session
        return self._schedule()

    def keep(self, key: tuple[str, str], message: Queued) -> tuple[Batch, asyncio.Future[None]]:
        """Keep a message for a session's client until :meth:`.Batch.finish`; the future is done when it is durable."""
        return self.queues.add(key, message), self._schedule()

    def end_session(self, key: tuple[str, str]) -> None:
        """Forget a session and the messages for it."""
        self.queues.end(key)
        self.write_session(key, None)

    def end_queue(self, key: tuple[str, str]) -> None:
        """Forget the messages for a session."""
        self.queues.end(key)
        if self.queues.pending:
            self._schedule()

    async def trim(self) -> None:
        """Let go of what clients have. What cannot be removed now is found needless after the next start."""
        settled = self.queues.take_settled()
        if not settled:
            return
        try:
            await self._journal.trim(settled)
        except MillwrightError as error:
            logger.warning("messages that clients have cannot be removed now: %s", error.message)

    def _schedule(self) -> asyncio.Future[None]:
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return self._done

    async def _run(self) -> None:
        delay_s = 0.05
        queues = self.queues
        while self._retained or self._sessions or self._wills or queues.pending or self._done is not None:
            await asyncio.sleep(_BATCH_DELAY_S)
            retained, self._retained = self._retained, {}
            sessions, self._sessions = self._sessions, {}
            wills, self._wills = self._wills, {}
            self._on_way = retained
            ended, batches = queues.take_ended(), queues.take_open()
            done, self._done = self._done, None
            while True:
                try:
                    if ended:  # first: a session of the same name may have begun, and what is written next is its
                        await self._journal.trim(dict.fromkeys(ended, 0))
                        ended = set()
                    at = await self._journal.write(retained, sessions, batches, wills)
                    break
                except MillwrightError as error:
                    logger.warning("retained messages and sessions cannot be kept now: %s", error.message)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 2.0)
            delay_s = 0.05
            queues.written()
            self._on_way = {}
            if retained and self.on_retained is not None:
                await self.on_retained(retained, at)
            if done is not None and not done.done():
                done.set_result(None)

    async def stop(self, timeout_s: float) -> None:
        """Write what is pending, for at most ``timeout_s``."""
        task, self._task = self._task, None
        try:
            if task is not None:
                await asyncio.wait_for(task, timeout_s)
            await asyncio.wait_for(self.trim(), timeout_s)
        except TimeoutError:
            logger.warning("stopping with retained messages or sessions not kept")
