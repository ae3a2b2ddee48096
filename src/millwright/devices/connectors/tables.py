"""The tables of connections and points."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.devices.store import Key, counters
from millwright.engines.secrets import sealed
from millwright.engines.sql import metadata, organisation, owned, owned_through

REVISION = "connections_revision"
"""The counter that moves with every change of a connection or its points."""
SECRETS = "devices.connections"
"""What the secret settings of a connection are sealed for."""

_id = sa.String(40)

connections = sa.Table(
    "devices_connections",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", Key, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("secrets", sa.Text, info=sealed(SECRETS)),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL"), index=True),
    sa.Column("program", sa.String(255)),
    sa.Column("program_now", sa.String(255)),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("points_revision", sa.Integer, nullable=False),
    sa.Column("edge_id", _id, index=True),
    sa.Column("edge_secrets", sa.JSON(none_as_null=True)),
    sa.Column("reported", sa.JSON(none_as_null=True)),
    sa.Column("reported_ms", sa.BigInteger),
    organisation(),
    sa.Index("uq_devices_connections_name", "organisation_id", "name_key", unique=True),
    info=owned(),
)
"""``program`` is the fingerprint of what runs on the other side that a person knows of; ``program_now`` the last one
that was met. A connection with an ``edge_id`` runs at that edge: ``edge_secrets`` are its secrets by name, each sealed
for the edge alone, and ``reported`` is how it does, as the edge said at ``reported_ms``. At the edge itself ``edge_id``
marks what came from the parent."""

points = sa.Table(
    "devices_points",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("connection_id", _id, sa.ForeignKey("devices_connections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("address", sa.String(1024), nullable=False),
    sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False),
    sa.Column("property", Key, nullable=False),
    sa.Column("interval_ms", sa.Integer, nullable=False),
    sa.Column("deadband", sa.Float, nullable=False),
    sa.Column("scale", sa.Float),
    sa.Column("offset", sa.Float),
    sa.Column("writable", sa.Boolean, nullable=False),
    sa.Index("ix_devices_points_connection", "connection_id", "id"),
    sa.Index("uq_devices_points_property", "device_id", "property", unique=True),
    info=owned_through(connections, "connection_id"),
)


def revision(connection: sa.Connection) -> int:
    """The value of the counter."""
    return int(connection.scalar(sa.select(counters.c.value).where(counters.c.name == REVISION)) or 0)


def bump(connection: sa.Connection) -> None:
    """Count a change, in the caller's transaction."""
    connection.execute(sa.update(counters).where(counters.c.name == REVISION).values(value=counters.c.value + 1))


def touch_points(connection: sa.Connection, connection_id: str) -> None:
    """Say that the points of a connection are others now."""
    connection.execute(
        sa.update(connections)
        .where(connections.c.id == connection_id)
        .values(points_revision=connections.c.points_revision + 1)
    )
    bump(connection)
