"""How watching the network is joined: in the web role, at an edge, and in the role of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from millwright.app.node import Node
from millwright.app.stats import Figures
from millwright.kernel import Part
from millwright.kernel.scope import EVERYTHING

if TYPE_CHECKING:
    from millwright.devices import DevicesService
    from millwright.devices.edge.joining import Membership
    from millwright.devices.network import NetworkKeeper, Networks


def networks_of(node: Node, devices: DevicesService) -> tuple[Networks, NetworkKeeper]:
    """The use cases, and what has the watching process started when it is wanted."""
    # Imported here: an edge and the watching role import this module too, and need none of it.
    from millwright.devices.connectors import ConnectionStore
    from millwright.devices.network import NetworkKeeper, Networks, NetworkStore

    name = node.settings.node.name
    everything = NetworkStore(node.records.scoped(EVERYTHING))
    keeper = NetworkKeeper(everything, node.folder.wanted("network"), name)
    service = Networks(
        NetworkStore(node.records),
        ConnectionStore(node.records),
        devices.registry,
        node.clock,
        name,
        node.settings.network.scan_hosts,
        keeper.wake,
    )
    return service, keeper


def watch_at_edge(node: Node, membership: Membership, full: Callable[[], bool]) -> list[Part]:
    """The watch inside the edge's own process; nothing when the settings say so."""
    if not node.settings.network.edge:
        return []
    from millwright.devices.network.edge import EdgeNetwork
    from millwright.devices.network.model import Spoken
    from millwright.devices.network.series import SeriesWriter
    from millwright.devices.network.watch import NetworkWatch
    from millwright.devices.registry.store import DeviceStore

    ports = {urlsplit(each).port for each in membership.urls}

    def is_parent(spoken: Spoken) -> bool:
        return spoken.direction == "out" and spoken.port in ports

    series = SeriesWriter(node.bus, f"{node.settings.node.name}-network", full)
    network = EdgeNetwork(node.bus, series, DeviceStore(node.records), node.clock)
    watch = NetworkWatch(
        node.settings.network,
        node.clock,
        network.take,
        root_pid=os.getppid(),
        own=own_ports(node),
        is_parent=is_parent,
    )
    network.follow(watch)
    node.stats.sources.append(lambda: figures_of(watch.links_by_state()))
    return [watch]


def own_ports(node: Node) -> dict[int, str]:
    """What this node serves, by port."""
    chosen = node.settings
    served = {
        chosen.mqtt.port: "MQTT",
        chosen.mqtt.tls_port: "MQTT TLS",
        chosen.web.port: "HTTP",
        chosen.edges.port: "NATS leaf",
        chosen.handle.port: "Handle",
    }
    return {port: protocol for port, protocol in served.items() if port}


def figures_of(states: dict[str, int]) -> Figures:
    """Gauges of the links by state."""
    gauges = {
        "network_links_ok": states["ok"],
        "network_links_slow": states["slow"],
        "network_links_lossy": states["lossy"],
        "network_links_down": states["down"],
        "network_links_unknown": states["unknown"],
    }
    return Figures({}, gauges)
