"""Connections of field protocols, and the points they follow."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0003"
down_revision = "devices_0002"
branch_labels = None
depends_on = None

_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "devices_connections",
        sa.Column("id", _id, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("secrets", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("place_id", _id, sa.ForeignKey("devices_places.id", ondelete="SET NULL"), index=True),
        sa.Column("program", sa.String(255)),
        sa.Column("program_now", sa.String(255)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("points_revision", sa.Integer, nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_index("uq_devices_connections_name", "devices_connections", ["organisation_id", "name_key"], unique=True)
    op.create_table(
        "devices_points",
        sa.Column("id", _id, primary_key=True),
        sa.Column("connection_id", _id, sa.ForeignKey("devices_connections.id", ondelete="CASCADE"), nullable=False),
        sa.Column("address", sa.String(1024), nullable=False),
        sa.Column("device_id", _id, sa.ForeignKey("devices_devices.id", ondelete="CASCADE"), nullable=False),
        sa.Column("property", _key, nullable=False),
        sa.Column("interval_ms", sa.Integer, nullable=False),
        sa.Column("deadband", sa.Float, nullable=False),
        sa.Column("scale", sa.Float),
        sa.Column("offset", sa.Float),
        sa.Column("writable", sa.Boolean, nullable=False),
    )
    op.create_index("ix_devices_points_connection", "devices_points", ["connection_id", "id"])
    op.create_index("uq_devices_points_property", "devices_points", ["device_id", "property"], unique=True)
    op.execute("INSERT INTO devices_counters (name, value) VALUES ('connections_revision', 0)")


def downgrade() -> None:
    op.execute("DELETE FROM devices_counters WHERE name = 'connections_revision'")
    op.drop_table("devices_points")
    op.drop_table("devices_connections")
