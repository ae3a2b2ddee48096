"""Which desired states edges have in force, and which commands are wanted back from them."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0014"
down_revision = "devices_0013"
branch_labels = None
depends_on = None

_id = sa.String(40)


def upgrade() -> None:
    op.add_column("devices_commands", sa.Column("withdrawal", sa.JSON(none_as_null=True)))
    op.add_column("devices_edges", sa.Column("in_force", sa.String(16)))
    op.add_column("devices_edges", sa.Column("not_in_force", sa.JSON))
    op.create_table(
        "devices_edge_handed",
        sa.Column("edge_id", _id, sa.ForeignKey("devices_edges.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.String(16), primary_key=True),
        sa.Column("handed_ms", sa.BigInteger, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("devices_edge_handed")
    op.drop_column("devices_edges", "not_in_force")
    op.drop_column("devices_edges", "in_force")
    op.drop_column("devices_commands", "withdrawal")
