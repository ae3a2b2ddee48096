"""Gateways, the devices below them, and the names that devices have on another platform."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0005"
down_revision = "devices_0002"
branch_labels = None
depends_on = None

_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("devices_devices", sa.Column("foreign_dialect", sa.String(20)))
    op.add_column("devices_devices", sa.Column("foreign_realm", _key))
    op.add_column("devices_devices", sa.Column("foreign_name", _key))
    op.add_column("devices_devices", sa.Column("registers", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "uq_devices_devices_foreign",
        "devices_devices",
        ["organisation_id", "foreign_dialect", "foreign_realm", "foreign_name"],
        unique=True,
    )
    op.add_column("devices_arrivals", sa.Column("address", sa.JSON))


def downgrade() -> None:
    op.drop_column("devices_arrivals", "address")
    op.drop_index("uq_devices_devices_foreign", "devices_devices")
    for column in ("registers", "foreign_name", "foreign_realm", "foreign_dialect"):
        op.drop_column("devices_devices", column)
