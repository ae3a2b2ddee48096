"""At the parent: what edges tell of what runs there."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, TypeVar

import msgspec

from millwright.devices.commands.model import Command
from millwright.devices.commands.service import announce
from millwright.devices.commands.subjects import WAKE
from millwright.devices.edge.down.command_way import HeardCommands
from millwright.devices.edge.down.records import EdgeRecords
from millwright.devices.edge.down.wire import COMMANDS, CONNECTIONS, CommandsReport, ConnectionsReport
from millwright.devices.edge.receiver import Answer
from millwright.kernel import Bus, Clock, Invalid, MillwrightError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_BYTES: Final = 2_000_000
_MOST_TOLD: Final = 100
"""Commands in one report; an edge tells no more at once."""


class EdgeReports:
    """``answers`` is what edges may tell, for the receiver."""

    def __init__(self, records: EdgeRecords, heard: HeardCommands, bus: Bus, clock: Clock) -> None:
        self._records, self._heard, self._bus, self._clock = records, heard, bus, clock
        self._connections = msgspec.msgpack.Decoder(ConnectionsReport)
        self._commands = msgspec.msgpack.Decoder(CommandsReport)

    @property
    def answers(self) -> dict[str, Answer]:
        """By what edges tell."""
        return {CONNECTIONS: self._take_connections, COMMANDS: self._take_commands}

    async def _take_connections(self, edge_id: str, data: bytes) -> bytes:
        report = _read(self._connections, data)
        await asyncio.to_thread(self._records.report, edge_id, report.health, self._clock.now_ms())
        return b""

    async def _take_commands(self, edge_id: str, data: bytes) -> bytes:
        moved: list[Command] = []
        every = _read(self._commands, data).told
        if len(every) > _MOST_TOLD:
            raise unreadable(f"it has {len(every)} commands, more than {_MOST_TOLD}")
        for told in every:
            command = await asyncio.to_thread(self._heard.hear, edge_id, told, self._clock.now_ms())
            if command is not None:
                moved.append(command)
        if moved:
            await announce(self._bus, moved)
            await self._wake()
        return b""

    async def _wake(self) -> None:
        try:
            await self._bus.publish(WAKE, b"")
        except MillwrightError as error:
            logger.debug("what edges told is found by the next look: %s", error.message)


def _read(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T:
    try:
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it has {len(data)} bytes, more than {_MOST_BYTES}")
        return decoder.decode(data)
    except ValueError as error:
        raise unreadable(str(error)) from None


def unreadable(why: str) -> Invalid:
    """What an edge told cannot be read."""
    return Invalid(
        f"What the edge sent cannot be read: {why}",
        code="devices.edge_message_invalid",
        hint="Let the edge run the same version as its parent.",
    )
