"""Every row of operations_rules carries its organisation."""

import sqlalchemy as sa
from alembic import op

revision = "operations_0002"
down_revision = "operations_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "operations_rules", sa.Column("organisation_id", sa.String(40), nullable=False, server_default="org_root")
    )


def downgrade() -> None:
    op.drop_column("operations_rules", "organisation_id")
