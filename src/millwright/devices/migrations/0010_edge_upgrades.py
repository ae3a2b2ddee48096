"""Releases on the shelf, and roll-outs that bring them to edges."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0010"
down_revision = "devices_0009"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "devices_releases",
        sa.Column("id", _id, primary_key=True),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "devices_rollouts",
        sa.Column("id", _id, primary_key=True),
        sa.Column("release_id", _id, sa.ForeignKey("devices_releases.id"), nullable=False, index=True),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("group", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("trial_s", sa.Float, nullable=False),
        sa.Column("settle_s", sa.Float, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("results", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("devices_rollouts")
    op.drop_table("devices_releases")
