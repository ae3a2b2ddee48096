"""One lane of the link: reads frames, joins them to deliveries, keeps some under way, in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from millwright.devices.edge.wire import Delivery
from millwright.devices.intake import FLAG_DUPLICATE, FRAME_VERSION, INTAKE, Frame, Run, decode_frame, encode_frame
from millwright.devices.permissions import TELEMETRY
from millwright.engines.nats import Follower, NatsConnection, StreamMessage
from millwright.kernel import Unavailable, end

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 896 * 1024
"""Of one delivery; a frame of the intake has at most 1 MiB, and a single message may be larger."""
LEAST_BYTES: Final = 32 * 1024
_SLOW_S, _QUICK_S = 1.0, 0.25
_FETCH: Final = 32
_IDLE_S: Final = 0.5

Send = Callable[[Delivery], Awaitable[int]]
"""Delivers; returns the position that the parent then has. Raises ``Unavailable``."""


class OutOfStep(Exception):
    """The parent stands elsewhere than we thought: ask it, and begin again."""


def is_held(run: Run) -> bool:
    """Whether a run must not overtake: only plain telemetry, each message with a time of its own, may. Sparkplug counts
    its messages, other dialects and answers to commands get their times in order, a repetition follows its original."""
    return run.topic not in TELEMETRY or bool(run.flags & FLAG_DUPLICATE)


class Lane:
    """Delivers what comes after ``position``, where the parent stands; what is between it and ``begin`` is gone.
    ``pick`` chooses the runs of the frame at a sequence.

    ``before`` is awaited before each frame is taken: there the owner stops one lane for another. Deliveries
    are as large as what the link carries in about half a second, so that on a slow link another lane is not kept
    waiting behind this one.
    """

    def __init__(
        self,
        nats: NatsConnection,
        send: Send,
        epoch: str,
        name: str,
        position: int,
        pick: Callable[[int, Sequence[Run]], list[Run]],
        *,
        begin: int | None = None,
        window: int = 4,
        before: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.acknowledged = position
        self.given_up = 0
        self.messages = 0
        self._nats, self._send, self._epoch, self._pick = nats, send, epoch, pick
        self._window, self._before = window, before
        self._sent = position
        self._read = position if begin is None else begin
        self._taking = self._read
        self._runs: list[Run] = []
        self._bytes = 0
        self._limit = LEAST_BYTES * 4
        self._under_way: deque[tuple[asyncio.Task[int], int]] = deque()
        self._stopping = False

    @property
    def read(self) -> int:
        """The last sequence that was looked at."""
        return self._read

    @property
    def taking(self) -> int:
        """The last sequence that was begun with: another lane may begin behind it."""
        return self._taking

    def finish(self) -> None:
        """Take no more frames; :meth:`run` returns when what was taken is stored."""
        self._stopping = True

    async def run(self) -> None:
        """Deliver until told to finish. Raises ``Unavailable`` and :class:`OutOfStep`; make another lane then."""
        follower = await self._nats.follow(INTAKE.name, self._read + 1)
        try:
            while not self._stopping:
                await self._look(follower)
            await self._deliver()
            await self._settle(0)
        finally:
            await end(*(task for task, _ in self._under_way))
            await follower.close()

    async def _look(self, follower: Follower) -> None:
        found = await follower.fetch(_FETCH, wait_s=_IDLE_S)
        for message in found:
            if message.sequence <= self._read:
                continue
            self._taking = message.sequence
            if self._before is not None:
                await self._before(message.sequence)
            if self._stopping:
                return
            await self._take(message)
        if len(found) < _FETCH:
            await self._deliver()
        self._collect()
        if not found and (await self._nats.state(INTAKE.name)).last_sequence > self._read:
            raise Unavailable("The stream is read anew.", code="engines.nats_unavailable")

    async def _take(self, message: StreamMessage) -> None:
        if self._read and message.sequence > self._read + 1:
            self.given_up += message.sequence - self._read - 1
        try:
            runs = self._pick(message.sequence, decode_frame(message.data).runs)
        except ValueError:
            logger.warning("the frame %d is damaged and stays here", message.sequence)
            runs = []
        size = sum(sum(map(len, run.payloads)) + len(run.topic) + 64 for run in runs)
        if self._runs and self._bytes + size > self._limit:
            await self._deliver()
        self._read = message.sequence
        self._runs += runs
        self._bytes += size

    async def _deliver(self) -> None:
        """Send what was gathered; frames without a run wait for the next that has one."""
        if not self._runs:
            return
        await self._settle(self._window - 1)
        frame = encode_frame(Frame(FRAME_VERSION, self.name, self._runs))
        delivery = Delivery(self._epoch, self.name, self._sent, self._read, frame)
        self.messages += sum(len(run.payloads) for run in self._runs)
        self._sent, self._runs, self._bytes = self._read, [], 0
        self._under_way.append((asyncio.create_task(self._timed(delivery)), delivery.last))

    async def _timed(self, delivery: Delivery) -> int:
        began_s = time.monotonic()
        position = await self._send(delivery)
        took_s = time.monotonic() - began_s
        if took_s < _QUICK_S:
            self._limit = min(MOST_BYTES, self._limit * 2)
        elif took_s > _SLOW_S:
            self._limit = max(LEAST_BYTES, self._limit // 2)
        return position

    async def _settle(self, most: int) -> None:
        """Wait until at most ``most`` deliveries are under way."""
        while len(self._under_way) > most:
            task, last = self._under_way[0]
            self._stored(await asyncio.shield(task), last)

    def _collect(self) -> None:
        while self._under_way and self._under_way[0][0].done():
            task, last = self._under_way[0]
            self._stored(task.result(), last)

    def _stored(self, position: int, last: int) -> None:
        self._under_way.popleft()
        if position != last:
            raise OutOfStep
        self.acknowledged = last
