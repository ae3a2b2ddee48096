"""Sessions: opened by a cookie whose digest alone is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.model import Factor, Person, Session, SessionInfo
from millwright.parties.store.authority import roles_of
from millwright.parties.store.tables import people, sessions

_OVERLAP_MS = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """A living session: when it was opened, last seen, and when its person last proved who they are."""

    session: Session
    created_ms: int
    seen_ms: int
    proved_ms: int


class SessionStore:
    """Queries over sessions. Every time is UTC milliseconds."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def add(self, row: Mapping[str, Any], now_ms: int) -> None:
        """Open a session; those past their end are removed on the way."""
        with self._records.begin() as connection:
            connection.execute(sa.delete(sessions).where(sessions.c.expires_ms <= now_ms))
            connection.execute(sa.insert(sessions).values(**row))
            connection.execute(sa.update(people).where(people.c.id == row["person_id"]).values(signed_in_ms=now_ms))

    def find(self, digest: bytes, now_ms: int) -> Found | None:
        """The living session of an enabled person. The secret before the last one opens it for ten seconds more, so
        that requests under way while it was replaced are not turned away."""
        recent = sa.and_(sessions.c.previous_digest == digest, sessions.c.rotated_ms > now_ms - _OVERLAP_MS)
        return self._find(sa.or_(sessions.c.digest == digest, recent), now_ms)

    def find_by_id(self, session_id: str, now_ms: int) -> Found | None:
        """The living session of an enabled person that has this id."""
        return self._find(sessions.c.id == session_id, now_ms)

    def _find(self, which: sa.ColumnElement[bool], now_ms: int) -> Found | None:
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(
                    sessions.c.id.label("session_id"),
                    sessions.c.expires_ms,
                    sessions.c.created_ms,
                    sessions.c.seen_ms,
                    sessions.c.factors,
                    sessions.c.proved_ms,
                    people.c.id,
                    people.c.name,
                    people.c.language,
                )
                .join(people)
                .where(
                    which,
                    sessions.c.expires_ms > now_ms,
                    sa.not_(people.c.disabled),
                )
            ).one_or_none()
            if row is None:
                return None
            person = Person(row.id, row.name, roles_of(connection, row.id, now_ms), row.language)
        session = Session(row.session_id, person, row.expires_ms, factors=row.factors)
        return Found(session, row.created_ms, row.seen_ms, row.proved_ms)

    def prove(self, session_id: str, digest: bytes, factors: Sequence[Factor], now_ms: int) -> bool:
        """Replace a session's secret because its person proved anew who they are; ``False`` when it is gone."""
        with self._records.begin() as connection:
            done = connection.execute(
                sa.update(sessions)
                .where(sessions.c.id == session_id)
                .values(
                    digest=digest,
                    previous_digest=sessions.c.digest,
                    rotated_ms=now_ms,
                    proved_ms=now_ms,
                    factors=list(factors),
                )
            )
        return done.rowcount > 0

    def delete_by_identity(self, identity_id: str, provider_session: str | None = None) -> int:
        """End the sessions that an identity of another provider opened (all, or those of one session there)."""
        query = sa.delete(sessions).where(sessions.c.identity_id == identity_id)
        if provider_session is not None:
            query = query.where(sessions.c.provider_session == provider_session)
        with self._records.begin() as connection:
            return connection.execute(query).rowcount

    def touch(self, session_id: str, seen_ms: int, expires_ms: int) -> None:
        """Move the end of a session that is in use."""
        with self._records.begin() as connection:
            connection.execute(
                sa.update(sessions).where(sessions.c.id == session_id).values(seen_ms=seen_ms, expires_ms=expires_ms)
            )

    def list(self, person_id: str, now_ms: int) -> list[SessionInfo]:
        """The living sessions of a person, latest first."""
        with self._records.read() as connection:
            rows = connection.execute(
                sa.select(sessions)
                .where(sessions.c.person_id == person_id, sessions.c.expires_ms > now_ms)
                .order_by(sessions.c.seen_ms.desc(), sessions.c.id)
            ).all()
        return [SessionInfo(r.id, r.created_ms, r.seen_ms, r.expires_ms, r.address, r.agent) for r in rows]

    def delete_others(self, person_id: str, keep: str) -> int:
        """End every session of a person except ``keep``; how many there were."""
        with self._records.begin() as connection:
            return connection.execute(
                sa.delete(sessions).where(sessions.c.person_id == person_id, sessions.c.id != keep)
            ).rowcount

    def delete(self, session_id: str, person_id: str) -> bool:
        """End one session of a person; ``False`` when there was none."""
        with self._records.begin() as connection:
            done = connection.execute(
                sa.delete(sessions).where(sessions.c.id == session_id, sessions.c.person_id == person_id)
            )
        return done.rowcount > 0
