"""Numbers that were given, keys of sealed values, imports of identifiers."""

import sqlalchemy as sa
from alembic import op

revision = "identity_0002"
down_revision = "identity_0001"
branch_labels = None
depends_on = None

ID = sa.String(40)


def upgrade() -> None:
    op.create_table(
        "identity_serials",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("key", sa.String(400), nullable=False),
        sa.Column("next", sa.BigInteger, nullable=False),
    )
    op.create_index("uq_identity_serials_key", "identity_serials", ["organisation_id", "key"], unique=True)
    op.create_table(
        "identity_value_keys",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("cipher", sa.String(20), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_identity_value_keys_organisation_id", "identity_value_keys", ["organisation_id"])
    op.create_table(
        "identity_imports",
        sa.Column("id", ID, primary_key=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("file_bytes", sa.BigInteger, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("columns", sa.JSON, nullable=False),
        sa.Column("scope", sa.JSON, nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("who_name", sa.String(128), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("started_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("registered", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("refused_bytes", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("error", sa.JSON),
    )
    op.create_index("ix_identity_imports_state", "identity_imports", ["state"])
    op.create_index("ix_identity_imports_organisation", "identity_imports", ["organisation_id", "id"])


def downgrade() -> None:
    for table in ("identity_imports", "identity_value_keys", "identity_serials"):
        op.drop_table(table)
