"""What a process saw goes to the one that keeps the history; a mirror tells its primary how far it is."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from millwright.engines.nats import NatsConnection
from millwright.identity.operation.model import MirrorTold, Told
from millwright.identity.operation.watch import Watch
from millwright.identity.records import Follower, Records
from millwright.kernel import Bus, MillwrightError, end

logger = logging.getLogger(__name__)

MIRRORS: Final = "identity.mirrors"
"""On the bus of a primary: each of its mirrors tells itself there."""

EVERY_S: Final = 2.0
_MIRROR_S: Final = 5.0
_ANSWER_S: Final = 2.0


def subject_of(node: str) -> str:
    """Where the processes of a node tell what they saw: several nodes may share one broker."""
    return f"identity.watch.{node}"


class Teller:
    """Tells what a :class:`.Watch` took, again and again until it is acknowledged. A :class:`millwright.kernel.Part`.

    While nobody acknowledges, counts gather in the watch, whose memory does not grow; they arrive later, as of then.
    """

    def __init__(self, watch: Watch, bus: Bus, node: str, *, every_s: float = EVERY_S) -> None:
        self._watch, self._bus, self._every_s = watch, bus, every_s
        self._subject = subject_of(node)
        self._waiting: Told | None = None
        self._task: asyncio.Task[None] | None = None
        self._telling = asyncio.Lock()

    async def start(self) -> None:
        """Tell from now on."""
        self._task = asyncio.create_task(self._run(), name="tell of resolution")

    async def stop(self) -> None:
        """Tell what is left, if somebody listens."""
        task, self._task = self._task, None
        await end(task)
        try:
            await self.tell()
        except MillwrightError as error:
            logger.debug("the last figures of resolution are not told: %s", error.message)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.tell()
            except MillwrightError as error:
                logger.debug("figures of resolution are told later: %s", error.message)
            except Exception:
                logger.exception("figures of resolution are told later")

    async def tell(self) -> None:
        """Tell what came together. Raises ``Unavailable``; it is kept then, and told before what came since."""
        async with self._telling:
            if self._waiting is not None:
                await self._send(self._waiting)
            await self._send(self._watch.take())

    async def _send(self, told: Told) -> None:
        self._waiting = told
        await self._bus.request(self._subject, msgspec.msgpack.encode(told), timeout_s=_ANSWER_S)
        self._waiting = None


class MirrorTeller:
    """Tells the primary of this mirror, over the primary's own bus. A :class:`millwright.kernel.Part`."""

    def __init__(self, records: Records, follower: Follower, primary: Bus, node: str) -> None:
        self._records, self._follower, self._primary, self._node = records, follower, primary, node
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Tell from now on."""
        self._task = asyncio.create_task(self._run(), name="tell the primary of this mirror")

    async def stop(self) -> None:
        """Tell no more."""
        await end(self._task)
        self._task = None

    async def _run(self) -> None:
        while True:
            if not isinstance(self._primary, NatsConnection) or self._primary.connected:
                try:
                    await self._primary.publish(MIRRORS, msgspec.json.encode(await asyncio.to_thread(self.standing)))
                except MillwrightError as error:
                    logger.debug("the primary is not told of this mirror: %s", error.message)
                except Exception:
                    logger.exception("the primary is not told of this mirror")
            await asyncio.sleep(_MIRROR_S)

    def standing(self) -> MirrorTold:
        """How far this mirror is."""
        state, stats, lag = self._records.state(), self._records.stats(), self._records.lag
        problem = next((each["code"] for each in self._follower.problems()), "")
        return MirrorTold(
            node=self._node,
            position=state.position,
            digest=state.digest.hex(),
            handles=stats["handles"],
            lag_batches=lag,
            lag_ms=round(1000 * self._follower.gauges().get("identifier_lag_s", 0.0)),
            problem=problem,
        )
