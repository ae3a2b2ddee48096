"""Retention policies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "historian_0001"
down_revision = None
branch_labels = ("historian",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "historian_policies",
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("device_id", sa.String(255), nullable=False),
        sa.Column("property", sa.String(255), nullable=False),
        sa.Column("keep_days", sa.Integer),
    )
