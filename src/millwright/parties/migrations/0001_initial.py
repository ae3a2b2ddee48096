"""People, sessions, tokens and the first set-up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "parties_0001"
down_revision = None
branch_labels = ("parties",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parties_people",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(128), nullable=False, unique=True),
        sa.Column("password", sa.String(255)),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("language", sa.String(8)),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("signed_in_ms", sa.BigInteger),
    )
    op.create_table(
        "parties_sessions",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("parties_people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
    )
    op.create_index("ix_parties_sessions_person_id", "parties_sessions", ["person_id"])
    op.create_index("ix_parties_sessions_expires_ms", "parties_sessions", ["expires_ms"])
    op.create_table(
        "parties_tokens",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("parties_people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger),
        sa.Column("last_used_ms", sa.BigInteger),
    )
    op.create_index("ix_parties_tokens_person_id", "parties_tokens", ["person_id"])
    setup = op.create_table(
        "parties_setup",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code_digest", sa.LargeBinary(32)),
        sa.Column("code_ms", sa.BigInteger),
        sa.Column("done_ms", sa.BigInteger),
    )
    op.bulk_insert(setup, [{"id": 1, "code_digest": None, "code_ms": None, "done_ms": None}])


def downgrade() -> None:
    for table in ("parties_setup", "parties_tokens", "parties_sessions", "parties_people"):
        op.drop_table(table)
