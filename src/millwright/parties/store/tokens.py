"""API tokens: bearer secrets whose digest alone is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.model import Person, Role, Session, TokenInfo
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
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(
                    tokens.c.id.label("token_id"),
                    tokens.c.roles.label("token_roles"),
                    tokens.c.expires_ms,
                    tokens.c.last_used_ms,
                    people.c.id,
                    people.c.name,
                    people.c.roles,
                    people.c.language,
                )
                .join(people)
                .where(
                    tokens.c.digest == digest,
                    sa.or_(tokens.c.expires_ms.is_(None), tokens.c.expires_ms > now_ms),
                    sa.not_(people.c.disabled),
                )
            ).one_or_none()
        if row is None:
            return None
        person = Person(row.id, row.name, row.roles, row.language)
        roles: list[Role] = [role for role in row.token_roles if person.allows(role)]
        narrowed = Person(row.id, row.name, roles, row.language)
        return Session(row.token_id, narrowed, row.expires_ms or NEVER_MS, "token"), row.last_used_ms or 0

    def touch(self, token_id: str, last_used_ms: int, address: str) -> None:
        """Note that a token was used, and from where."""
        used = {"last_used_ms": last_used_ms, "last_used_address": address[:64]}
        with self._records.begin() as connection:
            connection.execute(sa.update(tokens).where(tokens.c.id == token_id).values(**used))

    def list(self, person_id: str | None) -> list[TokenInfo]:
        """The tokens of one person, or (``None``) everybody's, oldest first."""
        query = sa.select(tokens).order_by(tokens.c.id)
        if person_id is not None:
            query = query.where(tokens.c.person_id == person_id)
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

    def delete(self, token_id: str, person_id: str | None) -> bool:
        """End a token (of ``person_id`` only, when given); ``False`` when there was none."""
        query = sa.delete(tokens).where(tokens.c.id == token_id)
        if person_id is not None:
            query = query.where(tokens.c.person_id == person_id)
        with self._records.begin() as connection:
            return connection.execute(query).rowcount > 0
