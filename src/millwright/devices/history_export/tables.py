"""The tables of exports of readings."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned

_id = sa.String(40)

reading_exports = sa.Table(
    "devices_reading_exports",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("follows", sa.Boolean, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("who_name", sa.String(128), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.Column("next_ms", sa.BigInteger),
    sa.Column("reached_ms", sa.BigInteger),
    sa.Index("ix_devices_reading_exports_organisation", "organisation_id", "id"),
    sa.Index("ix_devices_reading_exports_next", "next_ms"),
    info=owned(),
)
"""``follows``: its window is ``new``; ``reached_ms``: up to which arrival it was exported."""

reading_export_runs = sa.Table(
    "devices_reading_export_runs",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("export_id", _id, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("cause", sa.String(12), nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("who_name", sa.String(128), nullable=False),
    sa.Column("due_ms", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("from_ms", sa.BigInteger),
    sa.Column("to_ms", sa.BigInteger),
    sa.Column("series", sa.BigInteger, nullable=False),
    sa.Column("series_total", sa.BigInteger),
    sa.Column("readings", sa.BigInteger, nullable=False),
    sa.Column("organisations", sa.JSON, nullable=False),
    sa.Column("file_name", sa.String(200), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("has_file", sa.Boolean, nullable=False),
    sa.Column("wanted", sa.String(12), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Index("ix_devices_reading_export_runs_state", "state"),
    sa.Index("ix_devices_reading_export_runs_export", "export_id", "id"),
    info=owned(),
)
"""``settings`` and ``who`` are the export's when the run was made; ``told``: its end is in the ledger;
``tries``: how often it was begun and nobody said how it ended."""
