"""People."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, NotFound, new_id
from millwright.parties.model import ROLES, Account, Role
from millwright.parties.store.authority import direct_roles
from millwright.parties.store.organisations_tables import grants, group_members, groups, memberships
from millwright.parties.store.setup import claim, lock
from millwright.parties.store.tables import browsers, people, sessions

PERSON, PROGRAM, SERVICE = "person", "program", "service"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in checks; ``password`` is the argon2 hash, ``None`` for one who cannot sign in."""

    person_id: str
    password: str | None
    disabled: bool


class PeopleStore:
    """Queries over people."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self, organisation_ids: Collection[str]) -> list[Account]:
        """The members of these organisations by name, each with the roles granted there."""
        members = sa.select(memberships.c.person_id).where(memberships.c.organisation_id.in_(organisation_ids))
        with self._records.read() as connection:
            rows = connection.execute(
                sa.select(people).where(people.c.id.in_(members)).order_by(people.c.name_key)
            ).all()
            held = direct_roles(connection, [row.id for row in rows], organisation_ids)
        return [_account(row, held.get(row.id, [])) for row in rows]

    def find(self, person_id: str, organisation_ids: Collection[str]) -> Account | None:
        """One member of these organisations."""
        member = sa.select(memberships.c.person_id).where(
            memberships.c.organisation_id.in_(organisation_ids), memberships.c.person_id == person_id
        )
        with self._records.read() as connection:
            row = connection.execute(sa.select(people).where(people.c.id.in_(member))).one_or_none()
            held = direct_roles(connection, [person_id], organisation_ids) if row else {}
        return _account(row, held.get(person_id, [])) if row else None

    def names(self) -> builtins.list[tuple[str, str]]:
        """Everybody's id and name, whichever organisation they belong to; for comparing names alone."""
        with self._records.read() as connection:
            return [(row.id, row.name) for row in connection.execute(sa.select(people.c.id, people.c.name))]

    def belongs_elsewhere(self, person_id: str, organisation_ids: Collection[str]) -> bool:
        """Whether a person belongs to, or holds a grant on, an organisation besides these."""
        with self._records.read() as connection:
            return connection.scalar(belonging(organisation_ids).where(people.c.id == person_id)) is None

    def memberships(self, person_id: str, organisation_ids: Collection[str]) -> builtins.list[str]:
        """To which of these organisations a person belongs."""
        mine = (memberships.c.person_id == person_id, memberships.c.organisation_id.in_(organisation_ids))
        with self._records.read() as connection:
            return builtins.list(connection.execute(sa.select(memberships.c.organisation_id).where(*mine)).scalars())

    def find_credentials(self, *, name_key: str | None = None, person_id: str | None = None) -> Credentials | None:
        """What signing in as ``name_key`` (or as ``person_id``) checks."""
        wanted = people.c.name_key == name_key if person_id is None else people.c.id == person_id
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(people.c.id, people.c.password, people.c.disabled).where(wanted)
            ).one_or_none()
        return Credentials(row.id, row.password, row.disabled) if row else None

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a person; ``roles`` are granted on ``organisation_id`` (the root when absent), whose member they become.

        Raises ``Conflict`` (``parties.name_taken``).
        """
        with _unique_name(), self._records.begin() as connection:
            insert_person(connection, row)

    def add_first(self, row: Mapping[str, Any], code_digest: bytes) -> bool:
        """Add the first administrator and end the set-up, or do nothing and return ``False``."""
        with _unique_name(), self._records.begin() as connection:
            if not claim(connection, code_digest, row["created_ms"]):
                return False
            insert_person(connection, row)
            return True

    def ensure_program(self, row: Mapping[str, Any]) -> None:
        """Add a program that acts by itself, unless it is there."""
        with self._records.begin() as connection:
            if connection.scalar(sa.select(people.c.id).where(people.c.id == row["id"])) is None:
                insert_person(connection, row)

    def update(self, person_id: str, values: Mapping[str, Any], *, end_sessions: bool, keep: str | None = None) -> None:
        """Change a person, and end their sessions other than ``keep`` in the same transaction.

        ``roles`` take the place of the built-in roles granted on ``organisation_id`` (the root when absent). Raises
        ``NotFound``, ``Conflict`` (``parties.name_taken``, ``parties.last_administrator``).
        """
        with _unique_name(), self._records.begin() as connection:
            lock(connection)
            if connection.scalar(sa.select(people.c.id).where(people.c.id == person_id)) is None:
                raise no_such_person(person_id)
            plain = {key: value for key, value in values.items() if key not in ("roles", "organisation_id")}
            if plain:
                connection.execute(sa.update(people).where(people.c.id == person_id).values(**plain))
            if "roles" in values:
                replace_roles(connection, person_id, values.get("organisation_id", ROOT), values["roles"])
            if {"roles", "disabled"} & values.keys() and not has_administrator(connection):
                raise Conflict(
                    "This would leave the node without an administrator.",
                    code="parties.last_administrator",
                    hint="Make somebody else an administrator first.",
                )
            if end_sessions:
                connection.execute(
                    sa.delete(sessions).where(sessions.c.person_id == person_id, sessions.c.id != (keep or ""))
                )
                connection.execute(sa.delete(browsers).where(browsers.c.person_id == person_id))

    def remove(self, person_id: str) -> None:
        """Remove a person and all that hangs on them.

        Raises ``NotFound`` (``parties.person_unknown``), ``Conflict`` (``parties.last_administrator``).
        """
        with self._records.begin() as connection:
            lock(connection)
            administers = sa.select(grants.c.organisation_id).where(
                grants.c.person_id == person_id, grants.c.role == "administrator"
            )
            kept = [each for each in connection.scalars(administers).all() if has_administrator(connection, each)]
            if not connection.execute(sa.delete(people).where(people.c.id == person_id)).rowcount:
                raise no_such_person(person_id)
            if not all(has_administrator(connection, each) for each in kept):
                raise Conflict(
                    "This would leave an organisation without an administrator.",
                    code="parties.last_administrator",
                    hint="Make somebody else an administrator there first.",
                )

    def set_password_hash(self, person_id: str, password: str) -> None:
        """Store the same password under newer parameters."""
        with self._records.begin() as connection:
            connection.execute(sa.update(people).where(people.c.id == person_id).values(password=password))


def no_such_person(person_id: str) -> NotFound:
    """The error for a person nobody knows."""
    return NotFound(
        f"There is no person {person_id[:64]}.", code="parties.person_unknown", hint="GET /api/v1/people lists all."
    )


def insert_person(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Add a person with their first roles and membership, in the caller's transaction."""
    values = dict(row)
    organisation_id, roles = values.pop("organisation_id", ROOT), values.pop("roles", ())
    connection.execute(sa.insert(people).values(**values))
    connection.execute(
        sa.insert(memberships).values(
            person_id=values["id"], organisation_id=organisation_id, created_ms=values["created_ms"]
        )
    )
    grant_roles(connection, values["id"], organisation_id, roles, values["created_ms"])


