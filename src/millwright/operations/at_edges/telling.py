"""At the edge: every beginning and end of an alarm is kept until the parent has it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from millwright.engines.nats import NatsConnection
from millwright.engines.sql import Records
from millwright.kernel import Repeat, Unsubscribe
from millwright.operations.alarms import EVENTS
from millwright.operations.at_edges.wire import ALARMS, MOST_AT_ONCE, AlarmChange, AlarmsReport, Numbered
from millwright.operations.model import Change, Raised
from millwright.operations.store import revisions, rules, untold

logger = logging.getLogger(__name__)

COUNTER: Final = "alarm_changes"
"""The counter of the last number, among the revisions."""
_EVERY_S: Final = 2.0
_TELL_S: Final = 10.0


class Outbox:
    """Numbers changes and keeps them, in the transaction that writes the alarms."""

    def keep(self, connection: sa.Connection, changes: Sequence[Change], now_ms: int) -> None:
        """Keep those of rules that came from the parent."""
        theirs = set(
            connection.execute(
                sa.select(rules.c.id).where(rules.c.from_above, rules.c.id.in_({each.key.rule_id for each in changes}))
            ).scalars()
        )
        wanted = [each for each in changes if each.key.rule_id in theirs]
        if not wanted:
            return
        counter = revisions.c.name == COUNTER
        last = connection.scalar(sa.select(revisions.c.value).where(counter))
        # By the clock, so that an edge whose records were lost does not begin again with numbers that were heard.
        first = max(int(last or 0) + 1, now_ms * 1000)
        rows = [{"number": first + at, "change": msgspec.to_builtins(_told(each))} for at, each in enumerate(wanted)]
        connection.execute(sa.insert(untold), rows)
        values = {"value": rows[-1]["number"]}
        if connection.execute(sa.update(revisions).where(counter).values(**values)).rowcount == 0:
            connection.execute(sa.insert(revisions).values(name=COUNTER, **values))


class AlarmsTeller(Repeat):
    """Tells what is kept, in order. A :class:`Part`."""

    def __init__(self, records: Records, nats: NatsConnection) -> None:
        super().__init__(
            self.tell,
            _EVERY_S,
            name="edge alarms",
            lost="the parent is not told of alarms",
            back="the parent is told again of alarms",
            log=logger,
        )
        self._records, self._nats = records, nats
        self._unsubscribe: Unsubscribe | None = None
        self._telling = asyncio.Lock()
        self._tasks: set[asyncio.Task[object]] = set()

    async def start(self) -> None:
        """Begin to tell."""
        self._unsubscribe = await self._nats.subscribe(EVENTS, self._on_event)
        await super().start()

    async def stop(self) -> None:
        """Tell no more; what was not told is told at the next start."""
        await super().stop()
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tell(self) -> None:
        """Tell everything that is kept. Raises ``Unavailable`` while the link is cut."""
        async with self._telling:
            while found := await asyncio.to_thread(self._read):
                report = msgspec.msgpack.encode(AlarmsReport(found))
                await self._nats.request(f"up.{ALARMS}", report, timeout_s=_TELL_S)
                await asyncio.to_thread(self._forget, found[-1].number)

    def _read(self) -> list[Numbered]:
        with self._records.read() as connection:
            rows = connection.execute(sa.select(untold).order_by(untold.c.number).limit(MOST_AT_ONCE))
            return [Numbered(row.number, msgspec.convert(row.change, AlarmChange)) for row in rows]

    def _forget(self, number: int) -> None:
        with self._records.begin() as connection:
            connection.execute(sa.delete(untold).where(untold.c.number <= number))

    async def _on_event(self, _subject: str, _payload: bytes) -> None:
        task: asyncio.Task[object] = asyncio.create_task(self.once())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _told(change: Change) -> AlarmChange:
    key = change.key
    if isinstance(change, Raised):
        return AlarmChange(
            rule_id=key.rule_id,
            device_id=key.device_id,
            property=key.property,
            kind=key.kind,
            raised=True,
            at_ms=change.at_ms,
            value=change.value,
            trigger_ms=change.trigger_ms,
            limit=change.limit,
            unit=change.unit,
            occurrences=change.occurrences,
        )
    return AlarmChange(
        rule_id=key.rule_id,
        device_id=key.device_id,
        property=key.property,
        kind=key.kind,
        raised=False,
        at_ms=change.at_ms,
        comment=change.comment,
    )
