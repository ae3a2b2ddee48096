"""How the parent's connections are joined in the role ``edge``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from millwright.app.node import Node, secrets_of
from millwright.devices.connectors import Catalogue, ConnectionStore, HostClient, HostKeeper
from millwright.devices.edge.down.command_desk import CommandDesk, CommandInbox
from millwright.devices.edge.down.connections import ConnectionApplier, ConnectionRow
from millwright.devices.edge.down.field import ConnectionsTeller, FieldDesk, opened
from millwright.devices.edge.down.policy import EdgePolicy
from millwright.devices.edge.down.rebirths import RebirthDesk
from millwright.devices.edge.joining import Membership
from millwright.kernel import Part


@dataclass(frozen=True, slots=True)
class EdgeField:
    """``keepers`` start before the agent, and ``parts`` after it; the agent is what they catch up by."""

    applier: ConnectionApplier
    keepers: list[Part]
    parts: Callable[[Callable[[], Awaitable[None]]], list[Part]]


def edge_field(node: Node, membership: Membership) -> EdgeField:
    """What brings the parent's connections about, answers the parent's questions, and tells how they do."""
    edge_id, chosen = membership.edge_id, node.settings.connectors
    store = ConnectionStore(node.records, edge_id)
    policy = EdgePolicy(
        Catalogue(), node.settings.edge, membership.organisation, node.folder.root, enterprises=chosen.enterprises
    )
    keeper = HostKeeper(store, node.folder.wanted("connectors"), node.clock, chosen.linger_s)
    host = HostClient(node.bus, node.settings.node.name, keeper.wake)

    def judge(row: ConnectionRow) -> None:
        policy.judge(row.kind, row.settings, row.organisation_id)

    def seal(row: ConnectionRow) -> str | None:
        if not row.secrets:
            return None
        from millwright.devices.connectors import Vault  # only an edge with secrets pays for cryptography

        found = opened(membership.seal, edge_id, row.id, row.secrets)
        return Vault(secrets_of(node)).part(row.id, found, frozenset(found))[1]

    applier = ConnectionApplier(node.records, edge_id, judge, seal)

    def parts(catch_up: Callable[[], Awaitable[None]]) -> list[Part]:
        desk = FieldDesk(node.bus, host, store, policy, edge_id, membership.seal, catch_up)
        inbox = CommandInbox(node.records, node.settings.commands.queue_per_device)
        commands = CommandDesk(node.bus, inbox, node.clock, catch_up)
        teller = ConnectionsTeller(node.bus, host, store, applier, node.clock)
        return [desk, teller, commands, RebirthDesk(node.bus, node.clock)]

    return EdgeField(applier, [keeper], parts)
