"""Organisations, memberships, groups, roles, grants, consents, invitations; a person's roles become grants."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "parties_0002"
down_revision = "parties_0001"
branch_labels = None
depends_on = None

_id = sa.String(40)
_key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
ROOT = "org_root"


def _organisation(**options: object) -> sa.Column[str]:
    reference = sa.ForeignKey("parties_organisations.id", ondelete="CASCADE")
    return sa.Column("organisation_id", _id, reference, **options)  # type: ignore[arg-type]


def _person(**options: object) -> sa.Column[str]:
    return sa.Column("person_id", _id, sa.ForeignKey("parties_people.id", ondelete="CASCADE"), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    organisations = op.create_table(
        "parties_organisations",
        sa.Column("id", _id, primary_key=True),
        sa.Column("parent_id", _id, sa.ForeignKey("parties_organisations.id")),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("short_name", sa.String(32)),
        sa.Column("code", sa.String(18), unique=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("ix_parties_organisations_parent_id", "parties_organisations", ["parent_id"])
    op.create_index("uq_parties_organisations_sibling", "parties_organisations", ["parent_id", "name_key"], unique=True)
    memberships = op.create_table(
        "parties_memberships",
        _person(primary_key=True),
        _organisation(primary_key=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_parties_memberships_organisation_id", "parties_memberships", ["organisation_id"])
    op.create_table(
        "parties_groups",
        sa.Column("id", _id, primary_key=True),
        _organisation(nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("uq_parties_groups_name", "parties_groups", ["organisation_id", "name_key"], unique=True)
    op.create_table(
        "parties_group_members",
        sa.Column("group_id", _id, sa.ForeignKey("parties_groups.id", ondelete="CASCADE"), primary_key=True),
        _person(primary_key=True),
    )
    op.create_index("ix_parties_group_members_person_id", "parties_group_members", ["person_id"])
    op.create_table(
        "parties_roles",
        sa.Column("id", _id, primary_key=True),
        _organisation(nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", _key, nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("uq_parties_roles_name", "parties_roles", ["organisation_id", "name_key"], unique=True)
    grants = op.create_table(
        "parties_grants",
        sa.Column("id", _id, primary_key=True),
        _organisation(nullable=False),
        _person(),
        sa.Column("group_id", _id, sa.ForeignKey("parties_groups.id", ondelete="CASCADE")),
        sa.Column("role", _id, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("created_by", _id),
    )
    for column in ("organisation_id", "person_id", "group_id"):
        op.create_index(f"ix_parties_grants_{column}", "parties_grants", [column])
    op.create_table(
        "parties_consents",
        sa.Column("id", _id, primary_key=True),
        _organisation(nullable=False),
        sa.Column("to_id", _id, sa.ForeignKey("parties_organisations.id", ondelete="CASCADE"), nullable=False),
        sa.Column("permissions", sa.JSON, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("created_by", _id),
    )
    op.create_index("ix_parties_consents_organisation_id", "parties_consents", ["organisation_id"])
    op.create_table(
        "parties_invitations",
        sa.Column("id", _id, primary_key=True),
        _organisation(nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("role", _id, nullable=False),
        sa.Column("note", sa.String(128)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("created_by", _id),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("used_by", _id),
    )
    op.create_index("ix_parties_invitations_organisation_id", "parties_invitations", ["organisation_id"])

    root = {
        "id": ROOT,
        "parent_id": None,
        "kind": "enterprise",
        "name": "Millwright",
        "name_key": "millwright",
        "short_name": None,
        "code": None,
        "path": f"/{ROOT}/",
        "suspended": False,
        "created_ms": 0,
        "revision": 1,
    }
    op.bulk_insert(organisations, [root])
    people = sa.table("parties_people", sa.column("id"), sa.column("roles"), sa.column("created_ms"))
    members, granted = [], []
    for person in op.get_bind().execute(sa.select(people)).all():
        members.append({"person_id": person.id, "organisation_id": ROOT, "created_ms": person.created_ms})
        roles = json.loads(person.roles) if isinstance(person.roles, str) else person.roles
        for number, role in enumerate(roles):
            granted.append(
                {
                    "id": f"grt_{person.id.removeprefix('per_')[:30]}_{number}",
                    "organisation_id": ROOT,
                    "person_id": person.id,
                    "group_id": None,
                    "role": role,
                    "until_ms": None,
                    "created_ms": person.created_ms,
                    "created_by": None,
                }
            )
    op.bulk_insert(memberships, members)
    op.bulk_insert(grants, granted)
    op.drop_column("parties_people", "roles")


def downgrade() -> None:
    op.add_column("parties_people", sa.Column("roles", sa.JSON, nullable=False, server_default='["viewer"]'))
    for table in (
        "parties_invitations",
        "parties_consents",
        "parties_grants",
        "parties_roles",
        "parties_group_members",
        "parties_groups",
        "parties_memberships",
        "parties_organisations",
    ):
        op.drop_table(table)
