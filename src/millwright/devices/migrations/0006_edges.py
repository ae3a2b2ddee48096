"""Edges: nodes below this one, and which devices are at which."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0006"
down_revision = "devices_0005"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "devices_edges",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", sa.String(255), nullable=False),
        sa.Column("place_id", _id),
        sa.Column("code_digest", sa.LargeBinary(32), unique=True),
        sa.Column("code_expires_ms", sa.BigInteger),
        sa.Column("public_key", sa.String(80), unique=True),
        sa.Column("joined_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger),
        sa.Column("connected_ms", sa.BigInteger),
        sa.Column("status", sa.JSON),
        sa.Column("organisation_id", _id, nullable=False),
    )
    op.create_index("uq_devices_edges_name", "devices_edges", ["organisation_id", "name_key"], unique=True)
    op.add_column("devices_devices", sa.Column("edge_id", _id))
    op.create_index("ix_devices_devices_edge_id", "devices_devices", ["edge_id"])
    op.create_table(
        "devices_edge_past",
        sa.Column("edge_id", _id, sa.ForeignKey("devices_edges.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("device_id", _id, primary_key=True),
    )


def downgrade() -> None:
    op.drop_table("devices_edge_past")
    op.drop_index("ix_devices_devices_edge_id", "devices_devices")
    op.drop_column("devices_devices", "edge_id")
    op.drop_table("devices_edges")
