"""Tables of registration: numbers that were given, keys of sealed values, imports."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.secrets import sealed
from millwright.engines.sql import metadata, organisation, owned

_id = sa.String(40)

serials = sa.Table(
    "identity_serials",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("key", sa.String(400), nullable=False),
    sa.Column("next", sa.BigInteger, nullable=False),
    sa.Index("uq_identity_serials_key", "organisation_id", "key", unique=True),
    info=owned(),
)
"""The next number behind each beginning, ``key``."""

value_keys = sa.Table(
    "identity_value_keys",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(index=True),
    sa.Column("key", sa.Text, nullable=False, info=sealed("identity.value_keys")),
    sa.Column("cipher", sa.String(20), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    info=owned(kept=True),
)
"""Keys of organisations' sealed values. They outlive an organisation, for its prefix may have been transferred."""

imports = sa.Table(
    "identity_imports",
    metadata,
    sa.Column("id", _id, primary_key=True),
    organisation(),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("file_name", sa.String(200), nullable=False),
    sa.Column("file_bytes", sa.BigInteger, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("columns", sa.JSON, nullable=False),
    sa.Column("scope", sa.JSON, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("who_name", sa.String(128), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger),
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("registered", sa.BigInteger, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sa.Column("unchanged", sa.BigInteger, nullable=False),
    sa.Column("refused", sa.BigInteger, nullable=False),
    sa.Column("refused_bytes", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Index("ix_identity_imports_state", "state"),
    sa.Index("ix_identity_imports_organisation", "organisation_id", "id"),
    info=owned(),
)
"""``rows`` … ``part`` are how far it is: changed in one statement after each part. ``scope``: the organisations under
whose prefixes it may register. ``told``: its end is in the ledger."""
