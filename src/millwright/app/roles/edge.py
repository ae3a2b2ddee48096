"""The role ``edge``, at an edge: forwards to the parent, and takes from it what is desired here."""

from __future__ import annotations

from millwright import __version__
from millwright.app.disk import DiskWatch
from millwright.app.edge_field import edge_field
from millwright.app.edge_rules import RULES, rules_section
from millwright.app.network import watch_at_edge
from millwright.app.node import Composition, Node
from millwright.app.stats import Figures, Problem
from millwright.devices import Changes
from millwright.devices.edge.agent import EdgeAgent
from millwright.devices.edge.desired import DesiredApplier
from millwright.devices.edge.joining import find_membership
from millwright.devices.edge.machine import machine_of
from millwright.devices.edge.parent_time import ParentTime
from millwright.devices.edge.upgrade.upgrader import Upgrader
from millwright.devices.edge.uplink import Uplink
from millwright.kernel import Unsupported, to_iso
from millwright.operations.at_edges import AlarmsTeller


def compose(node: Node) -> Composition:
    """The uplink and the agent."""
    membership = find_membership(node.folder.root)
    if membership is None:
        raise Unsupported(
            "This node is nobody's edge.",
            code="devices.edge_none",
            hint="Make an edge at the parent and type the command it shows, `millwright edge join …`.",
        )
    disk = DiskWatch(
        node.folder.root,
        low_mb=node.settings.node.disk_low_mb,
        stop_mb=node.settings.node.disk_stop_mb,
        clock=node.clock,
    )
    time = ParentTime(node.clock)
    machine = machine_of(node.folder.root)
    uplink = Uplink(node.bus, time, node.settings.edge, lambda: time.known, machine)
    upgrader = Upgrader(node.bus, node.folder.root, __version__, membership.signers)
    field = edge_field(node, membership)
    agent = EdgeAgent(
        node.bus,
        uplink,
        DesiredApplier(node.records, membership.edge_id, field.applier, {RULES: rules_section(node)}),
        Changes(node.records, node.bus),
        node.clock,
        time,
        __version__,
        lambda: disk.free_bytes,
        lambda: upgrader.status,
        machine,
    )
    since_ms = node.clock.now_ms()

    def told() -> Figures:
        problems = []
        given_up = max(uplink.given_up, uplink.keeping.given_up)
        if given_up:
            kept = uplink.keeping
            ends = (kept.lost_from_ms, kept.lost_to_ms)
            when = "".join(f" {word} {to_iso(at)}" for word, at in zip(("from", "to"), ends, strict=True) if at)
            text = f"{given_up} frames received{when} left the backlog before the parent had them."
            hint = "Local history has them. Mend the link, or raise [edge] backlog_mb and backlog_days."
            problems.append(Problem("edge.backlog_given_up", text, hint, since_ms))
        if agent.clock_wrong:
            text = f"This machine's clock is {(agent.clock_offset_ms or 0) / 1000:+.1f} s off its parent's."
            hint = "Set it (chrony, systemd-timesyncd). What is received meanwhile is kept under the parent's time."
            problems.append(Problem("edge.clock_wrong", text, hint, since_ms))
        if uplink.went_back:
            text = f"{membership.parent} knew less than it had said {uplink.went_back} times; it was sent again."
            problems.append(Problem("edge.parent_went_back", text, "It was restored from a backup, perhaps.", since_ms))
        gauges = {"edge_link": float(not uplink.cut), "edge_live": float(uplink.live)}
        return Figures({"edge_deliveries": uplink.deliveries}, gauges, problems)

    node.stats.sources += [told, disk.figures]
    watching = watch_at_edge(node, membership, lambda: disk.full)
    return Composition(
        [
            disk,
            uplink,
            *field.keepers,
            agent,
            *watching,
            upgrader,
            *field.parts(agent.take_desired),
            AlarmsTeller(node.records, node.bus),
        ]
    )
