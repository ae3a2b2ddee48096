"""What is at an edge besides devices: connections, commands that the edge carries out, and what stands against them."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0009"
down_revision = "devices_0008"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.add_column("devices_edges", sa.Column("seal_key", sa.String(64)))
    op.add_column("devices_connections", sa.Column("edge_id", _id))
    op.add_column("devices_connections", sa.Column("edge_secrets", sa.JSON))
    op.add_column("devices_connections", sa.Column("reported", sa.JSON))
    op.add_column("devices_connections", sa.Column("reported_ms", sa.BigInteger))
    op.create_index("ix_devices_connections_edge_id", "devices_connections", ["edge_id"])
    op.add_column("devices_commands", sa.Column("asked_above", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("devices_commands", sa.Column("told_above", sa.String(16)))
    op.add_column("devices_interlocks", sa.Column("from_above", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("devices_locks", sa.Column("from_above", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_devices_commands_asked_above", "devices_commands", ["asked_above"])


def downgrade() -> None:
    op.drop_index("ix_devices_commands_asked_above", "devices_commands")
    op.drop_column("devices_locks", "from_above")
    op.drop_column("devices_interlocks", "from_above")
    op.drop_column("devices_commands", "told_above")
    op.drop_column("devices_commands", "asked_above")
    op.drop_index("ix_devices_connections_edge_id", "devices_connections")
    op.drop_column("devices_connections", "reported_ms")
    op.drop_column("devices_connections", "reported")
    op.drop_column("devices_connections", "edge_secrets")
    op.drop_column("devices_connections", "edge_id")
    op.drop_column("devices_edges", "seal_key")
