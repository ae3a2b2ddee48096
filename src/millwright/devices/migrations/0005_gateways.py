"""Gateways, the devices below them, the names that devices have on another platform; imports of readings."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0005"
down_revision = "devices_0004"
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
    op.create_table(
        "devices_reading_imports",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("organisation_id", sa.String(40), nullable=False, server_default="org_root"),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("file_format", sa.String(10), nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.JSON),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("who_name", sa.String(128), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("readings", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("refused_bytes", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("wanted", sa.String(12), nullable=False),
        sa.Column("error", sa.JSON),
    )
    op.create_index("ix_devices_reading_imports_state", "devices_reading_imports", ["state"])
    op.create_index("ix_devices_reading_imports_organisation", "devices_reading_imports", ["organisation_id", "id"])


def downgrade() -> None:
    op.drop_table("devices_reading_imports")
    op.drop_column("devices_arrivals", "address")
    op.drop_index("uq_devices_devices_foreign", "devices_devices")
    for column in ("registers", "foreign_name", "foreign_realm", "foreign_dialect"):
        op.drop_column("devices_devices", column)
