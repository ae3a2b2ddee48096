"""What scopes are worked out from: the tree, the consents, and the grants of one person."""

from __future__ import annotations

import builtins
from collections.abc import Collection

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.authority import Allowed, Held, Node, Tree, roles_held
from millwright.parties.model import ROLES, Role
from millwright.parties.permissions import of_role
from millwright.parties.store.organisations_tables import consents, grants, group_members, organisations, roles

_mine = sa.or_(
    grants.c.person_id == sa.bindparam("person"),
    grants.c.group_id.in_(
        sa.select(group_members.c.group_id).where(group_members.c.person_id == sa.bindparam("person"))
    ),
)
_held = (
    sa.select(grants.c.id, grants.c.organisation_id, grants.c.role, grants.c.until_ms, grants.c.group_id)
    .add_columns(roles.c.permissions)
    .select_from(grants.outerjoin(roles, roles.c.id == grants.c.role))
    .where(_mine)
    .order_by(grants.c.id)
)


def held(connection: sa.Connection, person_id: str) -> list[Held]:
    """The grants of a person, directly and through groups; also those that have ended."""
    return [
        Held(
            row.id,
            row.organisation_id,
            row.role,
            frozenset(row.permissions) if row.permissions is not None else of_role(row.role),
            row.until_ms,
            row.group_id,
        )
        for row in connection.execute(_held, {"person": person_id})
    ]


def roles_of(connection: sa.Connection, person_id: str, now_ms: int) -> list[Role]:
    """The built-in roles a person holds anywhere now, highest first."""
    return roles_held([each for each in held(connection, person_id) if each.alive(now_ms)], ROLES)  # type: ignore[return-value]  # names of ROLES


def direct_roles(
    connection: sa.Connection, person_ids: Collection[str], organisation_ids: Collection[str]
) -> dict[str, builtins.list[Role]]:
    """The built-in roles granted to these people themselves on these organisations."""
    rows = connection.execute(
        sa.select(grants.c.person_id, grants.c.role).where(
            grants.c.person_id.in_(person_ids), grants.c.organisation_id.in_(organisation_ids)
        )
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.person_id, set()).add(row.role)
    return {person: [role for role in ROLES if role in names] for person, names in found.items()}


class AuthorityStore:
    """Reads the tree and what people hold."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def tree(self) -> Tree:
        """Every organisation and consent."""
        with self._records.read() as connection:
            nodes = connection.execute(sa.select(organisations).order_by(organisations.c.name_key)).all()
            allowed = connection.execute(sa.select(consents)).all()
        return Tree(
            (Node(row.id, row.parent_id, row.kind, row.name, row.suspended) for row in nodes),
            (Allowed(row.organisation_id, row.to_id, frozenset(row.permissions), row.until_ms) for row in allowed),
        )

    def held(self, person_id: str) -> list[Held]:
        """The grants of a person, directly and through groups."""
        with self._records.read() as connection:
            return held(connection, person_id)
