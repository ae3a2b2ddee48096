"""How connectors are joined in the processes that keep connections and ask field devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
from millwright.engines.secrets import Secrets
from millwright.kernel.scope import EVERYTHING


@dataclass(frozen=True, slots=True)
class Field:
    """``services`` are what routes ask for by name; ``keeper`` is a part."""

    services: dict[str, Any]
    keeper: HostKeeper


def connectors_of(node: Node, devices: DevicesService, secrets: Secrets) -> Field:
    """The use cases of connectors, and what has the host started when it is needed."""
    settings = node.settings.connectors
    store = ConnectionStore(node.records)
    keeper = HostKeeper(
        ConnectionStore(node.records.scoped(EVERYTHING)),
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
    )
    services = {"connectors": connectors, "things": Things(connectors, devices)}
    return Field(services, keeper)


def points_of(node: Node) -> ConnectorRoute:
    """The way of commands to field devices: points of connections that are enabled, so that the host runs."""
    return ConnectorRoute(ConnectionStore(node.records), HostClient(node.bus, node.settings.node.name))
