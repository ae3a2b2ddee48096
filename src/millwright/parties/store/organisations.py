"""Organisations and their members."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records, purge
from millwright.kernel import Conflict, NotFound
from millwright.parties.organisations.model import Member, check_kinds
from millwright.parties.store.organisations_tables import (
    consents,
    grants,
    group_members,
    groups,
    memberships,
    organisations,
)
from millwright.parties.store.people import has_administrator
from millwright.parties.store.setup import lock
from millwright.parties.store.tables import people, sessions, tokens

Leaving = Callable[[sa.Connection, str], None]
"""Called in the transaction that removes an organisation, before its rows go."""


class OrganisationStore:
    """Reads and writes organisations; every method is one transaction. The service has checked who may."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.leaving: list[Leaving] = []

    def list(self, organisation_ids: Collection[str]) -> list[sa.Row[Any]]:
        """The rows of these organisations, with ``members`` counted, by name."""
        counted = (
            sa.select(sa.func.count())
            .where(memberships.c.organisation_id == organisations.c.id)
            .scalar_subquery()
            .label("members")
        )
        query = sa.select(organisations, counted).order_by(organisations.c.name_key, organisations.c.id)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query.where(organisations.c.id.in_(organisation_ids))))

    def insert(self, row: Mapping[str, Any]) -> None:
        """Add an organisation below ``row["parent_id"]``. Raises ``NotFound``, ``Invalid``, ``Conflict``."""
        with _unique(), self._records.begin() as connection:
            lock(connection)
            parent = _row(connection, row["parent_id"])
            check_kinds(parent.kind, row["kind"], set())
            connection.execute(sa.insert(organisations).values(**row, path=f"{parent.path}{row['id']}/"))

    def update(self, organisation_id: str, changes: Mapping[str, Any], expected: int | None) -> None:
        """Change or move an organisation. Raises ``NotFound``, ``Invalid``, ``Conflict``."""
        with _unique(), self._records.begin() as connection:
            lock(connection)
            before = _row(connection, organisation_id)
            if expected is not None and expected != before.revision:
                raise Conflict(
                    "The organisation was changed meanwhile.",
                    code="parties.organisation_changed",
                    hint="Read it again and decide anew.",
                )
            wanted = {"parent_id": before.parent_id, "kind": before.kind} | dict(changes)
            parent = _row(connection, wanted["parent_id"]) if wanted["parent_id"] else None
            if parent is not None and parent.path.startswith(before.path):
                raise Conflict(
                    "An organisation cannot belong to itself.", code="parties.organisation_loop", hint="Choose another."
                )
            below = organisations.c.parent_id == organisation_id
            kinds = set(connection.execute(sa.select(organisations.c.kind).where(below)).scalars())
            check_kinds(parent.kind if parent else None, wanted["kind"], kinds)
            values = {**changes, "revision": before.revision + 1}
            connection.execute(sa.update(organisations).where(organisations.c.id == organisation_id).values(**values))
            if parent is not None and before.parent_id != parent.id:
                _move(connection, before.path, f"{parent.path}{organisation_id}/")

    def delete(self, organisation_id: str) -> None:
        """Remove a suspended organisation that has none below it, with everything it owns.

        Raises ``NotFound``, ``Conflict`` (``parties.organisation_in_use``, ``parties.organisation_active``).
        """
        with self._records.begin() as connection:
            lock(connection)
            row = _row(connection, organisation_id, lock=True)  # waits for rows that are just being added
            below = sa.select(sa.func.count()).where(organisations.c.parent_id == organisation_id)
            if row.parent_id is None or connection.scalar(below):
                raise Conflict(
                    "The organisation has others below it.",
                    code="parties.organisation_in_use",
                    hint="Move or remove those first; the top of the tree stays.",
                )
            if not row.suspended:
                raise Conflict(
                    "The organisation is active.",
                    code="parties.organisation_active",
                    hint="Suspend it first: then nobody works in it while it is removed.",
                )
            for leaving in self.leaving:
                leaving(connection, organisation_id)
            purge(connection, organisation_id)
            connection.execute(sa.delete(organisations).where(organisations.c.id == organisation_id))

    # --- members -------------------------------------------------------------------------------------------------

    def members(self, organisation_id: str) -> builtins.list[Member]:
        """Who belongs to an organisation, by name."""
        query = (
            sa.select(people.c.id, people.c.name, people.c.kind, people.c.disabled, memberships.c.created_ms)
            .join(memberships, memberships.c.person_id == people.c.id)
            .where(memberships.c.organisation_id == organisation_id)
            .order_by(people.c.name_key)
        )
        with self._records.read() as connection:
            return [Member(*row) for row in connection.execute(query)]

    def join(self, person_id: str, organisation_id: str, now_ms: int) -> None:
        """Make somebody a member; one who is already stays so."""
        with self._records.begin() as connection:
            join(connection, person_id, organisation_id, now_ms)

    def leave(self, person_id: str, organisation_id: str, to: str | None, now_ms: int) -> None:
        """End a membership with the grants and groups that came with it, here and below, and every session and token.

        With ``to`` the person becomes a member there in the same transaction. What they made stays. Raises ``NotFound``
        (``parties.person_unknown``), ``Conflict`` (``parties.last_administrator``).
        """
        mine = (memberships.c.person_id == person_id, memberships.c.organisation_id == organisation_id)
        with self._records.begin() as connection:
            lock(connection)
            had = has_administrator(connection, organisation_id)
            if not connection.execute(sa.delete(memberships).where(*mine)).rowcount:
                raise NotFound(
                    "There is no such member.", code="parties.person_unknown", hint="List the members of it."
                )
            path = _row(connection, organisation_id).path
            here = sa.select(organisations.c.id).where(organisations.c.path.startswith(path, autoescape=True))
            connection.execute(
                sa.delete(grants).where(grants.c.person_id == person_id, grants.c.organisation_id.in_(here))
            )
            theirs = sa.select(groups.c.id).where(groups.c.organisation_id.in_(here))
            connection.execute(
                sa.delete(group_members).where(
                    group_members.c.person_id == person_id, group_members.c.group_id.in_(theirs)
                )
            )
            if had and not has_administrator(connection, organisation_id):
                raise last_administrator()
            connection.execute(sa.delete(sessions).where(sessions.c.person_id == person_id))
            connection.execute(sa.delete(tokens).where(tokens.c.person_id == person_id))
            if to is not None:
                join(connection, person_id, to, now_ms)

    # --- consents ------------------------------------------------------------------------------------------------

    def consents(self, organisation_id: str) -> builtins.list[sa.Row[Any]]:
        """The consents an enterprise gave, oldest first."""
        query = sa.select(consents).where(consents.c.organisation_id == organisation_id).order_by(consents.c.id)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query))

    def add_consent(self, row: Mapping[str, Any]) -> None:
        """Keep a consent."""
        with self._records.begin() as connection:
            connection.execute(sa.insert(consents).values(**row))

    def delete_consent(self, organisation_id: str, consent_id: str) -> bool:
        """Withdraw a consent; ``False`` when there was none."""
        mine = (consents.c.id == consent_id, consents.c.organisation_id == organisation_id)
        with self._records.begin() as connection:
            return connection.execute(sa.delete(consents).where(*mine)).rowcount > 0


