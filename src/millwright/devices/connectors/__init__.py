"""Connectors: field protocols in, by one small contract that others can implement too.

Vocabulary: see :mod:`.contract`. A *mapping* says which property of which device a point feeds. The *host* is the
process that runs connections (role ``connectors``); it runs while a connection is enabled or somebody asks a field
device something.

Invariants: a connector never touches the store, the bus or another connector; what it delivers takes the same durable
way as what devices send by MQTT; a connector that hangs, leaks or dies does no harm to any other; a property of a
device is fed by one point at most; secrets of settings are sealed and never shown.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.connectors.catalogue import Catalogue
    from millwright.devices.connectors.delivery import Delivery
    from millwright.devices.connectors.desk import Desk
    from millwright.devices.connectors.host import Host
    from millwright.devices.connectors.keeper import HostKeeper
    from millwright.devices.connectors.route import ConnectorRoute
    from millwright.devices.connectors.rpc import HostClient
    from millwright.devices.connectors.service import Connectors
    from millwright.devices.connectors.settings import ConnectorsSettings
    from millwright.devices.connectors.store import ConnectionStore
    from millwright.devices.connectors.things import Things
    from millwright.devices.connectors.vault import Vault

__getattr__ = exports(__name__)

__all__ = [
    "Catalogue",
    "ConnectionStore",
    "ConnectorRoute",
    "Connectors",
    "ConnectorsSettings",
    "Delivery",
    "Desk",
    "Host",
    "HostClient",
    "HostKeeper",
    "Things",
    "Vault",
]
