"""The parent's connections at edges: who is asked there, and sealing for them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from millwright.devices.connectors.model import ConnectionHealth
from millwright.devices.connectors.rpc import Ask, HostClient
from millwright.devices.edge.down.asking import ask_edge
from millwright.devices.edge.down.records import EdgeRecords
from millwright.devices.edge.down.wire import FIELD, FieldQuestion
from millwright.devices.edge.sealing import purpose_at, seal
from millwright.kernel import Bus, Unsupported, current_scope

T = TypeVar("T")


class EdgeHostClient(HostClient):
    """Asks the host of an edge, through the link."""

    def __init__(self, bus: Bus, edge_id: str) -> None:
        super().__init__(bus, edge_id)
        self._edge_id = edge_id

    async def health(self, connection_ids: Any = None) -> list[ConnectionHealth]:  # noqa: ARG002 - the edge tells by itself
        """Nothing: how connections at an edge do is in the records."""
        return []

    async def _ask(self, asked: Ask, kind: type[T], *, timeout_s: float) -> T:
        return await self._request(asked, kind, timeout_s)

    async def _request(self, asked: Ask, kind: type[T], timeout_s: float) -> T:
        question = msgspec.msgpack.encode(FieldQuestion(asked, current_scope().home or ""))
        return msgspec.msgpack.decode(await ask_edge(self._bus, self._edge_id, FIELD, question, timeout_s), type=kind)


class EdgePlacements:
    """Implements the port of connections of the name ``EdgePlacement``; ``records`` are those of the request."""

    def __init__(self, records: EdgeRecords, bus: Bus) -> None:
        self._records, self._bus = records, bus

    async def host(self, edge_id: str) -> HostClient:
        """Who answers there. Raises ``NotFound``, ``Conflict`` (``devices.edge_revoked``)."""
        await asyncio.to_thread(self._records.need, edge_id)
        return EdgeHostClient(self._bus, edge_id)

    def seal(self, edge_id: str, connection_id: str | None, secrets: Mapping[str, Any]) -> dict[str, str]:
        """Each secret for the edge alone. Raises ``NotFound``, ``Unsupported`` (``devices.edge_seal_missing``)."""
        key = self._records.need(edge_id)
        if key is None:
            raise Unsupported(
                "Nothing can be sealed for this edge: it has not joined yet, or joined with an older version.",
                code="devices.edge_seal_missing",
                hint="Let it join with a new code (Edges, New code): `millwright edge join --again …`.",
                detail={"id": edge_id},
            )
        return {
            name: seal(key, msgspec.json.encode(value), purpose_at(edge_id, connection_id, name))
            for name, value in secrets.items()
        }
