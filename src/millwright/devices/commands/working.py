"""Putting together what sends, in the historian role."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from millwright.devices.commands.composition import online_in
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.handing import EdgeWay, Handover
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.judging import AlarmsOf, Judge, NewestOf
from millwright.devices.commands.routes.mqtt import MqttRoute
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.withdrawing import Wishes, Withdrawer
from millwright.devices.commands.worker import CommandWorker
from millwright.devices.models.store import ModelStore
from millwright.devices.sparkplug import SparkplugHost
from millwright.engines.sql import Records
from millwright.historian import Historian, Latest
from millwright.kernel import Bus, Clock, Unavailable
from millwright.ledger import Recorder

_FLUSH_S = 5.0


class Newest:
    """The newest readings with what was just received: what is buffered is stored first, once for all who ask then."""

    def __init__(self, historian: Historian) -> None:
        self._historian = historian
        self._next: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    async def of(self, device_ids: Sequence[str]) -> Sequence[Latest]:
        """Raises ``Unavailable`` when history cannot be written or does not answer."""
        if self._next is None:
            self._next = asyncio.create_task(self._flush(self._running))
        try:
            async with asyncio.timeout(_FLUSH_S):
                await asyncio.shield(self._next)
        except TimeoutError as error:
            raise Unavailable(
                "History is not written quickly enough to know the newest values.",
                code="commands.newest_unknown",
                hint="The status page says what is wrong with the history.",
                retry_after_s=1.0,
            ) from error
        return await self._historian.latest(device_ids)

    async def _flush(self, before: asyncio.Task[None] | None) -> None:
        """Begins after the one before: what came while that ran may not be in it."""
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = asyncio.current_task(), None
        await self._historian.flush()


def command_worker(
    records: Records,
    historian: Historian,
    host: SparkplugHost,
    recorder: Recorder,
    alarms_of: AlarmsOf,
    bus: Bus,
    clock: Clock,
    settings: CommandsSettings,
    *,
    lag_s: Callable[[], float],
    edges: EdgeWay | None = None,
) -> CommandWorker:
    """What sends; ``records`` see everything. ``edges``: the way to the edges of a node that has some."""
    store = CommandStore(records)
    newest: NewestOf = Newest(historian).of
    judge = Judge(GuardStore(records), clock, newest, online_in(records), alarms_of)
    worker = CommandWorker(
        store,
        Sender(store, judge, historian.latest, clock),
        Hearing(store, ModelStore(records), bus, clock),
        Teller(store, recorder, clock),
        bus,
        clock,
        settings,
        mqtt=MqttRoute(bus, clock),
        sparkplug=SparkplugRoute(bus, clock, host.sessions),
        lag_s=lag_s,
    )
    if edges is not None:
        withdrawer = Withdrawer(store, Wishes(records), edges, clock)
        worker.use_edges(Handover(store, judge, edges, clock), withdrawer)
    return worker
