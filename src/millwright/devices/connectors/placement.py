"""Connections that run at an edge, as the use cases of connections see it; the edges' own room implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from millwright.devices.connectors.model import ConnectionHealth, Trouble
from millwright.devices.connectors.rpc import HostClient
from millwright.kernel import Conflict, Unsupported

STALE_MS: Final = 10_000
"""An edge tells every two seconds how its connections do."""


class EdgePlacement(Protocol):
    """Knows the edges in the scope of the request at hand."""

    async def host(self, edge_id: str) -> HostClient:
        """Who answers questions about field devices at the edge. Raises ``NotFound`` (``devices.edge_unknown``),
        ``Conflict`` (``devices.edge_revoked``)."""
        ...

    def seal(self, edge_id: str, connection_id: str | None, secrets: Mapping[str, Any]) -> dict[str, str]:
        """Each secret sealed so that the edge alone can open it. Blocks. Raises ``Unsupported``
        (``devices.edge_seal_missing``), ``NotFound``."""
        ...


class NoEdges:
    """The placement of a node that lets no edges in."""

    async def host(self, edge_id: str) -> HostClient:
        """Nowhere."""
        raise _nowhere(edge_id)

    def seal(self, edge_id: str, connection_id: str | None, secrets: Mapping[str, Any]) -> dict[str, str]:  # noqa: ARG002 - the port
        """For nobody."""
        raise _nowhere(edge_id)


def said_by_edge(report: Any, at_ms: int, now_ms: int) -> ConnectionHealth:
    """What an edge said of a connection; when that is old the connection counts as lost, since nobody knows."""
    said = msgspec.structs.replace(msgspec.convert(report, ConnectionHealth), reported_ms=at_ms)
    if now_ms - at_ms <= STALE_MS or said.state == "stopped":
        return said
    trouble = Trouble(
        code="devices.edge_away",
        message="The edge that it runs at is cut off; this is what it said last.",
        hint="Look at the edge. The connection goes on there by itself, and what it reads comes when the link is back.",
        at_ms=at_ms,
    )
    return msgspec.structs.replace(said, state="lost", error=trouble, samples_per_s=0.0)


def kept_above(name: str) -> Conflict:
    """At an edge: the connection came from the parent, where it is kept."""
    return Conflict(
        f"The connection {name!r} is kept by this edge's parent.",
        code="connectors.kept_above",
        hint="Change it in the parent's console; what is changed there is in force here within seconds.",
    )


def device_elsewhere(device: str, edge_id: str | None) -> Conflict:
    """A point of a connection at an edge feeds a device that is not at that edge."""
    where = "at another edge than the connection" if edge_id else "not at the edge that the connection runs at"
    return Conflict(
        f"The device {device!r} is {where}: what is read for it there would not be believed.",
        code="connectors.device_elsewhere",
        hint="Put the device at that edge first (Connects at), or choose another device.",
        detail={"device": device, "edge_id": edge_id},
    )


def _nowhere(edge_id: str) -> Unsupported:
    return Unsupported(
        "This node lets no edges in, so no connection runs at one.",
        code="devices.edges_closed",
        hint="Set [edges] port (usually 7422) and start the node again; edges come in there.",
        detail={"id": edge_id},
    )
