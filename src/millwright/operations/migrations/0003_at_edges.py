"""Rules that came from a parent, what they raised that it has not heard, and what a parent heard of its edges."""

import sqlalchemy as sa
from alembic import op

revision = "operations_0003"
down_revision = "operations_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operations_rules", sa.Column("from_above", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "operations_untold",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("change", sa.JSON, nullable=False),
    )
    op.create_table(
        "operations_heard",
        sa.Column("edge_id", sa.String(40), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("operations_heard")
    op.drop_table("operations_untold")
    op.drop_column("operations_rules", "from_above")