def join(connection: sa.Connection, person_id: str, organisation_id: str, now_ms: int) -> None:
    """Make somebody a member, in the caller's transaction."""
    mine = (memberships.c.person_id == person_id, memberships.c.organisation_id == organisation_id)
    if connection.scalar(sa.select(memberships.c.person_id).where(*mine)) is None:
        row = {"person_id": person_id, "organisation_id": organisation_id, "created_ms": now_ms}
        connection.execute(sa.insert(memberships).values(**row))


def last_administrator() -> Conflict:
    """The error for taking away the last administrator."""
    return Conflict(
        "This would leave the organisation without an administrator.",
        code="parties.last_administrator",
        hint="Make somebody else an administrator first.",
    )


def no_such_organisation(organisation_id: str) -> NotFound:
    """The error for an organisation that is not there, or not for this person."""
    return NotFound(
        f"There is no organisation {organisation_id[:64]}.",
        code="parties.organisation_unknown",
        hint="GET /api/v1/organisations lists them.",
    )


def organisation_path(connection: sa.Connection, organisation_id: str) -> list[str]:
    """The organisation and those above it, the topmost first; of one that is gone, itself alone."""
    path = connection.scalar(sa.select(organisations.c.path).where(organisations.c.id == organisation_id))
    return [each for each in path.split("/") if each] if path else [organisation_id]


def active(organisation_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """That neither the organisation in this column nor one above it is suspended."""
    own, above = organisations.alias("own"), organisations.alias("above")
    inside = own.c.path.startswith(above.c.path)
    return sa.not_(sa.exists().where(own.c.id == organisation_id, above.c.suspended, inside))


def gone(organisation_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """That there is no organisation any more of the id in this column."""
    return sa.not_(sa.exists().where(organisations.c.id == organisation_id))


def _row(connection: sa.Connection, organisation_id: str, *, lock: bool = False) -> sa.Row[Any]:
    query = sa.select(organisations).where(organisations.c.id == organisation_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise no_such_organisation(organisation_id)
    return row


def _move(connection: sa.Connection, old: str, new: str) -> None:
    rest = sa.func.substr(organisations.c.path, len(old) + 1)
    connection.execute(
        sa.update(organisations)
        .where(organisations.c.path.startswith(old, autoescape=True))
        .values(path=sa.literal(new, sa.Text).concat(rest))
    )


class _unique:  # noqa: N801 - reads as a phrase in a with statement
    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IntegrityError):
            if "code" in str(error.orig):
                raise Conflict(
                    "This unified social credit code is registered on this node already.",
                    code="parties.credit_code_taken",
                    hint="Ask the operator of the node.",
                ) from error
            raise Conflict(
                "A sibling has this name already.", code="parties.organisation_name_taken", hint="Choose another name."
            ) from error
