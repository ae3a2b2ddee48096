"""Edges: nodes on small machines near the devices, joined to this one, their *parent*, as NATS leaf nodes.

Vocabulary: an edge is *enrolled* here and *joins* from its machine with a one-time *code*. Its *link* is the leaf
connection of its broker to the parent's hub (:class:`millwright.engines.nats.LeafHub`), in an account of its own.
What its devices send is stored at the edge and *forwarded* up the link; what waits there is the *backlog*. Frames go in
*lanes*: ``all`` in order from the oldest, and while that is behind, a *live* lane that starts at the newest. The
*positions*, up to where each lane is stored, are the parent's alone to know (:mod:`.positions`); the edge asks for them
when the link is up and sends what comes behind. The *desired state* says which devices connect at the edge.

Invariants: what an edge was told is stored is in the parent's stream ``INTAKE`` or beyond, once. Of a device the
frames of one lane are stored in order. An edge can speak only for devices that are, or were, registered at it.
"""

from typing import TYPE_CHECKING

from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.devices.edge.down.placements import EdgePlacements
    from millwright.devices.edge.down.records import EdgeRecords
    from millwright.devices.edge.down.relay import EdgeRelay
    from millwright.devices.edge.model import (
        Edge,
        EdgeChange,
        EdgeEnrolled,
        EdgeEnrolment,
        Joined,
        JoinRequest,
        NewEdge,
    )
    from millwright.devices.edge.service import EdgeDoor, Edges
    from millwright.devices.edge.settings import EdgeSettings, EdgesSettings
    from millwright.devices.edge.store import EdgeStore

__getattr__ = exports(__name__)

__all__ = [
    "Edge",
    "EdgeChange",
    "EdgeDoor",
    "EdgePlacements",
    "EdgeRecords",
    "EdgeRelay",
    "EdgeSettings",
    "EdgeStore",
    "Edges",
    "EdgesSettings",
    "EdgeEnrolled",
    "EdgeEnrolment",
    "JoinRequest",
    "Joined",
    "NewEdge",
]
