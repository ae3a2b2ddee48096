"""The edge's side of the link: what its devices send goes up, new data first, and nothing is forgotten.

Where the lanes stand is the parent's to know: whenever the link is up again it is asked, and what comes behind is sent.
So it does not matter which process died, here or there, nor whether the parent was put back to what it was yesterday.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from millwright.devices.edge.keeping import Keeping
from millwright.devices.edge.lane import Lane, OutOfStep, is_held
from millwright.devices.edge.settings import EdgeSettings
from millwright.devices.edge.wire import (
    ALL,
    FRAMES,
    OFFER,
    Delivery,
    Offer,
    Standing,
    Taken,
    encode,
    first_of,
    live_lane,
)
from millwright.devices.intake import INTAKE, Run, decode_frame
from millwright.engines.nats import NatsConnection
from millwright.kernel import Clock, MillwrightError, Unavailable, end

logger = logging.getLogger(__name__)

T = TypeVar("T")

_OFFER_S: Final = 5.0
_DELIVERY_S: Final = 60.0
_AGAIN_S: Final = 1.0
_LOOK_S: Final = 0.5
_MOST_RANGES: Final = 100
"""Live lanes that the one in order has yet to pass; with so many the last goes on, however far it is behind."""


async def ask(nats: NatsConnection, what: str, message: Any, kind: type[T], timeout_s: float) -> T:
    """Ask the parent. Raises ``Unavailable`` while the link is down, or what the parent raised."""
    return msgspec.msgpack.decode(await nats.request(f"up.{what}", encode(message), timeout_s=timeout_s), type=kind)


class Uplink:
    """Forwards the intake to the parent. A :class:`millwright.kernel.Part`."""

    def __init__(
        self,
        nats: NatsConnection,
        clock: Clock,
        settings: EdgeSettings,
        timed: Callable[[], bool] = lambda: True,
        machine: str = "",
    ) -> None:
        self._machine = machine
        self._nats, self._clock, self._settings = nats, clock, settings
        self.keeping = Keeping(nats, clock, settings, timed)
        self._task: asyncio.Task[None] | None = None
        self._all: Lane | None = None
        self._live: Lane | None = None
        self._live_task: asyncio.Task[None] | None = None
        self._ranges: list[tuple[int, int]] = []
        self._reached = 0
        self._given_up = 0
        self._went_back = 0
        self.cut = True
        self.deliveries = 0
        self.messages = 0

    async def start(self) -> None:
        """Begin to forward."""
        await self._nats.ensure_stream(INTAKE)
        await self.keeping.start()
        self._task = asyncio.create_task(self._run(), name="uplink")

    async def stop(self) -> None:
        """Stop; the parent knows where to go on."""
        await end(self._task, self._live_task)
        self._task = self._live_task = None
        await self.keeping.stop()

    # --- what others ask -----------------------------------------------------------------------------------------

    @property
    def reached(self) -> int:
        """Up to where everything is with the parent."""
        return self._all.acknowledged if self._all is not None else self._reached

    @property
    def live(self) -> bool:
        """Whether new data goes beside the backlog now."""
        return self._live is not None

    @property
    def given_up(self) -> int:
        """Frames that left the backlog before they were forwarded, since the start."""
        return self._given_up + (self._all.given_up if self._all is not None else 0)

    @property
    def went_back(self) -> int:
        """How often the parent knew less than it had acknowledged."""
        return self._went_back

    # --- forwarding ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                await self._forward()
            except OutOfStep:
                logger.info("the parent stands elsewhere; it is asked where")
            except MillwrightError as error:
                if not self.cut:
                    logger.warning("the link to the parent is down; what comes is kept: %s", error.message)
                self.cut = True
            except Exception:
                logger.exception("forwarding failed; it begins again")
                self.cut = True
            await self._end_live()
            if self._all is not None:
                self._reached = self._all.acknowledged
                self._given_up += self._all.given_up
                self._all = None
            await asyncio.sleep(_AGAIN_S)

    async def _forward(self) -> None:
        state = await self._nats.state(INTAKE.name)
        epoch = re.sub(r"[^0-9A-Za-z]", "", state.created)
        standing = await ask(self._nats, OFFER, Offer(epoch, self._machine), Standing, _OFFER_S)
        if self.cut:
            logger.info("the link to the parent is up")
        self.cut = False
        position = standing.lanes.get(ALL, 0)
        if position < self._reached:
            self._went_back += 1
            logger.warning("the parent knows %d frames less than it had; they are sent again", self._reached - position)
        self._ranges = [(first_of(lane), last) for lane, last in standing.lanes.items() if lane != ALL]
        state = await self._nats.state(INTAKE.name)
        begin = max(position, min(state.first_sequence - 1, state.last_sequence))
        self._given_up += begin - position if position else 0
        self._reached = position
        self.keeping.note(position)
        if await self._is_old(begin, state.last_sequence):
            self._begin_live(epoch, state.last_sequence)
        lane = self._all = Lane(
            self._nats, self._send, epoch, ALL, position, self._pick, begin=begin, before=self._may_pass
        )
        work = asyncio.create_task(lane.run(), name="uplink in order")
        try:
            while not work.done():
                await asyncio.wait((work,), timeout=_LOOK_S)
                self.keeping.note(lane.acknowledged)
                if self._live_task is not None and self._live_task.done():
                    self._live_task.result()  # what ended it ends this too
                    self._close_live()
                if not work.done():
                    await self._keep_live(epoch, lane)
            work.result()
        finally:
            await end(work)

    async def _send(self, delivery: Delivery) -> int:
        delivery = msgspec.structs.replace(delivery, machine=self._machine)
        taken = await ask(self._nats, FRAMES, delivery, Taken, _DELIVERY_S)
        self.deliveries += 1
        return taken.position

    def _begin_live(self, epoch: str, newest: int) -> None:
        """Send what comes from now on beside the backlog; nothing that the lane in order has begun with."""
        newest = max(newest, self._all.taking if self._all is not None else 0)
        first = newest + 1
        logger.info("the backlog is old: frames from %d on go first", first)

        def pick(_sequence: int, runs: Sequence[Run]) -> list[Run]:
            return [run for run in runs if not is_held(run)]

        self._live = Lane(self._nats, self._send, epoch, live_lane(first), newest, pick)
        self._live_task = asyncio.create_task(self._live.run(), name="uplink live")

    async def _keep_live(self, epoch: str, lane: Lane) -> None:
        """See to it that new data goes first. A live lane that is old itself ends, and the next begins at the newest:
        on a line that hangs for a while without breaking, what was new when that began is old at its end."""
        newest = (await self._nats.state(INTAKE.name)).last_sequence
        if self._live is None:
            if await self._is_old(lane.read, newest):
                self._begin_live(epoch, newest)
        elif len(self._ranges) < _MOST_RANGES and await self._is_old(self._live.read, newest):
            self._live.finish()

    def _close_live(self) -> None:
        """The live lane has ended, all that it took is stored: the one in order passes over that."""
        live, self._live, self._live_task = self._live, None, None
        if live is not None:
            self._ranges.append((first_of(live.name), live.acknowledged))

    async def _may_pass(self, sequence: int) -> None:
        """Asked before the lane in order takes a frame: where the live lane began that one ends first."""
        live, task = self._live, self._live_task
        if live is not None and task is not None and sequence >= first_of(live.name):
            live.finish()
            await asyncio.shield(task)
            if self._live is live:
                self._close_live()

    def _pick(self, sequence: int, runs: Sequence[Run]) -> list[Run]:
        """Of what went live before only what had to wait for its turn."""
        if any(first <= sequence <= last for first, last in self._ranges):
            return [run for run in runs if is_held(run)]
        return list(runs)

    async def _end_live(self) -> None:
        task, self._live_task, self._live = self._live_task, None, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _is_old(self, position: int, newest: int) -> bool:
        if newest <= position:
            return False
        waiting = await self._nats.get(INTAKE.name, position + 1)
        received_ms = received_of(waiting.data) if waiting is not None else None
        return received_ms is not None and self._clock.now_ms() - received_ms > self._settings.live_after_s * 1000


def received_of(frame: bytes) -> int | None:
    """When the first message of a frame was received; ``None`` for a damaged or empty one."""
    try:
        runs = decode_frame(frame).runs
    except ValueError:
        return None
    return runs[0].received_ms if runs else None


__all__ = ["Uplink", "Unavailable", "ask", "received_of"]
