"""Second factors, passkeys, identities of other providers, known browsers; what a session was proved by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "parties_0003"
down_revision = "parties_0002"
branch_labels = None
depends_on = None


def _person(*, primary_key: bool = False) -> sa.Column[str]:
    people = sa.ForeignKey("parties_people.id", ondelete="CASCADE")
    return sa.Column("person_id", sa.String(40), people, nullable=False, primary_key=primary_key)


def upgrade() -> None:
    for column in (
        sa.Column("factors", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("proved_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("rotated_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("previous_digest", sa.LargeBinary(32)),
        sa.Column("identity_id", sa.String(40)),
        sa.Column("provider_session", sa.String(255)),
    ):
        op.add_column("parties_sessions", column)
    op.create_index("ix_parties_sessions_previous_digest", "parties_sessions", ["previous_digest"])
    op.create_index("ix_parties_sessions_identity_id", "parties_sessions", ["identity_id"])
    op.add_column("parties_tokens", sa.Column("last_used_address", sa.String(64)))
    op.create_table(
        "parties_browsers",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        _person(),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_parties_browsers_person_id", "parties_browsers", ["person_id"])
    op.create_table(
        "parties_authenticators",
        _person(primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger),
    )
    op.create_table(
        "parties_recovery_codes",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        _person(),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("used_ms", sa.BigInteger),
    )
    op.create_index("ix_parties_recovery_codes_person_id", "parties_recovery_codes", ["person_id"])
    op.create_table(
        "parties_passkeys",
        sa.Column("id", sa.String(40), primary_key=True),
        _person(),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary(2048), nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("backed_up", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.Column("regressed_ms", sa.BigInteger),
    )
    op.create_index("ix_parties_passkeys_person_id", "parties_passkeys", ["person_id"])
    op.create_table(
        "parties_identities",
        sa.Column("id", sa.String(40), primary_key=True),
        _person(),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_index("ix_parties_identities_person_id", "parties_identities", ["person_id"])
    op.create_table(
        "parties_spent",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_parties_spent_expires_ms", "parties_spent", ["expires_ms"])


def downgrade() -> None:
    for table in ("spent", "identities", "passkeys", "recovery_codes", "authenticators", "browsers"):
        op.drop_table(f"parties_{table}")
    with op.batch_alter_table("parties_tokens") as batch:
        batch.drop_column("last_used_address")
    op.drop_index("ix_parties_sessions_identity_id", "parties_sessions")
    op.drop_index("ix_parties_sessions_previous_digest", "parties_sessions")
    with op.batch_alter_table("parties_sessions") as batch:
        for name in ("factors", "proved_ms", "rotated_ms", "previous_digest", "identity_id", "provider_session"):
            batch.drop_column(name)
