"""Data keys."""

import sqlalchemy as sa
from alembic import op

revision = "secrets_0001"
down_revision = None
branch_labels = ("secrets",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secrets_keys",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("cipher", sa.String(20), nullable=False),
        sa.Column("wrapped", sa.Text, nullable=False),
        sa.Column("wrapped_by", sa.String(64), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("retired_ms", sa.BigInteger),
    )
