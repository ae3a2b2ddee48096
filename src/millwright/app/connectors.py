"""How connectors are joined in the processes that keep connections and ask field devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from millwright.app.edges import own_edge
from millwright.app.node import Node
from millwright.devices import DevicesService
from millwright.devices.connectors import (
    Catalogue,
    ConnectionStore,
    ConnectorRoute,
    Connectors,
    HostClient,
    HostKeeper,
    Things,
    Vault,
)
from millwright.devices.connectors.webhook.deliveries import DeliveryStore
from millwright.devices.connectors.webhook.receiving import Pace, Webhooks
from millwright.devices.edge import EdgePlacements, EdgeRecords
from millwright.engines.secrets import Secrets
from millwright.kernel.scope import EVERYTHING


@dataclass(frozen=True, slots=True)
class Field:
    """``services`` are what routes ask for by name; ``keeper`` is a part; ``webhooks`` answers senders."""

    services: dict[str, Any]
    keeper: HostKeeper
    webhooks: Webhooks


def connectors_of(node: Node, devices: DevicesService, secrets: Secrets, pace: Pace) -> Field:
    """The use cases of connectors, and what has the host started when it is needed."""
    settings = node.settings.connectors
    here = own_edge(node.folder)
    store = ConnectionStore(node.records, here)
    keeper = HostKeeper(
        ConnectionStore(node.records.scoped(EVERYTHING), here),
        node.folder.wanted("connectors"),
        node.clock,
        settings.linger_s,
    )
    host = HostClient(node.bus, node.settings.node.name, keeper.wake)
    connectors = Connectors(
        store,
        Vault(secrets),
        Catalogue(),
        devices.device_store,
        host,
        node.bus,
        node.clock,
        settings,
        keep_out=node.folder.root,
        at_edges=EdgePlacements(EdgeRecords(node.records), node.bus) if node.settings.edges.port else None,
    )
    everything = node.records.scoped(EVERYTHING)
    webhooks = Webhooks(
        ConnectionStore(everything), Vault(secrets), Catalogue(), host, DeliveryStore(everything), node.clock, pace
    )
    services = {
        "connectors": connectors,
        "things": Things(connectors, devices),
        "webhook_deliveries": DeliveryStore(node.records),
    }
    return Field(services, keeper, webhooks)


def points_of(node: Node) -> ConnectorRoute:
    """The way of commands to field devices: points of connections that are enabled, so that the host runs."""
    return ConnectorRoute(
        ConnectionStore(node.records, own_edge(node.folder)), HostClient(node.bus, node.settings.node.name)
    )
