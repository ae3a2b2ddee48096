"""People."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.kernel import Conflict, NotFound
from millwright.parties.model import Account
from millwright.parties.store.setup import claim, lock
from millwright.parties.store.tables import browsers, people, sessions

PERSON, PROGRAM = "person", "program"


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

    def list(self) -> list[Account]:
        """Everybody, by name."""
        with self._records.read() as connection:
            return [_account(row) for row in connection.execute(sa.select(people).order_by(people.c.name_key))]

    def find(self, person_id: str) -> Account | None:
        """One person."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(people).where(people.c.id == person_id)).one_or_none()
        return _account(row) if row else None

    def find_credentials(self, *, name_key: str | None = None, person_id: str | None = None) -> Credentials | None:
        """What signing in as ``name_key`` (or as ``person_id``) checks."""
        wanted = people.c.name_key == name_key if person_id is None else people.c.id == person_id
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(people.c.id, people.c.password, people.c.disabled).where(wanted)
            ).one_or_none()
        return Credentials(row.id, row.password, row.disabled) if row else None

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a person. Raises ``Conflict`` (``parties.name_taken``)."""
        with _unique_name(), self._records.begin() as connection:
            connection.execute(sa.insert(people).values(**row))

    def add_first(self, row: Mapping[str, Any], code_digest: bytes) -> bool:
        """Add the first administrator and end the set-up, or do nothing and return ``False``."""
        with _unique_name(), self._records.begin() as connection:
            if not claim(connection, code_digest, row["created_ms"]):
                return False
            connection.execute(sa.insert(people).values(**row))
            return True

    def ensure_program(self, row: Mapping[str, Any]) -> None:
        """Add a program that acts by itself, unless it is there."""
        with self._records.begin() as connection:
            if connection.scalar(sa.select(people.c.id).where(people.c.id == row["id"])) is None:
                connection.execute(sa.insert(people).values(**row))

    def update(self, person_id: str, values: Mapping[str, Any], *, end_sessions: bool, keep: str | None = None) -> None:
        """Change a person, and end their sessions other than ``keep`` in the same transaction.

        Raises ``NotFound``, ``Conflict`` (``parties.name_taken``, ``parties.last_administrator``).
        """
        with _unique_name(), self._records.begin() as connection:
            lock(connection)
            changed = connection.execute(sa.update(people).where(people.c.id == person_id).values(**values))
            if not changed.rowcount:
                raise no_such_person(person_id)
            if {"roles", "disabled"} & values.keys() and not _has_administrator(connection):
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

    def set_password_hash(self, person_id: str, password: str) -> None:
        """Store the same password under newer parameters."""
        with self._records.begin() as connection:
            connection.execute(sa.update(people).where(people.c.id == person_id).values(password=password))


def no_such_person(person_id: str) -> NotFound:
    """The error for a person nobody knows."""
    return NotFound(
        f"There is no person {person_id[:64]}.", code="parties.person_unknown", hint="GET /api/v1/people lists all."
    )


def _has_administrator(connection: sa.Connection) -> bool:
    rows = connection.execute(sa.select(people.c.roles).where(people.c.kind == PERSON, sa.not_(people.c.disabled)))
    return any("administrator" in row.roles for row in rows)


def _account(row: Any) -> Account:
    return Account(row.id, row.name, row.roles, row.language, row.disabled, row.created_ms, row.signed_in_ms, row.kind)


class _unique_name:  # noqa: N801 - reads as a phrase in a with statement
    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, IntegrityError):
            raise Conflict(
                "Somebody has this name already.", code="parties.name_taken", hint="Choose another name."
            ) from error
