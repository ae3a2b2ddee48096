"""Where removed organisations were, as long as their counts are kept."""

import sqlalchemy as sa
from alembic import op

revision = "metering_0002"
down_revision = "metering_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metering_departed",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("parent_id", sa.String(40)),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("removed_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_metering_departed_removed_ms", "metering_departed", ["removed_ms"])


def downgrade() -> None:
    op.drop_table("metering_departed")
