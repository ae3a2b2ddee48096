"""Putting the parts together, for the two processes that need them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import sqlalchemy as sa

from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.guards import Guards
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.judging import AlarmsOf, Judge, NewestOf, OnlineOf
from millwright.devices.commands.routes.mqtt import MqttRoute
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.service import Commands
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.worker import CommandWorker
from millwright.devices.models.store import ModelStore
from millwright.devices.registry.store import DeviceStore
from millwright.devices.sparkplug import SparkplugHost
from millwright.devices.store import presence
from millwright.engines.sql import Records
from millwright.historian import Historian, HistorianClient, Latest
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


def online_in(records: Records) -> OnlineOf:
    """Whether devices are connected, as the records say; ``records`` see everything."""

    def read(device_ids: Collection[str]) -> dict[str, bool]:
        query = sa.select(presence.c.device_id, presence.c.online).where(presence.c.device_id.in_(list(device_ids)))
        with records.read() as connection:
            return {row.device_id: bool(row.online) for row in connection.execute(query)}

    async def online_of(device_ids: Collection[str]) -> Mapping[str, bool]:
        return await asyncio.to_thread(read, device_ids)

    return online_of


def commands_service(
    records: Records,
    everything: Records,
    historian: HistorianClient,
    alarms_of: AlarmsOf,
    bus: Bus,
    clock: Clock,
    settings: CommandsSettings,
) -> tuple[Commands, Guards]:
    """What the routes use. ``records`` are those of the request's scope; interlocks hold whoever asks."""
    devices = DeviceStore(records)
    judge = Judge(GuardStore(everything), clock, historian.latest, online_in(everything), alarms_of)
    commands = Commands(CommandStore(records), devices, ModelStore(records), judge, bus, clock, settings)
    return commands, Guards(GuardStore(records), devices, clock, settings)


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
) -> CommandWorker:
    """What sends; ``records`` see everything."""
    store = CommandStore(records)
    newest: NewestOf = Newest(historian).of
    judge = Judge(GuardStore(records), clock, newest, online_in(records), alarms_of)
    return CommandWorker(
        store,
        Sender(store, judge, historian.latest, clock),
        Hearing(store, ModelStore(records), bus, clock),
        Teller(store, recorder, clock),
        bus,
        clock,
        settings,
        mqtt=MqttRoute(bus),
        sparkplug=SparkplugRoute(bus, clock, host.sessions),
        lag_s=lag_s,
    )
