"""Tables of watching resolution. They belong to the node; who may see a finding is chosen in the service."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata

_id = sa.String(40)

figures = sa.Table(
    "identity_figures",
    metadata,
    sa.Column("span", sa.String(8), primary_key=True),
    sa.Column("from_ms", sa.BigInteger, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
"""One row for each minute (kept for 25 hours) and each hour (31 days): a :class:`.Bucket` in MessagePack."""

findings = sa.Table(
    "identity_findings",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(400), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("first_ms", sa.BigInteger, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
    sa.Column("period", sa.BigInteger, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("names", sa.JSON, nullable=False),
    sa.Column("acknowledged_ms", sa.BigInteger),
    sa.Column("acknowledged_by", sa.String(200), nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Index("ix_identity_findings_subject", "kind", "subject"),
    sa.Index("ix_identity_findings_last", "last_ms"),
)

mirrors = sa.Table(
    "identity_mirrors",
    metadata,
    sa.Column("node", sa.String(128), primary_key=True),
    sa.Column("told", sa.JSON, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
)
"""The mirrors that told themselves, so that one that is silent is missed after a restart, too."""
