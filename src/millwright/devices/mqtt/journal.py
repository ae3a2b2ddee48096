"""Keeping retained messages and persistent sessions through the end, also the sudden one, of the listener.

Kept: retained messages, and which subscriptions a persistent session has. Not kept: messages queued for a client that
is away or in flight to it (a device repeats what was not acknowledged to it; a subscriber's queue is best effort).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import xxhash

from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.ports import Journal, StoredSession
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import Invalid, MillwrightError

logger = logging.getLogger(__name__)

MQTT_RETAINED = StreamSpec(name="MQTT_RETAINED", subjects=("mqtt.retained.>",), max_messages_per_subject=1)
"""One message per topic, the subject being a hash of it; an empty message: nothing is retained there."""
MQTT_SESSIONS = StreamSpec(name="MQTT_SESSIONS", subjects=("mqtt.sessions.>",), max_messages_per_subject=1)
"""One message per device and client id, the subject being a hash of both; an empty message: the session ended."""

T = TypeVar("T")

_WRITES_AT_ONCE = 64
_BATCH_DELAY_S = 0.002


class JetStreamJournal:
    """The journal in two JetStream streams; implements :class:`.ports.Journal`."""

    def __init__(self, connection: NatsConnection) -> None:
        self._connection = connection

    async def load(self) -> tuple[Sequence[RetainedMessage], Sequence[StoredSession]]:
        """Make the streams when they are missing and read all of them."""
        await self._connection.ensure_stream(MQTT_RETAINED)
        await self._connection.ensure_stream(MQTT_SESSIONS)
        retained = await self._load(MQTT_RETAINED, RetainedMessage)
        return retained, await self._load(MQTT_SESSIONS, StoredSession)

    async def _load(self, spec: StreamSpec, kind: type[T]) -> list[T]:
        found = []
        async for message in self._connection.scan(spec.name):
            if not message.data:
                continue
            try:
                found.append(msgspec.msgpack.decode(message.data, type=kind))
            except msgspec.DecodeError:
                logger.warning("message %d of %s cannot be read and is passed over", message.sequence, spec.name)
        return found

    async def write(
        self, retained: dict[str, RetainedMessage | None], sessions: dict[tuple[str, str], StoredSession | None]
    ) -> None:
        """Append every entry; returns when all are confirmed. One too large for the broker is logged and not kept."""
        pending = [
            (f"mqtt.retained.{xxhash.xxh3_128_hexdigest(topic.encode())}", _encode(message))
            for topic, message in retained.items()
        ]
        pending += [
            (f"mqtt.sessions.{xxhash.xxh3_128_hexdigest(chr(0).join(key).encode())}", _encode(session))
            for key, session in sessions.items()
        ]
        for start in range(0, len(pending), _WRITES_AT_ONCE):
            part = pending[start : start + _WRITES_AT_ONCE]
            done = await asyncio.gather(
                *(self._connection.append(subject, data) for subject, data in part), return_exceptions=True
            )
            for error in done:
                if isinstance(error, Invalid):  # it can never be written, and the others must not wait for it
                    logger.error("a retained message or a session is not kept: %s", error.message)
                elif isinstance(error, BaseException):
                    raise error


def _encode(value: RetainedMessage | StoredSession | None) -> bytes:
    return b"" if value is None else msgspec.msgpack.encode(value)


class VolatileJournal:
    """A journal that keeps nothing: for a listener whose clients hold no state worth keeping."""

    async def load(self) -> tuple[Sequence[RetainedMessage], Sequence[StoredSession]]:
        """Nothing."""
        return (), ()

    async def write(
        self, retained: dict[str, RetainedMessage | None], sessions: dict[tuple[str, str], StoredSession | None]
    ) -> None:
        """Nothing is written."""


class JournalWriter:
    """Collects changes for a moment and writes the newest of each, until it succeeds."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._retained: dict[str, RetainedMessage | None] = {}
        self._sessions: dict[tuple[str, str], StoredSession | None] = {}
        self._done: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def write_retained(self, topic: str, message: RetainedMessage | None) -> asyncio.Future[None]:
        """Keep ``message`` (``None``: remove); the future is done when it is durable."""
        self._retained[topic] = message
        return self._schedule()

    def write_session(self, key: tuple[str, str], session: StoredSession | None) -> asyncio.Future[None]:
        """Keep ``session`` (``None``: it ended); the future is done when that is durable."""
        self._sessions[key] = session
        return self._schedule()

    def _schedule(self) -> asyncio.Future[None]:
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return self._done

    async def _run(self) -> None:
        delay_s = 0.05
        while self._retained or self._sessions:
            await asyncio.sleep(_BATCH_DELAY_S)
            retained, self._retained = self._retained, {}
            sessions, self._sessions = self._sessions, {}
            done, self._done = self._done, None
            while True:
                try:
                    await self._journal.write(retained, sessions)
                    break
                except MillwrightError as error:
                    logger.warning("retained messages and sessions cannot be kept now: %s", error.message)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, 2.0)
            delay_s = 0.05
            if done is not None and not done.done():
                done.set_result(None)

    async def stop(self, timeout_s: float) -> None:
        """Write what is pending, for at most ``timeout_s``."""
        task, self._task = self._task, None
        if task is None:
            return
        try:
            await asyncio.wait_for(task, timeout_s)
        except TimeoutError:
            logger.warning("stopping with retained messages or sessions not kept")
