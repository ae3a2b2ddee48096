"""The network of a *site*: this node's or an edge's, inventoried and watched.

Vocabulary: a *site* is one machine's view of the network around it; its *report* is all it sees in one *round*. A
*link* is a peer that the machine talks to anyway (gateway, parent, field device, name server); a *neighbour* is an
entry of its ARP or NDP tables; a *finding* is something that is not as it should be. A site that is *watched* has its
figures kept as readings of a device.

Invariants: nobody is asked whom the machine does not talk to, except by a scan that a person with the right asked for,
in a private network, slowly; of frames only heads are read, and nothing of them is kept but who spoke what.

Standards: rtnetlink and sock_diag, RFC 792, 4443 (echo), 826, 4861 (neighbours), 5227 (claims of an address), 3550
(jitter), 4330 (SNTP), IEEE 802.1AB (LLDP).
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.network.keeper import NetworkKeeper
    from millwright.devices.network.service import Networks
    from millwright.devices.network.settings import NetworkSettings
    from millwright.devices.network.store import NetworkStore

__getattr__ = exports(__name__)

__all__ = ["NetworkKeeper", "NetworkSettings", "NetworkStore", "Networks"]
