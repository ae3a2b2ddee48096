"""Exports of readings and their runs; whether the ledger was told of the end of an import; signatures of webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0012"
down_revision = "devices_0011"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "devices_reading_exports",
        sa.Column("id", _id, primary_key=True),
        sa.Column("organisation_id", _id, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("follows", sa.Boolean, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("who_name", sa.String(128), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("next_ms", sa.BigInteger),
        sa.Column("reached_ms", sa.BigInteger),
    )
    op.create_index("ix_devices_reading_exports_organisation", "devices_reading_exports", ["organisation_id", "id"])
    op.create_index("ix_devices_reading_exports_next", "devices_reading_exports", ["next_ms"])
    op.create_table(
        "devices_reading_export_runs",
        sa.Column("id", _id, primary_key=True),
        sa.Column("organisation_id", _id, nullable=False),
        sa.Column("export_id", _id, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("cause", sa.String(12), nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("who_name", sa.String(128), nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("from_ms", sa.BigInteger),
        sa.Column("to_ms", sa.BigInteger),
        sa.Column("series", sa.BigInteger, nullable=False),
        sa.Column("series_total", sa.BigInteger),
        sa.Column("readings", sa.BigInteger, nullable=False),
        sa.Column("organisations", sa.JSON, nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("has_file", sa.Boolean, nullable=False),
        sa.Column("wanted", sa.String(12), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("error", sa.JSON),
    )
    op.create_index("ix_devices_reading_export_runs_state", "devices_reading_export_runs", ["state"])
    op.create_index("ix_devices_reading_export_runs_export", "devices_reading_export_runs", ["export_id", "id"])
    # What ended before was told when it was asked for, as far as it was told at all.
    op.add_column("devices_reading_imports", sa.Column("told", sa.Boolean, nullable=False, server_default=sa.true()))
    op.add_column("devices_webhook_deliveries", sa.Column("proof", sa.String(64)))
    op.create_index("ix_devices_webhook_deliveries_proof", "devices_webhook_deliveries", ["connection_id", "proof"])


def downgrade() -> None:
    op.drop_index("ix_devices_webhook_deliveries_proof", "devices_webhook_deliveries")
    op.drop_column("devices_webhook_deliveries", "proof")
    op.drop_column("devices_reading_imports", "told")
    op.drop_table("devices_reading_export_runs")
    op.drop_table("devices_reading_exports")
