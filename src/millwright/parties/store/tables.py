"""The domain's tables."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import metadata

_id = sa.String(40)


def _person() -> sa.Column[str]:
    return sa.Column(
        "person_id", _id, sa.ForeignKey("parties_people.id", ondelete="CASCADE"), nullable=False, index=True
    )


people = sa.Table(
    "parties_people",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", sa.String(128), nullable=False, unique=True),
    sa.Column("password", sa.String(255)),
    sa.Column("language", sa.String(8)),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("signed_in_ms", sa.BigInteger),
)

sessions = sa.Table(
    "parties_sessions",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    _person(),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False, index=True),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("agent", sa.String(200), nullable=False),
    sa.Column("factors", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("proved_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rotated_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("previous_digest", sa.LargeBinary(32), index=True),
    sa.Column("identity_id", _id, index=True),
    sa.Column("provider_session", sa.String(255)),
)

tokens = sa.Table(
    "parties_tokens",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    _person(),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("hint", sa.String(16), nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger),
    sa.Column("last_used_ms", sa.BigInteger),
    sa.Column("last_used_address", sa.String(64)),
)

browsers = sa.Table(
    "parties_browsers",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    _person(),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("seen_ms", sa.BigInteger, nullable=False),
)

setup = sa.Table(
    "parties_setup",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("code_digest", sa.LargeBinary(32)),
    sa.Column("code_ms", sa.BigInteger),
    sa.Column("done_ms", sa.BigInteger),
)
