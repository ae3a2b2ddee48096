"""The role ``network``: looks at the network around this node, while that is watched."""

from __future__ import annotations

import asyncio
import os

from millwright.app.disk import DiskWatch
from millwright.app.network import figures_of, own_ports
from millwright.app.node import Composition, Node
from millwright.devices.network import NetworkStore
from millwright.devices.network.model import NetworkReport
from millwright.devices.network.series import SeriesWriter
from millwright.devices.network.service import site_of
from millwright.devices.network.watch import NetworkWatch


def compose(node: Node) -> Composition:
    """The watch, and what keeps what it sees."""
    name = node.settings.node.name
    section = node.settings.node
    disk = DiskWatch(node.folder.root, low_mb=section.disk_low_mb, stop_mb=section.disk_stop_mb, clock=node.clock)
    store, series = NetworkStore(node.records), SeriesWriter(node.bus, f"{name}-network", lambda: disk.full)

    async def take(report: NetworkReport) -> None:
        site = await asyncio.to_thread(store.take, site_of(name), "node", name, report, node.clock.now_ms())
        watch.scan(site.order())
        if site.watched and site.device_id is not None:
            await series.write(site.device_id, report)

    watch = NetworkWatch(node.settings.network, node.clock, take, root_pid=os.getppid(), own=own_ports(node))
    node.stats.sources.append(lambda: figures_of(watch.links_by_state()))
    return Composition([disk, watch])
