"""Queries of approvals. The records see everything, so each query names whose rows it wants."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from millwright.approvals.model import OPEN
from millwright.approvals.tables import policies, requests
from millwright.engines.sql import Records
from millwright.kernel import NotFound


class PolicyStore:
    """What organisations state."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def all(self) -> dict[str, frozenset[str]]:
        """The stated names by organisation; usually few, often none."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(policies.c.organisation_id, policies.c.actions)).all()
        return {row.organisation_id: frozenset(row.actions) for row in rows if row.actions}

    def find(self, organisation_id: str) -> sa.Row[Any] | None:
        """What one organisation states."""
        with self._records.read() as connection:
            return connection.execute(
                sa.select(policies).where(policies.c.organisation_id == organisation_id)
            ).one_or_none()

    def put(self, organisation_id: str, actions: Sequence[str], now_ms: int, by: str) -> None:
        """State it; nothing at all removes the policy."""
        values = {"actions": list(actions), "changed_ms": now_ms, "changed_by": by}
        with self._records.begin() as connection:
            connection.execute(sa.delete(policies).where(policies.c.organisation_id == organisation_id))
            if actions:
                connection.execute(sa.insert(policies).values(organisation_id=organisation_id, **values))


class RequestStore:
    """What waits, or waited. ``connection``: the transaction of the case that changes along."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def insert(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Keep a request."""
        connection.execute(sa.insert(requests).values(**row))

    def update(self, connection: sa.Connection, request_id: str, **values: Any) -> None:
        """Change what is kept of a request."""
        connection.execute(sa.update(requests).where(requests.c.id == request_id).values(**values))

    def get(self, request_id: str) -> sa.Row[Any]:
        """The row, whoever's it is: for carrying it out. Raises ``NotFound`` (``approvals.unknown``)."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(requests).where(requests.c.id == request_id)).one_or_none()
        if row is None:
            raise NotFound("There is no such request.", code="approvals.unknown", hint="It may have been removed.")
        return row

    def find(self, request_id: str, person_id: str, organisation_ids: Collection[str]) -> sa.Row[Any] | None:
        """The row, for who asked and for those who may decide on these organisations."""
        query = sa.select(requests).where(requests.c.id == request_id, _seen(person_id, organisation_ids))
        with self._records.read() as connection:
            return connection.execute(query).one_or_none()

    def list(
        self,
        view: str,
        person_id: str,
        organisation_ids: Collection[str],
        *,
        before: str | None = None,
        limit: int = 100,
    ) -> builtins.list[sa.Row[Any]]:
        """``waiting`` for this person, ``mine``, ``decided``, or ``all`` that may be seen; newest first."""
        query = sa.select(requests).where(_view(view, person_id, organisation_ids))
        if before is not None:
            query = query.where(requests.c.id < before)
        with self._records.read() as connection:
            return builtins.list(connection.execute(query.order_by(requests.c.id.desc()).limit(limit)))

    def count(self, view: str, person_id: str, organisation_ids: Collection[str], now_ms: int) -> int:
        """How many there are that have not ended."""
        open_ = sa.and_(requests.c.state.in_(OPEN), requests.c.expires_ms > now_ms)
        query = sa.select(sa.func.count()).where(_view(view, person_id, organisation_ids), open_)
        with self._records.read() as connection:
            return connection.scalar(query) or 0

    def in_state(self, state: str, *, expired_ms: int | None = None, changed_ms: int | None = None) -> Sequence[str]:
        """Ids in a state, past their end or unchanged since a time."""
        query = sa.select(requests.c.id).where(requests.c.state == state)
        if expired_ms is not None:
            query = query.where(requests.c.expires_ms <= expired_ms)
        if changed_ms is not None:
            query = query.where(requests.c.changed_ms <= changed_ms)
        with self._records.read() as connection:
            return list(connection.execute(query.order_by(requests.c.id).limit(500)).scalars())

    def take_answer(self, request_id: str, person_id: str) -> str | None:
        """The sealed answer, erased as it is taken; one of two who take it at once gets nothing."""
        mine = (requests.c.id == request_id, requests.c.requester_id == person_id)
        with self._records.begin() as connection:
            query = sa.select(requests.c.answer).where(*mine).with_for_update()
            found: str | None = connection.execute(query).scalar_one_or_none()
            if found is None:
                return None
            connection.execute(sa.update(requests).where(*mine).values(answer=None))
            return found

    def erase_answers(self, before_ms: int) -> int:
        """Erase answers that nobody took."""
        old = (requests.c.answer.is_not(None), requests.c.changed_ms < before_ms)
        with self._records.begin() as connection:
            return connection.execute(sa.update(requests).where(*old).values(answer=None)).rowcount


def _seen(person_id: str, organisation_ids: Collection[str]) -> sa.ColumnElement[bool]:
    return sa.or_(requests.c.requester_id == person_id, requests.c.organisation_id.in_(sorted(organisation_ids)))


def _view(view: str, person_id: str, organisation_ids: Collection[str]) -> sa.ColumnElement[bool]:
    here = requests.c.organisation_id.in_(sorted(organisation_ids))
    if view == "waiting":
        return sa.and_(here, requests.c.state == "asked", requests.c.requester_id != person_id)
    if view == "mine":
        return requests.c.requester_id == person_id
    if view == "decided":
        return sa.and_(_seen(person_id, organisation_ids), requests.c.state.not_in(OPEN))
    return _seen(person_id, organisation_ids)
