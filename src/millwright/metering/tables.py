"""Tables of metering in the records."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata, organisation, owned

_id = sa.String(40)

counts = sa.Table(
    "metering_counts",
    metadata,
    organisation(primary_key=True),
    sa.Column("meter", sa.String(64), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Index("ix_metering_counts_hour", "hour"),
    info=owned(kept=True),
)
"""Also of organisations that were removed, while they are among :data:`departed`."""

departed = sa.Table(
    "metering_departed",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("parent_id", _id),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("removed_ms", sa.BigInteger, nullable=False, index=True),
)
"""Organisations that were removed, where they were: who paid for them pays for what they used in that month."""

positions = sa.Table(
    "metering_positions",
    metadata,
    sa.Column("source", sa.String(128), primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
)

plans = sa.Table(
    "metering_plans",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    organisation(index=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False),
    info=owned(),
)

subscriptions = sa.Table(
    "metering_subscriptions",
    metadata,
    organisation(primary_key=True),
    sa.Column("from_day", sa.String(10), primary_key=True),
    sa.Column("plan_id", _id),
    sa.Column("version", sa.Integer),
    sa.Column("document", sa.JSON),
    sa.Column("bought", sa.JSON, nullable=False),
    info=owned(kept=True),
)

limits = sa.Table(
    "metering_limits",
    metadata,
    organisation(primary_key=True),
    sa.Column("document", sa.JSON, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    info=owned(),
)

statements = sa.Table(
    "metering_statements",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("number", sa.String(32), nullable=False, unique=True),
    organisation(),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("issued_ms", sa.BigInteger, nullable=False),
    sa.Column("issued_by", sa.String(128), nullable=False),
    sa.Index("uq_metering_statements_month", "organisation_id", "month", unique=True),
    info=owned(kept=True),
)

numbers = sa.Table(
    "metering_numbers",
    metadata,
    sa.Column("month", sa.String(7), primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)
