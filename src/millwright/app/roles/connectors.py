"""The role ``connectors``: field protocols in, durable frames out."""

from __future__ import annotations

from millwright.app.disk import DiskWatch
from millwright.app.intake import GuardedIntake
from millwright.app.node import Composition, Node, secrets_of
from millwright.app.stats import figures
from millwright.devices import Changes, ChangeWatch
from millwright.devices.connectors import Catalogue, ConnectionStore, Delivery, Desk, Host, Vault
from millwright.devices.mqtt import JetStreamIntake


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
    delivery = Delivery(GuardedIntake(stream, disk), node.bus, node.clock, settings, listener_id=name)
    catalogue = Catalogue()
    desk = Desk(catalogue, node.clock, settings.cancel_s)
    host = Host(
        ConnectionStore(node.records),
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
    return Composition([disk, stream, delivery, desk, host, watch])
