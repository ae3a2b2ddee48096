"""The composition root: settings → engines → domains → roles, and the supervisor that runs them on one machine.

The only place that knows everyone. A *role* is one process of a node (``listener``, ``historian``, ``resolver``,
``web``); roles talk over NATS and share the records database. ``millwright up`` supervises a nats-server and every role
on one machine, ``millwright run ROLE`` runs one of them anywhere.
"""

ROLES = ("historian", "listener", "resolver", "web")
"""Every role, in the order they start; they stop in reverse, so that each can flush into those before it."""

WHEN_NEEDED = ("connectors", "network", "location")
"""Roles that the supervisor runs while a marker in the data folder says that they are needed."""

FURTHER = ("edges", "edge", "vehicles")
"""Roles of nodes that need them: ``edges`` at a parent, ``edge`` at an edge, ``vehicles`` where those connect."""

ON_DEMAND = ("importer", "indexer", "history_importer", "history_exporter")
"""Roles that a process of the node starts when there is work for them, and that end when it is done."""


def name_of(role: str, number: int) -> str:
    """What process ``number`` of a role is called by the supervisor, and its log."""
    return role if number == 1 else f"{role}-{number}"


__all__ = ["FURTHER", "ON_DEMAND", "ROLES", "WHEN_NEEDED", "name_of"]
