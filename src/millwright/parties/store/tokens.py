"""API tokens: bearer secrets whose digest alone is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.authority import roles_held
from millwright.parties.model import ROLES, Person, Role, Session, TokenInfo
from millwright.parties.store.authority import held
from millwright.parties.store.people import belonging
from millwright.parties.store.tables import people, tokens

NEVER_MS = 253_402_300_799_000
"""The end of a session opened by a token that does not expire: the last second of the year 9999."""


class TokenStore:
    """Queries over tokens. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add(self, row: Mapping[str, Any], *, replace: bool = False) -> None:
        """Add a token; with ``replace`` the person's other tokens end."""
        with self._records.begin() as connection:
            if replace:
                connection.execute(sa.delete(tokens).where(tokens.c.person_id == row["person_id"]))
            connection.execute(sa.insert(tokens).values(**row))

    def find(self, digest: bytes, now_ms: int) -> tuple[Session, int] | None:
        """The session a living token of an enabled person opens, and when the token was last used."""
        return self._find(tokens.c.digest == digest, now_ms)

    def find_by_id(self, token_id: str, now_ms: int) -> Session | None:
        """The session that a living token opens, for what it asked earlier."""
        found = self._find(tokens.c.id == token_id, now_ms)
        return found[0] if found else None

    def _find(self, which: sa.ColumnElement[bool], now_ms: int) -> tuple[Session, int] | None:
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(
                    tokens.c.id.label("token_id"),
                    tokens.c.roles.label("token_roles"),
                    tokens.c.expires_ms,
                    tokens.c.last_used_ms,
                    people.c.id,
                    people.c.name,
                    people.c.language,
                )
                .join(people)
                .where(
                    which,
                    sa.or_(tokens.c.expires_ms.is_(None), tokens.c.expires_ms > now_ms),
                    sa.not_(people.c.disabled),
                )
            ).one_or_none()
            if row is None:
                return None
            grants = [each for each in held(connection, row.id) if each.alive(now_ms)]
        person = Person(row.id, row.name, roles_held(grants, ROLES), row.language)  # type: ignore[arg-type]  # of ROLES
        special = any(each.role not in ROLES for each in grants)
        roles: list[Role] = [role for role in row.token_roles if special or person.allows(role)]
        narrowed = Person(row.id, row.name, roles, row.language)
        return Session(row.token_id, narrowed, row.expires_ms or NEVER_MS, "token"), row.last_used_ms or 0

    def touch(self, token_id: str, last_used_ms: int, address: str) -> None:
        """Note that a token was used, and from where."""
        used = {"last_used_ms": last_used_ms, "last_used_address": address[:64]}
        with self._records.begin() as connection:
            connection.execute(sa.update(tokens).where(tokens.c.id == token_id).values(**used))

    def list(self, person_id: str, organisation_ids: Collection[str] = ()) -> list[TokenInfo]:
        """The tokens of one person and of those who belong to these organisations alone, oldest first."""
        query = sa.select(tokens).where(_theirs(person_id, organisation_ids)).order_by(tokens.c.id)
        with self._records.read() as connection:
            return [
                TokenInfo(
                    r.id,
                    r.name,
                    r.person_id,
                    r.roles,
                    r.hint,
                    r.created_ms,
                    r.expires_ms,
                    r.last_used_ms,
                    r.last_used_address,
                )
                for r in connection.execute(query)
            ]

    def delete(self, token_id: str, person_id: str, organisation_ids: Collection[str] = ()) -> bool:
        """End a token of one person, or of somebody who belongs to these organisations alone; ``False``: none."""
        query = sa.delete(tokens).where(tokens.c.id == token_id, _theirs(person_id, organisation_ids))
        with self._records.begin() as connection:
            return connection.execute(query).rowcount > 0


def _theirs(person_id: str, organisation_ids: Collection[str]) -> sa.ColumnElement[bool]:
    mine = tokens.c.person_id == person_id
    return sa.or_(mine, tokens.c.person_id.in_(belonging(organisation_ids))) if organisation_ids else mine
