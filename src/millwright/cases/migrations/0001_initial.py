"""Cases, their history and their evidence."""

import sqlalchemy as sa
from alembic import op

revision = "cases_0001"
down_revision = None
branch_labels = ("cases",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cases_cases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("opened_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("assignee", sa.Text),
        sa.Column("deadline_ms", sa.BigInteger),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("kind", "cause", name="uq_cases_cases_cause"),
    )
    op.create_index("ix_cases_cases_opened", "cases_cases", ["kind", "opened_ms", "id"])
    op.create_index("ix_cases_cases_state", "cases_cases", ["kind", "state", "opened_ms"])
    op.create_index("ix_cases_cases_subject", "cases_cases", ["subject", "kind", "opened_ms"])
    op.create_table(
        "cases_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases_cases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("transition", sa.Text),
        sa.Column("from_state", sa.Text, nullable=False),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_index("ix_cases_entries_case", "cases_entries", ["case_id", "id"])
    op.create_table(
        "cases_evidence",
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases_cases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_index("ix_cases_evidence_complete", "cases_evidence", ["complete"])


def downgrade() -> None:
    for table in ("cases_evidence", "cases_entries", "cases_cases"):
        op.drop_table(table)
