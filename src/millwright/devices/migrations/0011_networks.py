"""The network of sites: what each reported last, and the neighbours it has seen."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0011"
down_revision = "devices_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "devices_networks",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("device_id", sa.String(40)),
        sa.Column("watched", sa.Boolean, nullable=False),
        sa.Column("seen_ms", sa.BigInteger),
        sa.Column("report", sa.JSON(none_as_null=True)),
        sa.Column("scan", sa.JSON(none_as_null=True)),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_table(
        "devices_network_neighbours",
        sa.Column(
            "network_id", sa.String(80), sa.ForeignKey("devices_networks.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("mac", sa.String(64), primary_key=True),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("known", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("devices_network_neighbours")
    op.drop_table("devices_networks")
