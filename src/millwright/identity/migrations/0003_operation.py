"""Figures of resolution, findings about it, mirrors of the register."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0003"
down_revision = "identity_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_figures",
        sa.Column("span", sa.String(8), primary_key=True),
        sa.Column("from_ms", sa.BigInteger, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "identity_findings",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(400), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("period", sa.BigInteger, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("names", sa.JSON, nullable=False),
        sa.Column("acknowledged_ms", sa.BigInteger),
        sa.Column("acknowledged_by", sa.String(200), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
    )
    op.create_index("ix_identity_findings_subject", "identity_findings", ["kind", "subject"])
    op.create_index("ix_identity_findings_last", "identity_findings", ["last_ms"])
    op.create_table(
        "identity_mirrors",
        sa.Column("node", sa.String(128), primary_key=True),
        sa.Column("told", sa.JSON, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("identity_mirrors", "identity_findings", "identity_figures"):
        op.drop_table(table)
