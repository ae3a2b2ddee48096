"""Counting in memory and writing down: what every process that counts holds.

Counting is a dictionary entry. Once in ``every_s`` what came together is written in one transaction under the next
number of this process, so that a write whose answer was lost is not added twice. A process that is killed forgets what
it has not written yet: ``every_s`` at most, and what a failing database kept waiting.
"""

from __future__ import annotations

import asyncio
import logging

from millwright.kernel import Clock, MillwrightError, Repeat, new_id
from millwright.metering.meters import Meter
from millwright.metering.periods import HOUR_MS
from millwright.metering.store import Batch, CountStore
from millwright.metering.store.counts import Key

logger = logging.getLogger(__name__)


class Tally:
    """Counts what a process does, by organisation and hour. A :class:`millwright.kernel.Part`."""

    def __init__(self, store: CountStore, clock: Clock, role: str, every_s: float = 1.0) -> None:
        self._store, self._clock = store, clock
        self._source = new_id(role)
        self._open: dict[Key, int] = {}
        self._waiting: list[Batch] = []
        self._number = 0
        self._writing = asyncio.Lock()
        self._writer = Repeat(
            self.flush,
            every_s,
            first_s=every_s,
            name="metering-tally",
            lost="counts cannot be written down and wait",
            back="counts are written down again",
            log=logger,
        )

    def count(self, meter: Meter, organisation_id: str, quantity: int = 1) -> None:
        """Add to what an organisation used this hour. Does no I/O."""
        key = (organisation_id, meter.name, self._clock.now_ms() // HOUR_MS)
        self._open[key] = self._open.get(key, 0) + quantity

    async def start(self) -> None:
        """Begin to write down."""
        await self._writer.start()

    async def stop(self) -> None:
        """Write down what is left."""
        await self._writer.stop()
        try:
            await self.flush()
        except MillwrightError as error:
            logger.warning("some counts are lost: %s", error.message)

    async def flush(self) -> None:
        """Write down what was counted. Raises the records' ``Unavailable``; it is kept then."""
        async with self._writing:
            if self._open:
                taken, self._open = self._open, {}
                self._number += 1
                self._waiting.append(Batch(self._number, taken))
            if self._waiting:
                waiting = self._waiting
                await asyncio.to_thread(self._store.record, self._source, waiting, self._clock.now_ms())
                self._waiting = []


class StreamTally:
    """Counts what comes out of a durable stream, each message of it once, whoever dies when.

    The counts and the sequence up to which they reach are written in one transaction, and that is on the disk before
    the stream's reader acknowledges that sequence. So what comes again after a crash or a loss of power lies below the
    position and is not added again, and nothing is passed over that was not. Only records that were put back from a
    backup are older than the stream; what they lack is said.
    """

    def __init__(self, store: CountStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._source = ""
        self._waiting: list[Batch] = []
        self.position = -1
        """Up to here it was counted before this process; a batch must not reach across it."""

    async def begin(self, source: str, acknowledged: int) -> None:
        """Count ``source`` on; a stream that was never counted begins after what is ``acknowledged``."""
        self._source = source[:128]
        self.position = await asyncio.to_thread(self._store.begin_at, self._source, acknowledged, self._clock.now_ms())
        if self.position < acknowledged:
            logger.warning(
                "messages %d to %d of %s are not counted: the records are older than the stream",
                self.position + 1,
                acknowledged,
                source,
            )

    def add(self, sequence: int, counts: dict[Key, int]) -> None:
        """What the messages up to ``sequence`` add."""
        if sequence > self.position:
            self._waiting.append(Batch(sequence, counts))

    async def settle(self) -> None:
        """Return when everything added is on the disk. Raises the records' ``Unavailable``, ``OSError``; call again."""
        if self._waiting:
            waiting = self._waiting
            await asyncio.to_thread(self._store.record, self._source, waiting, self._clock.now_ms())
            await asyncio.to_thread(self._store.sync)
            self._waiting = []
