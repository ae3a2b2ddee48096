"""Roll-outs have a signed permission."""

import sqlalchemy as sa
from alembic import op

revision = "devices_0013"
down_revision = "devices_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices_rollouts", sa.Column("permission", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("devices_rollouts", "permission")
