"""Every row of cases_cases carries its organisation."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0002"
down_revision = "cases_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases_cases", sa.Column("organisation_id", sa.String(40), nullable=False, server_default="org_root"))


def downgrade() -> None:
    op.drop_column("cases_cases", "organisation_id")
