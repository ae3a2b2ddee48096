"""The tables of sites and their neighbours."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned, owned_through

_id = sa.String(80)

networks = sa.Table(
    "devices_networks",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("device_id", sa.String(40)),
    sa.Column("watched", sa.Boolean, nullable=False),
    sa.Column("seen_ms", sa.BigInteger),
    sa.Column("report", sa.JSON(none_as_null=True)),
    sa.Column("scan", sa.JSON(none_as_null=True)),
    organisation(),
    info=owned(),
)
"""``id``: that of the edge, or ``node-`` and the name of the node. ``scan``: what somebody asked for last."""

neighbours = sa.Table(
    "devices_network_neighbours",
    metadata,
    sa.Column("network_id", _id, sa.ForeignKey("devices_networks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("mac", sa.String(64), primary_key=True),
    sa.Column("first_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("known", sa.Boolean, nullable=False),
    info=owned_through(networks, "network_id"),
)
