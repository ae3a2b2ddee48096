"""Policies, and requests that wait for a second person."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_0001"
down_revision = None
branch_labels = ("approvals",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approvals_policies",
        sa.Column("organisation_id", sa.String(40), primary_key=True),
        sa.Column("actions", sa.JSON, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.String(128), nullable=False),
    )
    op.create_table(
        "approvals_requests",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("requester_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("request", sa.Text),
        sa.Column("answer", sa.Text),
    )
    op.create_index("ix_approvals_requests_requester", "approvals_requests", ["requester_id", "id"])
    op.create_index("ix_approvals_requests_organisation", "approvals_requests", ["organisation_id", "id"])
    op.create_index("ix_approvals_requests_state", "approvals_requests", ["state", "expires_ms"])


def downgrade() -> None:
    for table in ("approvals_requests", "approvals_policies"):
        op.drop_table(table)
