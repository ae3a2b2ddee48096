"""The table of imports of readings."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned

_id = sa.String(40)

reading_imports = sa.Table(
    "devices_reading_imports",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("file_name", sa.String(200), nullable=False),
    sa.Column("file_format", sa.String(10), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("settings", sa.JSON(none_as_null=True)),
    sa.Column("scope", sa.JSON, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("who_name", sa.String(128), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("readings", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("refused_bytes", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("wanted", sa.String(12), nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("told", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index("ix_devices_reading_imports_state", "state"),
    sa.Index("ix_devices_reading_imports_organisation", "organisation_id", "id"),
    info=owned(),
)
"""``rows`` … ``refused_bytes`` are how far it is. ``scope``: the organisations whose devices it may write. ``wanted``:
what the one who runs it shall do behind the part at hand: ``run``, ``pause`` or ``cancel``.
``told``: its end is in the ledger."""
