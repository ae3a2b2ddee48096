"""Upward: this node as an enterprise's platform logs in at a public one and forwards what its vehicles say (7.4, B.3).

What is to be forwarded is appended to a stream of its own before the vehicle is answered, so it outlives every
process. Each target has its position there and gets everything in order: a message counts as forwarded when the target
answered it with success. What was not answered when the link broke is sent again, reports as re-issued (补发); so a
report may reach the target twice, never not at all. What a target that lets us in refuses three times, or leaves
unanswered in three links, is given up, counted and told: else it would stand before everything that comes after it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from millwright.devices.intake import decode_frame
from millwright.devices.mqtt.ports import Intake
from millwright.devices.vehicles import writing
from millwright.devices.vehicles.frames import (
    CLOCK_BYTES,
    HEAD_BYTES,
    VIN_BYTES,
    Answer,
    Command,
    FrameReader,
    Message,
    encode,
)
from millwright.devices.vehicles.topics import PREFIX
from millwright.engines.nats import NatsConnection, PullReader, StreamSpec
from millwright.kernel import Clock, Invalid, MillwrightError, end

logger = logging.getLogger(__name__)

SUBJECT: Final = "vehicles.up"
STREAM: Final = "VEHICLES_UP"
_WINDOW: Final = 64
_TRIES: Final = 3
_ANSWER_S: Final = 30.0
_CONNECT_S: Final = 15.0
_BEAT_S: Final = 30.0
_RETRY_S: Final = (1.0, 60.0)
_LASTING_S: Final = 30.0
_TRIM_S: Final = 5.0
_TOLD_MS: Final = 3_600_000
"""How long it is told that something was given up."""
_LEAST_BYTES: Final = HEAD_BYTES + CLOCK_BYTES + 1
"""What is shorter has no time: nobody takes it, and its answer could not be told from another's."""
_MOST_NUMBER: Final = 65_531
_FORWARDED: Final = frozenset({Command.LOGIN, Command.REALTIME, Command.REISSUED, Command.LOGOUT})


@dataclass(frozen=True, slots=True)
class Target:
    """A public platform. ``code`` is what it calls this platform, in the place of a VIN."""

    host: str
    port: int
    username: str
    password: str
    code: str
    secured: bool
    ca: str = ""

    @property
    def name(self) -> str:
        """For logs and for its position: no secret is in it."""
        return f"{self.username}@{self.host}:{self.port}"


def targets_of(text: str) -> list[Target]:
    """The targets in a setting. Raises ``Invalid`` (``vehicles.forward_invalid``)."""
    return [_target(each) for each in text.split()]


def _target(url: str) -> Target:
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("gbt32960", "gbt32960+tls") or not parts.hostname or not parts.port:
            raise ValueError("it has no host and port, or another scheme")
        name, secret = unquote(parts.username or ""), unquote(parts.password or "")
        query = parse_qs(parts.query)
        code = query.get("code", [name])[0]
        if not name or not secret or len(code) > VIN_BYTES:
            raise ValueError("it has no user and password, or too long a code")
        writing.platform_login(code, 1_700_000_000_000, 1, name, secret)
    except (ValueError, UnicodeError) as error:
        raise Invalid(
            f"A platform to forward to cannot be read: {error}.",
            code="vehicles.forward_invalid",
            hint="Write gbt32960+tls://user:password@host:port?code=CODE; there are 12, 20 and 17 signs for the names.",
        ) from None
    return Target(
        parts.hostname, parts.port, name, secret, code, parts.scheme.endswith("tls"), query.get("ca", [""])[0]
    )


def spec_of(days: float, most_mb: int) -> StreamSpec:
    """The stream of what is to be forwarded; the oldest goes when it is full, so that vehicles are never held up."""
    return StreamSpec(STREAM, (SUBJECT,), most_mb * 1024 * 1024, days * 86_400, discard_old=True)


