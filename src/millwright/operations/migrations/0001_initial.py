"""Rules, their revision counter, and the states of watches."""

import sqlalchemy as sa
from alembic import op

revision = "operations_0001"
down_revision = None
branch_labels = ("operations",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operations_rules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text),
        sa.Column("model_id", sa.Text),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_index("ix_operations_rules_name", "operations_rules", ["name", "id"])
    revisions = op.create_table(
        "operations_revisions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(revisions, [{"name": "rules", "value": 0}])
    op.create_table(
        "operations_watches",
        sa.Column("rule_id", sa.Text, primary_key=True),
        sa.Column("device_id", sa.Text, primary_key=True),
        sa.Column("property", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("phase", sa.Integer, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("trigger_ms", sa.BigInteger, nullable=False),
        sa.Column("high_side", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    for table in ("operations_watches", "operations_revisions", "operations_rules"):
        op.drop_table(table)
