"""The ledger's index, the personal values kept apart from the log, and intents that wait for their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "ledger_0001"
down_revision = None
branch_labels = ("ledger",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("actor_id", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("object_kind", sa.String(64), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
    )
    op.create_index("ix_ledger_entries_organisation", "ledger_entries", ["organisation_id", "position"])
    op.create_index("ix_ledger_entries_object", "ledger_entries", ["object_kind", "object_id", "position"])
    op.create_index("ix_ledger_entries_actor", "ledger_entries", ["actor_id", "position"])
    op.create_index("ix_ledger_entries_action", "ledger_entries", ["action", "position"])
    op.create_index("ix_ledger_entries_outcome", "ledger_entries", ["outcome", "position"])
    op.create_index("ix_ledger_entries_at_ms", "ledger_entries", ["at_ms"])
    op.create_table(
        "ledger_disclosures",
        sa.Column("entry_id", sa.String(64), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("contents", sa.LargeBinary, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("ix_ledger_disclosures_subject", "ledger_disclosures", ["subject"])
    op.create_table(
        "ledger_intents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    for table in ("ledger_intents", "ledger_disclosures", "ledger_entries"):
        op.drop_table(table)
