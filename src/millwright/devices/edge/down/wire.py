"""What passes between the parent and an edge about connections and commands, as msgpack.

The parent asks on ``down.<what>`` in the edge's account, the edge tells on ``up.<what>``. At the parent whoever wants
something of an edge asks the role that has the link, on :data:`ASK`.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from millwright.devices.commands.model import Outcome, Seen, State, Value
from millwright.devices.connectors.model import ConnectionHealth
from millwright.devices.connectors.rpc import Ask

ASK: Final = "edges.ask"
FIELD, TAKE, REBIRTH, WITHDRAW = "field", "take", "rebirth", "withdraw"
"""What the parent asks an edge: of its field network, to take a command, to ask an edge node for its births, and to
give a command back."""
CONNECTIONS, COMMANDS = "connections", "commands"
"""What an edge tells: how its connections do, and what became of commands."""


class AskEdge(Struct, frozen=True):
    """Ask an edge on ``down.<what>``; the answer, or its error, comes back as it is. Without ``what``: is it there?"""

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


class TakeCommand(Struct, frozen=True, kw_only=True):
    """A command for a device at the edge, to be begun within ``left_s``: the edge's clock may be another."""

    id: str
    device_id: str
    kind: str
    name: str
    value: Value | None
    inputs: dict[str, Any]
    unit: str | None
    confirm: str
    tolerance: float | None
    reason: str
    by_id: str
    by_name: str
    timeout_s: float
    left_s: float


class WithdrawCommand(Struct, frozen=True, kw_only=True):
    """Let a command end as ``state`` if it still waits, or was never taken; the answer is a
    :class:`millwright.devices.commands.withdrawing.Withdrawn`."""

    command: TakeCommand
    state: State
    outcome: Outcome


class Told(Struct, frozen=True, kw_only=True):
    """What became of a command of the parent. ``at_ms``: by the edge's clock."""

    id: str
    state: State
    at_ms: int
    route: str | None = None
    outcome: Outcome | None = None
    before: Seen | None = None
    after: Seen | None = None
    outputs: dict[str, Any] | None = None


class CommandsReport(Struct, frozen=True):
    """States that the parent does not know yet."""

    told: list[Told]
