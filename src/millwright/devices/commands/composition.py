"""Putting together what the routes use. What sends is in :mod:`.working`: it imports a good deal more."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.guards import Guards
from millwright.devices.commands.judging import AlarmsOf, Judge, OnlineOf
from millwright.devices.commands.service import Commands
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.withdrawing import Wishes
from millwright.devices.models.store import ModelStore
from millwright.devices.registry.store import DeviceStore
from millwright.devices.store import presence
from millwright.engines.sql import Records
from millwright.historian import HistorianClient
from millwright.kernel import Bus, Clock


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
    commands = Commands(
        CommandStore(records), devices, ModelStore(records), judge, bus, clock, settings, Wishes(records)
    )
    return commands, Guards(GuardStore(records), devices, clock, settings)
