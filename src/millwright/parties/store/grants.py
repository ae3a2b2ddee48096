"""Roles, groups, grants and invitations in the records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.kernel import Conflict, NotFound
from millwright.parties.grants.model import Grant, Group, Invitation, RoleInfo
from millwright.parties.store.organisations import join, last_administrator
from millwright.parties.store.organisations_tables import (
    grants,
    group_members,
    groups,
    invitations,
    memberships,
    organisations,
    roles,
)
from millwright.parties.store.people import has_administrator, insert_person
from millwright.parties.store.setup import lock
from millwright.parties.store.tables import people

Ids = Collection[str]


class GrantStore:
    """Reads and writes who holds what; every method is one transaction. The service has checked who may.

    ``organisation_ids`` are those on which the caller may: what lies elsewhere is not found.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- roles ---------------------------------------------------------------------------------------------------

    def roles(self, organisation_ids: Ids) -> list[RoleInfo]:
        """The organisations' own roles, by name."""
        query = sa.select(roles).where(roles.c.organisation_id.in_(organisation_ids)).order_by(roles.c.name_key)
        with self._records.read() as connection:
            return [_role(row) for row in connection.execute(query)]

    def find_role(self, role_id: str) -> RoleInfo | None:
        """An organisation's own role."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(roles).where(roles.c.id == role_id)).one_or_none()
        return _role(row) if row else None

    def put_role(self, row: Mapping[str, Any]) -> None:
        """Keep a role, new or changed (then as old as it was). Raises ``Conflict`` (``parties.role_name_taken``)."""
        with _unique("role"), self._records.begin() as connection:
            changed = connection.execute(sa.update(roles).where(roles.c.id == row["id"]).values(**_lasting(row)))
            if not changed.rowcount:
                connection.execute(sa.insert(roles).values(**row))

    def delete_role(self, role_id: str) -> None:
        """Remove a role. Raises ``Conflict`` (``parties.role_in_use``) while it is granted."""
        with self._records.begin() as connection:
            users = connection.scalar(sa.select(sa.func.count()).where(grants.c.role == role_id))
            if users:
                raise Conflict(
                    f"The role is granted {users} times.", code="parties.role_in_use", hint="End those grants first."
                )
            connection.execute(sa.delete(roles).where(roles.c.id == role_id))

    # --- groups --------------------------------------------------------------------------------------------------

    def groups(self, organisation_ids: Ids) -> list[Group]:
        """The organisations' groups, by name, with their members."""
        query = sa.select(groups).where(groups.c.organisation_id.in_(organisation_ids)).order_by(groups.c.name_key)
        with self._records.read() as connection:
            rows = connection.execute(query).all()
            ids = [row.id for row in rows]
            inside: dict[str, list[str]] = {}
            for group_id, person_id in connection.execute(
                sa.select(group_members.c.group_id, group_members.c.person_id)
                .where(group_members.c.group_id.in_(ids))
                .order_by(group_members.c.person_id)
            ):
                inside.setdefault(group_id, []).append(person_id)
        return [Group(row.id, row.organisation_id, row.name, inside.get(row.id, []), row.created_ms) for row in rows]

    def put_group(self, row: Mapping[str, Any], person_ids: Iterable[str]) -> None:
        """Keep a group, new or changed (then as old as it was), with these members, who must be members of its
        organisation.

        Raises ``Conflict``, ``NotFound``.
        """
        wanted = sorted(set(person_ids))
        with _unique("group"), self._records.begin() as connection:
            changed = connection.execute(sa.update(groups).where(groups.c.id == row["id"]).values(**_lasting(row)))
            if not changed.rowcount:
                connection.execute(sa.insert(groups).values(**row))
            connection.execute(sa.delete(group_members).where(group_members.c.group_id == row["id"]))
            for person_id in wanted:
                need_member(connection, person_id, row["organisation_id"])
            if wanted:
                connection.execute(
                    sa.insert(group_members), [{"group_id": row["id"], "person_id": each} for each in wanted]
                )

    def delete_group(self, group_id: str) -> None:
        """Remove a group; its grants end."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(groups).where(groups.c.id == group_id))

    # --- grants --------------------------------------------------------------------------------------------------

    def grants(
        self, organisation_ids: Ids, *, person_id: str | None = None, group_id: str | None = None
    ) -> list[Grant]:
        """The grants on these organisations, oldest first; only those of one person or one group, if given."""
        subject = sa.func.coalesce(people.c.name, groups.c.name)
        query = (
            sa.select(grants, subject.label("subject_name"), roles.c.name.label("role_name"))
            .select_from(
                grants.outerjoin(people, people.c.id == grants.c.person_id)
                .outerjoin(groups, groups.c.id == grants.c.group_id)
                .outerjoin(roles, roles.c.id == grants.c.role)
            )
            .where(grants.c.organisation_id.in_(organisation_ids))
            .order_by(grants.c.id)
        )
        if person_id is not None:
            query = query.where(grants.c.person_id == person_id)
        if group_id is not None:
            query = query.where(grants.c.group_id == group_id)
        with self._records.read() as connection:
            return [_grant(row) for row in connection.execute(query)]

    def add_grant(self, row: Mapping[str, Any]) -> None:
        """Keep a grant. Its person must be a member of the organisation or of one above. Raises ``NotFound``."""
        with self._records.begin() as connection:
            if row.get("person_id") is not None:
                need_member_above(connection, row["person_id"], row["organisation_id"])
            else:
                _need_group_above(connection, str(row["group_id"]), row["organisation_id"])
            connection.execute(sa.insert(grants).values(**row))

    def delete_grant(self, grant_id: str, organisation_ids: Ids) -> None:
        """End a grant. Raises ``NotFound``, ``Conflict`` (``parties.last_administrator``)."""
        mine = (grants.c.id == grant_id, grants.c.organisation_id.in_(organisation_ids))
        with self._records.begin() as connection:
            lock(connection)
            organisation_id = connection.scalar(sa.select(grants.c.organisation_id).where(*mine))
            if organisation_id is None:
                raise NotFound("There is no such grant.", code="parties.grant_unknown", hint="It may have been ended.")
            had = has_administrator(connection, organisation_id)
            connection.execute(sa.delete(grants).where(*mine))
            if had and not has_administrator(connection, organisation_id):
                raise last_administrator()

    def has_administrator(self, organisation_id: str) -> bool:
        """Whether the organisation has an administrator of its own."""
        with self._records.read() as connection:
            return has_administrator(connection, organisation_id)

    # --- invitations ---------------------------------------------------------------------------------------------

    def invitations(self, organisation_id: str) -> list[Invitation]:
        """The invitations of an organisation, newest first."""
        query = sa.select(invitations).where(invitations.c.organisation_id == organisation_id)
        with self._records.read() as connection:
            return [_invitation(row) for row in connection.execute(query.order_by(invitations.c.id.desc()))]

    def add_invitation(self, row: Mapping[str, Any]) -> None:
        """Keep an invitation."""
        with self._records.begin() as connection:
            connection.execute(sa.insert(invitations).values(**row))

    def delete_invitation(self, organisation_id: str, invitation_id: str) -> bool:
        """Withdraw an invitation; ``False`` when there was none."""
        mine = (invitations.c.id == invitation_id, invitations.c.organisation_id == organisation_id)
        with self._records.begin() as connection:
            return connection.execute(sa.delete(invitations).where(*mine)).rowcount > 0

    def find_invitation(self, digest: bytes, now_ms: int) -> tuple[Invitation, str] | None:
        """The invitation that a secret opens now, and the name of its organisation."""
        query = (
            sa.select(invitations, organisations.c.name)
            .join(organisations, organisations.c.id == invitations.c.organisation_id)
            .where(_open(digest, now_ms), sa.not_(organisations.c.suspended))
        )
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        return (_invitation(row), row.name) if row else None

    def accept(self, digest: bytes, grant: Mapping[str, Any], *, person: Mapping[str, Any] | None, now_ms: int) -> bool:
        """Use an invitation up: add ``person`` if given, make them a member, keep ``grant``; ``False``: it was used."""
        with self._records.begin() as connection:
            used = connection.execute(
                sa.update(invitations).where(_open(digest, now_ms)).values(used_ms=now_ms, used_by=grant["person_id"])
            )
            if not used.rowcount:
                return False
            if person is not None:
                try:
                    insert_person(connection, person)
                except IntegrityError as error:
                    raise Conflict(
                        "Somebody has this name already.", code="parties.name_taken", hint="Choose another name."
                    ) from error
            join(connection, grant["person_id"], grant["organisation_id"], now_ms)
            connection.execute(sa.insert(grants).values(**grant))
            return True


def need_member(connection: sa.Connection, person_id: str, organisation_id: str) -> None:
    """Raises ``NotFound`` (``parties.person_unknown``) unless the person is a member of the organisation."""
    mine = (memberships.c.person_id == person_id, memberships.c.organisation_id == organisation_id)
    if connection.scalar(sa.select(memberships.c.person_id).where(*mine)) is None:
        raise _not_a_member()


def need_member_above(connection: sa.Connection, person_id: str, organisation_id: str) -> None:
    """Raises ``NotFound`` (``parties.person_unknown``) unless the person is a member there or above it."""
    above = _above(connection, organisation_id)
    mine = (memberships.c.person_id == person_id, memberships.c.organisation_id.in_(above))
    if connection.scalar(sa.select(memberships.c.person_id).where(*mine).limit(1)) is None:
        raise _not_a_member()


def _need_group_above(connection: sa.Connection, group_id: str, organisation_id: str) -> None:
    above = _above(connection, organisation_id)
    mine = (groups.c.id == group_id, groups.c.organisation_id.in_(above))
    if connection.scalar(sa.select(groups.c.id).where(*mine)) is None:
        raise NotFound("There is no such group.", code="parties.group_unknown", hint="GET /api/v1/groups lists them.")


def _above(connection: sa.Connection, organisation_id: str) -> list[str]:
    path = connection.scalar(sa.select(organisations.c.path).where(organisations.c.id == organisation_id)) or ""
    return [each for each in path.split("/") if each]


def _not_a_member() -> NotFound:
    return NotFound(
        "There is no such person here.",
        code="parties.person_unknown",
        hint="Invite them first: only members are granted roles.",
    )


def _open(digest: bytes, now_ms: int) -> sa.ColumnElement[bool]:
    return sa.and_(invitations.c.digest == digest, invitations.c.used_ms.is_(None), invitations.c.expires_ms > now_ms)


def _lasting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "created_ms"}


def _role(row: Any) -> RoleInfo:
    return RoleInfo(row.id, row.name, row.permissions, row.organisation_id)


def _grant(row: Any) -> Grant:
    return Grant(
        row.id,
        row.organisation_id,
        row.person_id,
        row.group_id,
        row.subject_name or "",
        row.role,
        row.role_name or row.role,
        row.until_ms,
        row.created_ms,
        row.created_by,
    )


def _invitation(row: Any) -> Invitation:
    return Invitation(
        row.id,
        row.organisation_id,
        row.role,
        row.note,
        row.created_ms,
        row.expires_ms,
        row.created_by,
        row.used_ms,
        row.used_by,
    )


class _unique:  # noqa: N801 - reads as a phrase in a with statement
    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IntegrityError):
            raise Conflict(
                f"Another {self._what} of the organisation has this name.",
                code=f"parties.{self._what}_name_taken",
                hint="Choose another name.",
            ) from error


def unknown_group() -> NotFound:
    """The error for a group that is not there, or not for this person."""
    return NotFound("There is no such group.", code="parties.group_unknown", hint="GET /api/v1/groups lists them.")
