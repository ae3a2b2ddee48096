"""Counts, price plans, subscriptions, limits and statements."""

import sqlalchemy as sa
from alembic import op

revision = "metering_0001"
down_revision = None
branch_labels = ("metering",)
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "metering_counts",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("meter", sa.String(64), primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_metering_counts_hour", "metering_counts", ["hour"])
    op.create_table(
        "metering_positions",
        sa.Column("source", sa.String(128), primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "metering_plans",
        sa.Column("id", _id, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("organisation_id", _id, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False),
    )
    op.create_index("ix_metering_plans_organisation_id", "metering_plans", ["organisation_id"])
    op.create_table(
        "metering_subscriptions",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("from_day", sa.String(10), primary_key=True),
        sa.Column("plan_id", _id),
        sa.Column("version", sa.Integer),
        sa.Column("document", sa.JSON),
        sa.Column("bought", sa.JSON, nullable=False),
    )
    op.create_table(
        "metering_limits",
        sa.Column("organisation_id", _id, primary_key=True),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "metering_statements",
        sa.Column("id", _id, primary_key=True),
        sa.Column("number", sa.String(32), nullable=False, unique=True),
        sa.Column("organisation_id", _id, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("issued_by", sa.String(128), nullable=False),
    )
    op.create_index("uq_metering_statements_month", "metering_statements", ["organisation_id", "month"], unique=True)
    op.create_table(
        "metering_numbers",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for name in ("numbers", "statements", "limits", "subscriptions", "plans", "positions", "counts"):
        op.drop_table(f"metering_{name}")