def replace_roles(connection: sa.Connection, person_id: str, organisation_id: str, roles: Iterable[str]) -> None:
    """Let these be the built-in roles that a person holds by themselves on an organisation."""
    mine = (grants.c.person_id == person_id, grants.c.organisation_id == organisation_id)
    now = connection.scalar(sa.select(people.c.created_ms).where(people.c.id == person_id)) or 0
    kept = set(connection.execute(sa.select(grants.c.role).where(*mine, grants.c.until_ms.is_(None))).scalars())
    wanted = list(roles)
    connection.execute(sa.delete(grants).where(*mine, grants.c.role.in_(ROLES), grants.c.role.not_in(wanted)))
    grant_roles(connection, person_id, organisation_id, [role for role in wanted if role not in kept], now)


def grant_roles(
    connection: sa.Connection, person_id: str, organisation_id: str, roles: Iterable[str], now_ms: int
) -> None:
    """Grant roles to a person, without end."""
    rows = [
        {
            "id": new_id("grt"),
            "organisation_id": organisation_id,
            "person_id": person_id,
            "role": role,
            "created_ms": now_ms,
        }
        for role in roles
    ]
    if rows:
        connection.execute(sa.insert(grants), rows)


def has_administrator(connection: sa.Connection, organisation_id: str = ROOT) -> bool:
    """Whether an enabled person is, without end, administrator of the organisation by a grant on it."""
    found = (
        sa.select(people.c.id)
        .join(grants, grants.c.person_id == people.c.id)
        .where(
            people.c.kind == PERSON,
            sa.not_(people.c.disabled),
            grants.c.organisation_id == organisation_id,
            grants.c.role == "administrator",
            grants.c.until_ms.is_(None),
        )
        .limit(1)
    )
    return connection.scalar(found) is not None


def belonging(organisation_ids: Collection[str]) -> sa.Select[tuple[str]]:
    """The people who are members of these organisations and have nothing to do with any other."""
    inside = sa.select(memberships.c.person_id).where(memberships.c.organisation_id.in_(organisation_ids))
    outside = sa.select(memberships.c.person_id).where(memberships.c.organisation_id.not_in(organisation_ids))
    granted = sa.select(grants.c.person_id).where(
        grants.c.organisation_id.not_in(organisation_ids), grants.c.person_id.is_not(None)
    )
    through = (
        sa.select(group_members.c.person_id)
        .join(groups, groups.c.id == group_members.c.group_id)
        .where(groups.c.organisation_id.not_in(organisation_ids))
    )
    others = [people.c.id.not_in(each) for each in (outside, granted, through)]
    return sa.select(people.c.id).where(people.c.id.in_(inside), *others)


def _account(row: Any, roles: Sequence[Role]) -> Account:
    return Account(row.id, row.name, [*roles], row.language, row.disabled, row.created_ms, row.signed_in_ms, row.kind)


class _unique_name:  # noqa: N801 - reads as a phrase in a with statement
    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IntegrityError):
            raise Conflict(
                "Somebody has this name already.", code="parties.name_taken", hint="Choose another name."
            ) from error
