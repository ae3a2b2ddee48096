"""Prefixes with their documents and filings, and metadata templates."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0001"
down_revision = None
branch_labels = ("identity",)
depends_on = None

ID = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "identity_prefixes",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("system", sa.String(12), nullable=False),
        sa.Column("prefix", sa.String(400), nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("held_key", sa.String(400)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("granted_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("form", sa.JSON, nullable=False),
        sa.Column("certification", sa.JSON),
        sa.Column("renewal", sa.JSON),
        sa.Column("filed", sa.Boolean, nullable=False),
        sa.Column("site", sa.LargeBinary),
        sa.Column("search", sa.Text, nullable=False),
        sa.UniqueConstraint("held_key", name="uq_identity_prefixes_held_key"),
    )
    op.create_index("ix_identity_prefixes_organisation", "identity_prefixes", ["organisation_id", "id"])
    op.create_index("ix_identity_prefixes_key", "identity_prefixes", ["key"])
    op.create_index("ix_identity_prefixes_state", "identity_prefixes", ["state", "until_ms"])
    op.create_table(
        "identity_prefix_registrars",
        sa.Column("id", ID, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
    )
    op.create_index(
        "ix_identity_prefix_registrars_organisation", "identity_prefix_registrars", ["organisation_id", "id"]
    )
    op.create_table(
        "identity_prefix_documents",
        sa.Column("id", ID, primary_key=True),
        sa.Column("prefix_id", ID, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("added_ms", sa.BigInteger, nullable=False),
        sa.Column("added_by", sa.String(128), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_identity_prefix_documents_prefix_id", "identity_prefix_documents", ["prefix_id"])
    op.create_table(
        "identity_prefix_filings",
        sa.Column("id", ID, primary_key=True),
        sa.Column("prefix_id", ID, sa.ForeignKey("identity_prefixes.id", ondelete="CASCADE"), nullable=False),
        sa.Column("node", sa.String(200), nullable=False),
        sa.Column("number", sa.String(200), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("filed_ms", sa.BigInteger),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("recorded_ms", sa.BigInteger, nullable=False),
        sa.Column("recorded_by", sa.String(128), nullable=False),
    )
    op.create_index("ix_identity_prefix_filings_prefix_id", "identity_prefix_filings", ["prefix_id"])
    op.create_table(
        "identity_prefix_states",
        sa.Column("key", sa.String(400), primary_key=True),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("site", sa.LargeBinary),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
    )
    op.create_index("ix_identity_prefix_states_told", "identity_prefix_states", ["told", "changed"])
    op.create_table(
        "identity_templates",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", sa.String(256), nullable=False),
        sa.Column("published", sa.Integer, nullable=False),
        sa.Column("draft", sa.JSON),
        sa.Column("retired", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("uq_identity_templates_name", "identity_templates", ["organisation_id", "name_key"], unique=True)
    op.create_table(
        "identity_template_versions",
        sa.Column("template_id", ID, sa.ForeignKey("identity_templates.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("published_ms", sa.BigInteger, nullable=False),
        sa.Column("published_by", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    for table in (
        "identity_template_versions",
        "identity_templates",
        "identity_prefix_states",
        "identity_prefix_filings",
        "identity_prefix_documents",
        "identity_prefix_registrars",
        "identity_prefixes",
    ):
        op.drop_table(table)
