"""The tables of organisations and of who may do what.

They belong to the node and are not confined by a scope, for scopes are worked out from them; every query over them
names its organisations.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import living, metadata

_id = sa.String(40)
_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def _organisation(**options: Any) -> sa.Column[str]:
    reference = sa.ForeignKey("parties_organisations.id", ondelete="CASCADE")
    return sa.Column("organisation_id", _id, reference, **options)


def _person(**options: Any) -> sa.Column[str]:
    return sa.Column("person_id", _id, sa.ForeignKey("parties_people.id", ondelete="CASCADE"), **options)


organisations = sa.Table(
    "parties_organisations",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("parent_id", _id, sa.ForeignKey("parties_organisations.id"), index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("name_key", _key, nullable=False),
    sa.Column("short_name", sa.String(32)),
    sa.Column("code", sa.String(18), unique=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("uq_parties_organisations_sibling", "parent_id", "name_key", unique=True),
)
living(organisations)

memberships = sa.Table(
    "parties_memberships",
    metadata,
    _person(primary_key=True),
    _organisation(primary_key=True, index=True),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)

groups = sa.Table(
    "parties_groups",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _organisation(nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", _key, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index("uq_parties_groups_name", "organisation_id", "name_key", unique=True),
)

group_members = sa.Table(
    "parties_group_members",
    metadata,
    sa.Column("group_id", _id, sa.ForeignKey("parties_groups.id", ondelete="CASCADE"), primary_key=True),
    _person(primary_key=True, index=True),
)

roles = sa.Table(
    "parties_roles",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _organisation(nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("name_key", _key, nullable=False),
    sa.Column("permissions", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index("uq_parties_roles_name", "organisation_id", "name_key", unique=True),
)

grants = sa.Table(
    "parties_grants",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _organisation(nullable=False, index=True),
    _person(index=True),
    sa.Column("group_id", _id, sa.ForeignKey("parties_groups.id", ondelete="CASCADE"), index=True),
    sa.Column("role", _id, nullable=False),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", _id),
)

consents = sa.Table(
    "parties_consents",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _organisation(nullable=False, index=True),
    sa.Column("to_id", _id, sa.ForeignKey("parties_organisations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("permissions", sa.JSON, nullable=False),
    sa.Column("until_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", _id),
)

invitations = sa.Table(
    "parties_invitations",
    metadata,
    sa.Column("id", _id, primary_key=True),
    _organisation(nullable=False, index=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("role", _id, nullable=False),
    sa.Column("note", sa.String(128)),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", _id),
    sa.Column("used_ms", sa.BigInteger),
    sa.Column("used_by", _id),
)
