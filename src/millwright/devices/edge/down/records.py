"""What the parent's records say and keep of an edge, besides what :mod:`millwright.devices.edge.store` does."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from millwright.devices.connectors.model import ConnectionHealth
from millwright.devices.connectors.tables import connections
from millwright.devices.errors import edge_revoked, not_found
from millwright.devices.store import devices, edges
from millwright.engines.sql import Records


class EdgeRecords:
    """Every method is one transaction, and blocks."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def need(self, edge_id: str) -> str | None:
        """The key that secrets of an edge are sealed with; ``None`` when it has none. Raises ``NotFound``,
        ``Conflict`` (``devices.edge_revoked``)."""
        query = sa.select(edges.c.seal_key, edges.c.revoked_ms).where(edges.c.id == edge_id)
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise not_found("edge", edge_id)
        if row.revoked_ms is not None:
            raise edge_revoked(edge_id)
        return row.seal_key  # type: ignore[no-any-return]  # a column of text

    def report(self, edge_id: str, health: Iterable[ConnectionHealth], now_ms: int) -> None:
        """Keep how connections do, as their edge says; of connections that are not at it nothing is kept."""
        with self._records.begin() as connection:
            for each in health:
                connection.execute(
                    sa.update(connections)
                    .where(connections.c.id == each.connection_id, connections.c.edge_id == edge_id)
                    .values(reported=msgspec.to_builtins(each), reported_ms=now_ms)
                )

    def find_edge_of(self, group_id: str, edge_node_id: str) -> str | None:
        """The edge that an edge node of Sparkplug connects at."""
        query = sa.select(devices.c.edge_id).where(
            devices.c.sparkplug_group == group_id,
            devices.c.sparkplug_edge == edge_node_id,
            devices.c.sparkplug_device == "",  # the edge node itself
            devices.c.edge_id.is_not(None),
        )
        with self._records.read() as connection:
            found: str | None = connection.scalar(query)
        return found