class ForwardedIntake:
    """The intake, with everything kept for forwarding first; implements the server's ``Intake``."""

    def __init__(self, intake: Intake, nats: NatsConnection) -> None:
        self._intake, self._nats = intake, nats
        self._appended: set[str] = set()

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Return when both have it; the same ``message_id`` again is the same frame to both, however long the intake
        refuses it."""
        if message_id not in self._appended:
            await self._nats.append(SUBJECT, frame, message_id=message_id, timeout_s=3.0)
            self._appended.add(message_id)
        await self._intake.commit(frame, message_id)
        self._appended.discard(message_id)


@dataclass(slots=True)
class _Sent:
    """A message on its way, the ``part``-th of a stream's message; the ``last`` of those moves the position."""

    raw: bytes
    key: tuple[int, bytes, bytes]
    sequence: int
    part: int
    last: bool = False
    done: bool = False
    tries: int = 1


@dataclass(slots=True)
class _Link:
    """An open connection to a target."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: FrameReader = field(default_factory=FrameReader)
    answers: deque[Message] = field(default_factory=deque)

    async def answer(self, timeout_s: float) -> Message:
        """The next answer. Raises ``OSError`` when the link is lost or silent."""
        async with asyncio.timeout(timeout_s):
            while not self.answers:
                data = await self.reader.read(65_536)
                if not data:
                    raise ConnectionResetError("the platform closed the connection")
                self.answers.extend(each for each in self.frames.feed(data) if each.answer != Answer.COMMAND)
        return self.answers.popleft()


class Refused(Exception):
    """The target does not let us in."""


class Forwarder:
    """Forwards to one target. A :class:`millwright.kernel.Part`."""

    def __init__(self, target: Target, nats: NatsConnection, clock: Clock, spec: StreamSpec) -> None:
        self.target, self._nats, self._clock, self._spec = target, nats, clock, spec
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self._up_ms = 0
        self._position = 0
        self._problem: dict[str, Any] | None = None
        self._given_up: dict[str, Any] | None = None
        self._silent: dict[tuple[int, int], int] = {}
        """Sequence and part of what links ended over without an answer to it → how many."""
        self.forwarded = self.reissued = self.given_up = self.links = 0
        self.connected = False

    async def start(self) -> None:
        """Make the stream, and begin."""
        await self._nats.ensure_stream(self._spec)
        self._task = asyncio.create_task(self._run(), name=f"forwarding to {self.target.name}")

    async def stop(self) -> None:
        """Stop; what was not answered is sent again by the next one."""
        await end(self._task)
        self._task = None

    def figures(self) -> dict[str, Any]:
        """How it does, for people."""
        return {
            "connected": self.connected,
            "up_ms": self._up_ms,
            "forwarded": self.forwarded,
            "reissued": self.reissued,
            "given_up": self.given_up,
            "problems": self.problems(),
        }

    @property
    def position(self) -> int:
        """Up to where the target has everything."""
        return self._position

    def problems(self) -> list[dict[str, Any]]:
        """What keeps it from forwarding now, and what was given up of late."""
        found = [self._problem] if self._problem else []
        if self._given_up and self._clock.now_ms() - self._given_up["since_ms"] < _TOLD_MS:
            found.append(self._given_up)
        return found

    async def _run(self) -> None:
        wait_s, most_s = _RETRY_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await self._once()
            except Refused as error:
                self._lost("vehicles.forward_refused", f"{self.target.name} does not let us in: {error}.")
                wait_s = most_s
            except (OSError, ssl.SSLError, TimeoutError, MillwrightError) as error:
                why = str(error) or "it does not answer"
                self._lost("vehicles.forward_down", f"The link to {self.target.name} is down: {why}.")
            except Exception as error:  # whatever it is, giving up would stop forwarding for ever
                logger.exception("forwarding to %s failed", self.target.name)
                self._lost("vehicles.forward_down", f"Forwarding to {self.target.name} failed: {error!r}.")
            self.connected = False
            if self._clock.monotonic_s() - began_s > _LASTING_S:
                wait_s = _RETRY_S[0]
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, most_s)

    def _lost(self, code: str, message: str) -> None:
        if self._problem is None or self._problem["code"] != code:
            logger.warning("%s What is to be forwarded is kept.", message)
            hint = "It is tried again by itself. Check address, user and password with whoever runs that platform."
            self._problem = {"code": code, "message": message, "hint": hint, "since_ms": self._clock.now_ms()}

    async def _once(self) -> None:
        """One link: log in, forward until it breaks."""
        link = await self._open()
        try:
            await self._log_in(link)
            self.connected, self._problem = True, None
            self.links += 1
            logger.info("forwarding to %s", self.target.name)
            durable = "up-" + "".join(each if each.isalnum() else "_" for each in self.target.name)
            stream = await self._nats.read(STREAM, durable=durable, subject=SUBJECT, take_over=True)
            try:
                await self._forward(link, stream)
            finally:
                await stream.close()
        finally:
            link.writer.close()

    async def _open(self) -> _Link:
        context = None
        if self.target.secured:
            context = ssl.create_default_context(cafile=self.target.ca or None)
        async with asyncio.timeout(_CONNECT_S):
            return _Link(*await asyncio.open_connection(self.target.host, self.target.port, ssl=context))

    async def _log_in(self, link: _Link) -> None:
        self._number = self._number % _MOST_NUMBER + 1
        target, now_ms = self.target, self._clock.now_ms()
        link.writer.write(writing.platform_login(target.code, now_ms, self._number, target.username, target.password))
        told = await link.answer(_ANSWER_S)
        if told.answer != Answer.SUCCESS:
            raise Refused(f"its answer is 0x{told.answer:02X}")
        self._up_ms = now_ms

    async def _forward(self, link: _Link, stream: PullReader) -> None:
        waiting: deque[_Sent] = deque()
        fetching: asyncio.Task[Any] | None = None
        hearing: asyncio.Task[Message] | None = None
        front: _Sent | None = None
        spoke_s = front_s = self._clock.monotonic_s()
        try:
            while True:
                if fetching is None and len(waiting) < _WINDOW:
                    fetching = asyncio.create_task(stream.fetch(8, wait_s=1.0))
                if hearing is None:
                    hearing = asyncio.create_task(link.answer(2 * _BEAT_S + _ANSWER_S))
                tasks = [task for task in (fetching, hearing) if task is not None]
                await asyncio.wait(tasks, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                now_s = self._clock.monotonic_s()
                if hearing.done():
                    self._hear(link, hearing.result(), waiting)
                    hearing = None
                    await self._settle(stream, waiting)
                if fetching is not None and fetching.done():
                    for message in fetching.result():
                        spoke_s = now_s
                        await self._send(link, message.sequence, message.data, waiting)
                    fetching = None
                    await self._settle(stream, waiting)
                # The oldest is looked at, whatever else is answered: nothing passes it for long.
                oldest = waiting[0] if waiting else None
                if oldest is not front:
                    front, front_s = oldest, now_s
                if front is not None and now_s - front_s > _ANSWER_S * front.tries:
                    self._count_silence(waiting)
                    raise TimeoutError("it does not answer")
                if now_s - spoke_s > _BEAT_S:
                    link.writer.write(encode(Command.HEARTBEAT, self.target.code, b""))
                    spoke_s = now_s
                await link.writer.drain()
        finally:
            await end(*(task for task in (fetching, hearing) if task is not None))

    async def _send(self, link: _Link, sequence: int, frame: bytes, waiting: deque[_Sent]) -> None:
        """Write what a message of the stream holds, as re-issued where the link was down when it came."""
        sent: list[_Sent] = []
        for run in decode_frame(frame).runs:
            if not run.topic.startswith(PREFIX):
                continue
            late = run.received_ms < self._up_ms
            for raw in run.payloads:
                if raw[2] in _FORWARDED and len(raw) >= _LEAST_BYTES:
                    told = reissued(raw) if late else raw
                    sent.append(_Sent(told, _key(told), sequence, len(sent)))
                    self.reissued += told is not raw
        if not sent:
            sent.append(_Sent(b"", (0, b"", b""), sequence, 0, done=True))
        sent[-1].last = True
        for each in sent:
            if self._silent.get((sequence, each.part), 0) >= _TRIES:
                each.done = True
                self._give_up(each.raw[4:21], "does not answer")
            if not each.done:
                link.writer.write(each.raw)
            waiting.append(each)
        await link.writer.drain()

    def _hear(self, link: _Link, told: Message, waiting: deque[_Sent]) -> None:
        """Match an answer to what it answers: the oldest with the same command, vehicle and time."""
        key = told.command, told.raw[4:21], told.clock
        found = next((each for each in waiting if not each.done and each.key == key), None)
        if found is None:
            return  # of a heartbeat, or of something that was not asked
        if told.answer == Answer.SUCCESS:
            found.done = True
            self.forwarded += 1
        elif found.tries < _TRIES:
            found.tries += 1
            link.writer.write(found.raw)
        else:
            found.done = True
            self._give_up(found.raw[4:21], f"refuses with 0x{told.answer:02X}")

    def _give_up(self, vin: bytes, why: str) -> None:
        self.given_up += 1
        name = vin.decode("ascii", "replace").rstrip("\0 ")
        message = f"A message of {name} was given up: {self.target.name} {why}, {_TRIES} times."
        logger.warning("%s", message)
        hint = "It is in the history all the same. Ask whoever runs that platform what is wrong with it."
        code = "vehicles.forward_given_up"
        self._given_up = {"code": code, "message": message, "hint": hint, "since_ms": self._clock.now_ms()}

    def _count_silence(self, waiting: deque[_Sent]) -> None:
        """The link ends over what is not answered: the oldest, and all that was passed over for later ones."""
        answered = max((at for at, each in enumerate(waiting) if each.done), default=0)
        for at, each in enumerate(waiting):
            if not each.done and (at == 0 or at < answered):
                key = each.sequence, each.part
                self._silent[key] = self._silent.get(key, 0) + 1

    async def _settle(self, stream: PullReader, waiting: deque[_Sent]) -> None:
        """Move the position behind everything that is answered."""
        done = 0
        while waiting and waiting[0].done:
            each = waiting.popleft()
            if each.last:
                done = each.sequence
        if done:
            await stream.acknowledge(done)
            self._position = done
            self._silent = {key: count for key, count in self._silent.items() if key[0] > done}


class ForwardTrimmer:
    """Removes from the stream what every target has. A :class:`millwright.kernel.Part`."""

    def __init__(self, forwarders: Sequence[Forwarder], nats: NatsConnection) -> None:
        self._forwarders, self._nats = forwarders, nats
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="trimming what was forwarded")

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task)
        self._task = None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_TRIM_S)
            reached = min(each.position for each in self._forwarders)
            if reached:
                try:
                    await self._nats.trim(STREAM, reached + 1)
                except MillwrightError as error:
                    logger.debug("what was forwarded could not be removed: %s", error.message)

    def stats(self) -> dict[str, Any]:
        """Counters, gauges and problems of all targets."""
        every = self._forwarders
        return {
            "counters": {
                "forwarded": sum(each.forwarded for each in every),
                "forwarded_reissued": sum(each.reissued for each in every),
                "forwarded_given_up": sum(each.given_up for each in every),
                "forward_links": sum(each.links for each in every),
            },
            "gauges": {"forward_connected": sum(each.connected for each in every), "forward_targets": len(every)},
            "problems": [problem for each in every for problem in each.problems()],
        }


def reissued(raw: bytes) -> bytes:
    """A real-time report as a re-issued one; anything else as it is."""
    if raw[2] != Command.REALTIME:
        return raw
    changed = bytearray(raw)
    changed[2] = Command.REISSUED
    changed[-1] ^= Command.REALTIME ^ Command.REISSUED
    return bytes(changed)


def _key(raw: bytes) -> tuple[int, bytes, bytes]:
    return raw[2], raw[4:21], raw[HEAD_BYTES:-1][:CLOCK_BYTES]
