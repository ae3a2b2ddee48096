"""At the parent: what edges tell of what runs there."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from millwright.devices.edge.down.records import EdgeRecords
from millwright.devices.edge.down.wire import CONNECTIONS, ConnectionsReport
from millwright.devices.edge.receiver import Answer
from millwright.kernel import Clock, Invalid

_MOST_BYTES: Final = 2_000_000


class EdgeReports:
    """``answers`` is what edges may tell, for the receiver."""

    def __init__(self, records: EdgeRecords, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._connections = msgspec.msgpack.Decoder(ConnectionsReport)

    @property
    def answers(self) -> dict[str, Answer]:
        """By what edges tell."""
        return {CONNECTIONS: self._take_connections}

    async def _take_connections(self, edge_id: str, data: bytes) -> bytes:
        try:
            if len(data) > _MOST_BYTES:
                raise ValueError(f"it has {len(data)} bytes, more than {_MOST_BYTES}")
            report = self._connections.decode(data)
        except ValueError as error:
            raise unreadable(str(error)) from None
        await asyncio.to_thread(self._records.report, edge_id, report.health, self._clock.now_ms())
        return b""


def unreadable(why: str) -> Invalid:
    """What an edge told cannot be read."""
    return Invalid(
        f"What the edge sent cannot be read: {why}",
        code="devices.edge_message_invalid",
        hint="Let the edge run the same version as its parent.",
    )
