"""The role ``edges``, at a parent: lets edges in and takes what they forward."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

from millwright.app.disk import DiskWatch
from millwright.app.edge_rules import RULES, answers_of, rules_of
from millwright.app.limits import RatePacer
from millwright.app.node import Composition, Node
from millwright.app.stats import figures
from millwright.app.supervisor.child import Child
from millwright.app.tls import listening
from millwright.devices import Changes
from millwright.devices.edge import EdgeRecords, EdgeRelay, EdgeStore
from millwright.devices.edge.desired import DesiredBuilder
from millwright.devices.edge.down.rebirths import RebirthRelay
from millwright.devices.edge.gate import EdgeGate
from millwright.devices.edge.in_force import HandedStates
from millwright.devices.edge.receiver import EdgeReceiver
from millwright.devices.edge.upgrade.rollout import Rollouts
from millwright.devices.edge.upgrade.shelf import Shelf
from millwright.devices.edge.upgrade.store import UpgradeStore
from millwright.devices.network import NetworkStore
from millwright.devices.network.desk import NetworkDesk
from millwright.devices.network.wire import NETWORK
from millwright.engines.nats import LeafHub, NatsConnection
from millwright.kernel import LimitExceeded, Repeat, Unsupported
from millwright.metering import Calendar, LimitWatch

logger = logging.getLogger(__name__)

_LOOK_S = 10.0


class HubProcess:
    """The hub's nats-server as a process of this role: dies with it, is started again when it dies.

    A :class:`millwright.kernel.Part`; certificates that were renewed are taken over as a changed list is.
    """

    def __init__(self, node: Node, hub: LeafHub, files: list[Path]) -> None:
        self._node, self._hub, self._files = node, hub, files
        self._keys: dict[str, str] = {}
        self._child: Child | None = None
        self._seen = self._look()
        self._watch = Repeat(
            self._renewed,
            _LOOK_S,
            first_s=_LOOK_S,
            name="hub certificates",
            lost="the certificates of the edges' hub cannot be looked at",
            back="the certificates of the edges' hub are looked at again",
            log=logger,
        )

    async def start(self) -> None:
        """Start the server with nobody let in yet."""
        folder = self._node.folder
        self._hub.write({})
        self._child = Child(
            "edge-hub",
            self._hub.command(),
            clock=self._node.clock,
            log=folder.logs / "edge-hub.out",
            environ={name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")},
            notifies=False,
            probe=self._probe,
        )
        self._child.start()
        await self._child.wait_ready(20.0)
        await self._watch.start()

    async def stop(self) -> None:
        """End the server."""
        await self._watch.stop()
        if self._child is not None:
            await self._child.stop(5.0)
            self._child = None

    async def let_in(self, keys: dict[str, str]) -> None:
        """Let these edges in and no others; whoever is inside with another key is cut off.

        Who is new is let in without a restart. A leaf node that is inside stays there when its key goes (nats-server
        2.15 looks again at clients only), so a key that goes costs everybody a second: the server is started anew.
        """
        gone = [each for each, key in self._keys.items() if keys.get(each) != key]
        await asyncio.to_thread(self._hub.write, keys)
        self._keys = dict(keys)
        if not gone:
            self._reload()
        elif self._child is not None:
            logger.info("%d edges may not come in any more", len(gone))
            await self._child.stop(5.0)
            self._child.start()
            await self._child.wait_ready(20.0)

    def _reload(self) -> None:
        if self._child is not None and self._child.pid is not None:
            os.kill(self._child.pid, signal.SIGHUP)

    async def _probe(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(self._hub.reached_at, self._hub.port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return

    def _look(self) -> list[float]:
        return [path.stat().st_mtime for path in self._files if path.exists()]

    async def _renewed(self) -> None:
        seen = await asyncio.to_thread(self._look)
        if seen != self._seen:
            self._seen = seen
            self._reload()


def compose(node: Node) -> Composition:
    """The hub, who may come in there, and what takes what comes."""
    chosen = node.settings.edges
    if not chosen.port:
        raise Unsupported(
            "This node lets no edges in.",
            code="devices.edges_closed",
            hint="Set [edges] port (usually 7422) and start the node again; edges come in there.",
        )
    web, _ = listening(node.settings, node.folder)
    hub = LeafHub(node.folder.root / "edges", chosen.host, chosen.port, certificate=web.certificate, key=web.key)
    process = HubProcess(node, hub, [Path(each) for each in (web.certificate, web.key) if each])
    disk = DiskWatch(
        node.folder.root,
        low_mb=node.settings.node.disk_low_mb,
        stop_mb=node.settings.node.disk_stop_mb,
        clock=node.clock,
    )
    store = EdgeStore(node.records)

    def need_room() -> None:
        if disk.full:
            raise LimitExceeded(
                "The parent's disk is nearly full, so nothing more is taken in.",
                code="app.disk_full",
                hint="Free space at the parent; the edge keeps what it has, and goes on by itself.",
                retry_after_s=1.0,
            )

    def connect(edge_id: str) -> NatsConnection:
        return NatsConnection(hub.url_of(edge_id), name=f"{node.settings.node.name}/edges")

    metering = node.settings.metering
    limits = LimitWatch(node.records, Calendar(metering.utc_offset_h), node.clock, metering.watch_s)
    pacer = RatePacer(lambda: limits.ceilings, node.clock)
    rollouts = Rollouts(UpgradeStore(node.records), Shelf(node.folder.releases), node.clock)
    network = {NETWORK: NetworkDesk(NetworkStore(node.records), node.clock).take}
    receiver = EdgeReceiver(
        connect,
        node.bus,
        store,
        DesiredBuilder(node.records, {RULES: rules_of(node).read}, HandedStates(node.records, node.clock)),
        node.bus,
        node.clock,
        need_room,
        pacer.take_all,
        {**network, **rollouts.answers(), **answers_of(node, store)},
    )
    gate = EdgeGate(store, receiver, node.bus, Changes(node.records, node.bus), process.let_in)
    rebirths = RebirthRelay(EdgeRecords(node.records), node.bus)
    node.stats.sources += [lambda: figures(*receiver.figures(), []), disk.figures]
    return Composition([disk, limits, process, receiver, EdgeRelay(receiver, node.bus), rebirths, gate, rollouts])
