"""The node as a Sparkplug host application: at its own listener, and at MQTT servers of others."""

from __future__ import annotations

from millwright.app.disk import DiskWatch
from millwright.app.intake import guarded
from millwright.app.node import Node
from millwright.app.stats import Figures, Problem
from millwright.devices import DeviceStore
from millwright.devices.registry.model import SparkplugBinding
from millwright.devices.sparkplug import HostState, ReorderWatch, SparkplugHost
from millwright.kernel import Part


def host_application(node: Node, host: SparkplugHost, devices: DeviceStore) -> list[Part]:
    """The parts, in the order in which they start. Raises ``Invalid`` for servers that cannot be read."""
    settings = node.settings.sparkplug
    return [
        HostState(node.bus, node.clock, settings.host_id),
        ReorderWatch(host, node.bus, node.clock, settings.reorder_s),
        *(_servers(node, devices) if settings.servers.strip() else []),
    ]


def _servers(node: Node, devices: DeviceStore) -> list[Part]:
    from millwright.devices.mqtt import JetStreamIntake
    from millwright.devices.sparkplug.servers import ServerDesk, servers_of

    def find(binding: SparkplugBinding) -> str | None:
        found = devices.find_sparkplug(binding)
        return None if found is None or found.disabled else found.id

    section = node.settings.node
    disk = DiskWatch(node.folder.root, low_mb=section.disk_low_mb, stop_mb=section.disk_stop_mb, clock=node.clock)
    parts: list[Part] = [disk]
    desks: list[ServerDesk] = []
    for number, server in enumerate(servers_of(node.settings.sparkplug.servers), 1):
        name = f"{section.name}-sparkplug{number}"
        stream = JetStreamIntake(node.bus, name)
        intake, stamps = guarded(node, stream, disk, name)
        desks.append(ServerDesk(server, node.settings.sparkplug, intake, find, node.bus, node.clock, name))
        parts += [stream, *stamps, desks[-1]]

    def figures() -> Figures:
        counters: dict[str, int] = {}
        for desk in desks:
            for key, value in desk.counters.items():
                counters[f"sparkplug_{key}"] = counters.get(f"sparkplug_{key}", 0) + value
        return Figures(
            counters,
            {
                "sparkplug_servers": sum(desk.online for desk in desks),
                "sparkplug_edge_nodes": sum(desk.edge_nodes for desk in desks),
            },
            [
                Problem(desk.problem.code, desk.problem.message, desk.problem.hint, desk.problem_since_ms)
                for desk in desks
                if desk.problem is not None
            ],
        )

    node.stats.sources.append(figures)
    return parts
