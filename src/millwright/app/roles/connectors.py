"""The role ``connectors``: field protocols in, durable frames out."""

from __future__ import annotations

import logging
import os

from millwright.app.disk import DiskWatch
from millwright.app.edges import own_edge
from millwright.app.intake import guarded
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.stats import figures
from millwright.devices import Changes, ChangeWatch
from millwright.devices.connectors import Catalogue, ConnectionStore, Delivery, Desk, Host, Vault
from millwright.devices.connectors.delivery import documents_of
from millwright.devices.mqtt import JetStreamIntake
from millwright.engines.nats import NatsConnection

logger = logging.getLogger(__name__)


class LastStep:
    """The end of the process, when everything that was delivered is stored: threads and tasks that a connector left
    behind would keep it for ever. A part; the first to start, so that it is the last to stop."""

    def __init__(self, bus: NatsConnection) -> None:
        self._bus = bus

    async def start(self) -> None:
        """Nothing to begin."""

    async def stop(self) -> None:
        """Say goodbye and go."""
        await self._bus.stop()
        logger.info("connectors has stopped")
        logging.shutdown()
        os._exit(0)


def compose(node: Node) -> Composition:
    """The host, and what it stands on."""
    settings = node.settings.connectors
    name = f"{node.settings.node.name}-connectors"
    disk = DiskWatch(
        node.folder.root,
        low_mb=node.settings.node.disk_low_mb,
        stop_mb=node.settings.node.disk_stop_mb,
        clock=node.clock,
    )
    stream = JetStreamIntake(node.bus, name)
    intake, stamps = guarded(node, stream, disk, name)
    documents, more = guarded(node, JetStreamIntake(node.bus, documents_of(name)), disk, documents_of(name))
    delivery = Delivery(
        intake, stream.newest, documents, node.bus, node.clock, settings, listener_id=name, folder=node.folder.outbox
    )
    catalogue = Catalogue(folder=node.folder.root / "connectors")
    desk = Desk(catalogue, node.clock, settings.cancel_s)
    host = Host(
        ConnectionStore(node.records, own_edge(node.folder)),
        Vault(secrets_of(node)),
        catalogue,
        delivery,
        desk,
        node.bus,
        node.clock,
        settings,
        node=node.settings.node.name,
    )
    watch = ChangeWatch(node.bus, Changes(node.records, node.bus), host.device_changed)
    node.stats.sources.append(lambda: figures(**host.stats()))
    return Composition([LastStep(node.bus), disk, stream, *stamps, *more, delivery, desk, host, watch])
