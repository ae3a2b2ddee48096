"""What was sent to webhooks lately."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0008"
down_revision = "devices_0007"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "devices_webhook_deliveries",
        sa.Column("id", _id, primary_key=True),
        sa.Column("connection_id", _id, sa.ForeignKey("devices_connections.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("delivery_id", sa.String(255)),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("code", sa.String(64)),
        sa.Column("reason", sa.String(500)),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("readings", sa.Integer, nullable=False),
        sa.Column("peer", sa.String(64), nullable=False),
    )
    op.create_index("ix_devices_webhook_deliveries_connection", "devices_webhook_deliveries", ["connection_id", "id"])
    op.create_index(
        "ix_devices_webhook_deliveries_delivery", "devices_webhook_deliveries", ["connection_id", "delivery_id"]
    )


def downgrade() -> None:
    op.drop_table("devices_webhook_deliveries")
