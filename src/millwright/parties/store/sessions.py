"""Sessions: opened by a cookie whose digest alone is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.parties.model import Person, Session, SessionInfo
from millwright.parties.store.authority import roles_of
from millwright.parties.store.tables import people, sessions


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

    def find(self, digest: bytes, now_ms: int) -> tuple[Session, int, int] | None:
        """The living session of an enabled person, when it was opened and when it was last seen."""
        with self._records.read() as connection:
            row = connection.execute(
                sa.select(
                    sessions.c.id.label("session_id"),
                    sessions.c.expires_ms,
                    sessions.c.created_ms,
                    sessions.c.seen_ms,
                    people.c.id,
                    people.c.name,
                    people.c.language,
                )
                .join(people)
                .where(sessions.c.digest == digest, sessions.c.expires_ms > now_ms, sa.not_(people.c.disabled))
            ).one_or_none()
            if row is None:
                return None
            person = Person(row.id, row.name, roles_of(connection, row.id, now_ms), row.language)
        return Session(row.session_id, person, row.expires_ms), row.created_ms, row.seen_ms

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
