"""Sparkplug topics: ``spBv1.0/<group>/<message type>/<edge node>[/<device>]`` (Sparkplug 3.0, section 4.1)."""

from __future__ import annotations

from typing import Final, NamedTuple

NAMESPACE: Final = "spBv1.0"
NODE_TYPES: Final = frozenset({"NBIRTH", "NDEATH", "NDATA"})
DEVICE_TYPES: Final = frozenset({"DBIRTH", "DDEATH", "DDATA"})


class Topic(NamedTuple):
    """The parts of a topic an edge node publishes to."""

    group_id: str
    type: str
    edge_node_id: str
    device: str | None


def find_topic(topic: str) -> Topic | None:
    """The parts of ``topic``, or ``None`` when it is none that edge nodes publish to."""
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE or not all(parts):
        return None
    _, group_id, kind, edge_node_id, *rest = parts
    if kind not in (DEVICE_TYPES if rest else NODE_TYPES):
        return None
    return Topic(group_id, kind, edge_node_id, rest[0] if rest else None)


def command_topic(group_id: str, edge_node_id: str) -> str:
    """Where commands to an edge node go."""
    return f"{NAMESPACE}/{group_id}/NCMD/{edge_node_id}"


def state_topic(host_id: str) -> str:
    """Where a host application says whether it is online."""
    return f"{NAMESPACE}/STATE/{host_id}"
