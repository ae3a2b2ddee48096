"""Nodes above and below, what is filed between them, and their reports."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0005"
down_revision = "identity_0004"
branch_labels = None
depends_on = None

ID, NAME, KEY, DIGEST, TIME = sa.String(40), sa.String(200), sa.String(400), sa.String(64), sa.BigInteger


def upgrade() -> None:
    op.create_table(
        "identity_filing_uppers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("url", sa.String(400), nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("ca", sa.Text, nullable=False),
        sa.Column("public_key", sa.String(400)),
        sa.Column("systems", sa.JSON, nullable=False),
        sa.Column("prefixes", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("report_every_h", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_ms", TIME, nullable=False),
        sa.Column("answered_ms", TIME),
        sa.Column("problem", sa.JSON),
        sa.Column("created_ms", TIME, nullable=False),
        sa.Column("changed_ms", TIME, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "identity_filings_sent",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("upper_id", ID, nullable=False),
        sa.Column("upper_name", NAME, nullable=False),
        sa.Column("prefix_id", ID, nullable=False),
        sa.Column("received_id", ID),
        sa.Column("system", sa.String(12), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("event", sa.String(12), nullable=False),
        sa.Column("sequence", TIME, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("upper_key", sa.String(400)),
        sa.Column("answer", sa.JSON),
        sa.Column("number", NAME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("polls", sa.Integer, nullable=False),
        sa.Column("next_ms", TIME),
        sa.Column("prepared_ms", TIME, nullable=False),
        sa.Column("sent_ms", TIME),
        sa.Column("answered_ms", TIME),
    )
    op.create_index("ix_identity_filings_sent_prefix_id", "identity_filings_sent", ["prefix_id"])
    op.create_index("ix_identity_filings_sent_received_id", "identity_filings_sent", ["received_id"])
    op.create_index("ix_identity_filings_sent_key", "identity_filings_sent", ["key"])
    op.create_index("ix_identity_filings_sent_due", "identity_filings_sent", ["upper_id", "next_ms"])
    op.create_index(
        "uq_identity_filings_sent_sequence", "identity_filings_sent", ["upper_id", "key", "sequence"], unique=True
    )
    op.create_index("ix_identity_filings_sent_organisation", "identity_filings_sent", ["organisation_id", "id"])
    op.create_table(
        "identity_filing_reports_sent",
        sa.Column("id", ID, primary_key=True),
        sa.Column("upper_id", ID, sa.ForeignKey("identity_filing_uppers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("from_ms", TIME, nullable=False),
        sa.Column("to_ms", TIME, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("upper_key", sa.String(400)),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("receipt", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("made_ms", TIME, nullable=False),
        sa.Column("answered_ms", TIME),
    )
    op.create_index(
        "uq_identity_filing_reports_sent_period", "identity_filing_reports_sent", ["upper_id", "to_ms"], unique=True
    )
    op.create_table(
        "identity_filers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("holder_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("public_key", sa.String(400)),
        sa.Column("key_digest", DIGEST),
        sa.Column("policy", sa.String(12), nullable=False),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("node", NAME, nullable=False),
        sa.Column("report_every_ms", TIME),
        sa.Column("reported_ms", TIME),
        sa.Column("seen_ms", TIME),
        sa.Column("created_ms", TIME, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("uq_identity_filers_person_id", "identity_filers", ["person_id"], unique=True)
    op.create_index("uq_identity_filers_key_digest", "identity_filers", ["key_digest"], unique=True)
    op.create_table(
        "identity_filings_received",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("filer_id", ID, nullable=False),
        sa.Column("filer_name", NAME, nullable=False),
        sa.Column("filing_id", ID, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("system", sa.String(12), nullable=False),
        sa.Column("prefix", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("event", sa.String(12), nullable=False),
        sa.Column("prefix_state", sa.String(12), nullable=False),
        sa.Column("sequence", TIME, nullable=False),
        sa.Column("at_ms", TIME, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("number", NAME, nullable=False),
        sa.Column("serial", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("receipts", sa.JSON, nullable=False),
        sa.Column("received_ms", TIME, nullable=False),
        sa.Column("decided_ms", TIME),
        sa.Column("search", sa.Text, nullable=False),
    )
    op.create_index(
        "uq_identity_filings_received_filing", "identity_filings_received", ["filer_id", "filing_id"], unique=True
    )
    op.create_index("ix_identity_filings_received_key", "identity_filings_received", ["filer_id", "key", "sequence"])
    op.create_index("ix_identity_filings_received_organisation", "identity_filings_received", ["organisation_id", "id"])
    op.create_index("ix_identity_filings_received_serial", "identity_filings_received", ["serial"])
    op.create_table(
        "identity_filing_reports",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("filer_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("from_ms", TIME, nullable=False),
        sa.Column("to_ms", TIME, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("received_ms", TIME, nullable=False),
        sa.Column("strange", sa.Integer, nullable=False),
    )
    op.create_index("uq_identity_filing_reports_period", "identity_filing_reports", ["filer_id", "to_ms"], unique=True)
    op.create_index(
        "ix_identity_filing_reports_organisation", "identity_filing_reports", ["organisation_id", "filer_id"]
    )


def downgrade() -> None:
    for table in (
        "identity_filing_reports",
        "identity_filings_received",
        "identity_filers",
        "identity_filing_reports_sent",
        "identity_filings_sent",
        "identity_filing_uppers",
    ):
        op.drop_table(table)
