"""What passes between the parent and an edge about connections and commands, as msgpack.

The parent asks on ``down.<what>`` in the edge's account, the edge tells on ``up.<what>``. At the parent whoever wants
something of an edge asks the role that has the link, on :data:`ASK`.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from millwright.devices.connectors.model import ConnectionHealth
from millwright.devices.connectors.rpc import Ask

ASK: Final = "edges.ask"
FIELD, TAKE = "field", "take"
"""What the parent asks an edge: of its field network, and to take a command."""
CONNECTIONS, COMMANDS = "connections", "commands"
"""What an edge tells: how its connections do, and what became of commands."""


class AskEdge(Struct, frozen=True):
    """Ask an edge on ``down.<what>``; the answer, or its error, comes back as it is."""

    edge_id: str
    what: str
    body: bytes
    timeout_s: float


class FieldQuestion(Struct, frozen=True):
    """A question about the edge's field network, on behalf of somebody of an organisation."""

    asked: Ask
    organisation_id: str


class ConnectionsReport(Struct, frozen=True):
    """How the parent's connections at the edge do."""

    health: list[ConnectionHealth]
