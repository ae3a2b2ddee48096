"""Cases on SQL; every function works inside the caller's transaction."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from millwright.cases.model import Case, Entry, Filter, Page
from millwright.engines.sql import metadata, organisation, owned, owned_through
from millwright.kernel import Invalid

cases = sa.Table(
    "cases_cases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("opened_ms", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("search", sa.Text, nullable=False),
    sa.Column("cause", sa.Text),
    sa.Column("assignee", sa.Text),
    sa.Column("deadline_ms", sa.BigInteger),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    organisation(),
    sa.UniqueConstraint("kind", "cause", name="uq_cases_cases_cause"),
    sa.Index("ix_cases_cases_opened", "kind", "opened_ms", "id"),
    sa.Index("ix_cases_cases_state", "kind", "state", "opened_ms"),
    sa.Index("ix_cases_cases_subject", "subject", "kind", "opened_ms"),
    info=owned(),
)

entries = sa.Table(
    "cases_entries",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases_cases.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("transition", sa.Text),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("to_state", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_cases_entries_case", "case_id", "id"),
    info=owned_through(cases, "case_id"),
)

evidence = sa.Table(
    "cases_evidence",
    metadata,
    sa.Column("case_id", sa.Text, sa.ForeignKey("cases_cases.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("ix_cases_evidence_complete", "complete"),
    info=owned_through(cases, "case_id"),
)

_CHUNK = 500  # SQLite takes at most 32,766 parameters, and long IN lists are slow to plan
_PAGE_LIMIT = 1000
_DIGITS = 18  # a 64-bit integer holds these

Column = Literal["state", "priority", "subject"]


def insert(connection: sa.Connection, rows: Sequence[Case]) -> None:
    """Add new cases."""
    if rows:
        connection.execute(cases.insert(), [msgspec.structs.asdict(row) for row in rows])


def update(connection: sa.Connection, rows: Sequence[Case]) -> None:
    """Overwrite cases that this transaction has locked."""
    if not rows:
        return
    statement = cases.update().where(cases.c.id == sa.bindparam("key"))
    connection.execute(
        statement.values({c.name: sa.bindparam(c.name) for c in cases.columns if c.name not in ("id", "kind")}),
        [msgspec.structs.asdict(row) | {"key": row.id} for row in rows],
    )


def append(connection: sa.Connection, rows: Sequence[Entry]) -> None:
    """Add lines of history."""
    if rows:
        connection.execute(entries.insert(), [msgspec.structs.asdict(row) for row in rows])


def select(connection: sa.Connection, ids: Iterable[str], *, lock: bool = False) -> dict[str, Case]:
    """The cases of ``ids`` that exist; ``lock`` holds their rows until the transaction ends."""
    return {case.id: case for case in _in_chunks(connection, cases.c.id, ids, sa.true(), lock)}


def select_open(connection: sa.Connection, kind: str, causes: Iterable[str], *, lock: bool = False) -> dict[str, Case]:
    """The open cases of ``kind`` by their cause."""
    found = _in_chunks(connection, cases.c.cause, causes, cases.c.kind == kind, lock)
    return {case.cause: case for case in found if case.cause is not None}


def _in_chunks(
    connection: sa.Connection, column: sa.Column[Any], keys: Iterable[str], where: sa.ColumnElement[bool], lock: bool
) -> list[Case]:
    found = []
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(cases).where(column.in_(wanted[start : start + _CHUNK]), where)
        if lock:
            query = query.order_by(cases.c.id).with_for_update()
        found += [_case(row) for row in connection.execute(query)]
    return found


def page(connection: sa.Connection, wanted: Filter, *, cursor: str | None, limit: int) -> Page:
    """One page, latest first. Raises ``Invalid`` (``cases.bad_cursor``, ``cases.bad_limit``)."""
    if not 1 <= limit <= _PAGE_LIMIT:
        raise Invalid(f"limit must be from 1 to {_PAGE_LIMIT}.", code="cases.bad_limit", hint="Ask for fewer at once.")
    query = sa.select(cases).where(*_conditions(wanted))
    if cursor is not None:
        opened_ms, last_id = _decode(cursor)
        later = (cases.c.opened_ms == opened_ms) & (cases.c.id < last_id)
        query = query.where((cases.c.opened_ms < opened_ms) | later)
    query = query.order_by(cases.c.opened_ms.desc(), cases.c.id.desc()).limit(limit + 1)
    rows = [_case(row) for row in connection.execute(query)]
    items = rows[:limit]
    return Page(items, _encode(items[-1]) if len(rows) > limit else None)


def count(connection: sa.Connection, wanted: Filter, by: tuple[Column, ...]) -> dict[tuple[Any, ...], int]:
    """How many cases there are for each combination of the columns ``by``."""
    columns = [cases.c[name] for name in by]
    query = sa.select(*columns, sa.func.count()).where(*_conditions(wanted)).group_by(*columns)
    return {tuple(row[:-1]): row[-1] for row in connection.execute(query)}


def history(connection: sa.Connection, case_id: str, limit: int) -> list[Entry]:
    """The newest ``limit`` lines of a case's history, oldest first."""
    columns = [column for column in entries.columns if column.name != "id"]
    query = sa.select(*columns).where(entries.c.case_id == case_id).order_by(entries.c.id.desc()).limit(limit)
    return [Entry(**row._mapping) for row in connection.execute(query)][::-1]


def put_evidence(connection: sa.Connection, rows: Sequence[tuple[str, dict[str, Any], bool]]) -> None:
    """Set the evidence of cases: (case id, document, whether nothing more comes)."""
    if rows:
        connection.execute(
            evidence.delete().where(evidence.c.case_id == sa.bindparam("key")), [{"key": r[0]} for r in rows]
        )
        connection.execute(
            evidence.insert(), [dict(zip(("case_id", "data", "complete"), r, strict=True)) for r in rows]
        )


def get_evidence(connection: sa.Connection, case_id: str) -> tuple[dict[str, Any], bool] | None:
    """The evidence of a case and whether it is complete."""
    row = connection.execute(sa.select(evidence).where(evidence.c.case_id == case_id)).one_or_none()
    return (row.data, row.complete) if row else None


def incomplete_evidence(connection: sa.Connection, limit: int) -> list[tuple[str, dict[str, Any]]]:
    """Evidence that waits for completion, oldest case first."""
    query = sa.select(evidence).where(evidence.c.complete == sa.false()).order_by(evidence.c.case_id).limit(limit)
    return [(row.case_id, row.data) for row in connection.execute(query)]


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    c = cases.c
    found: list[sa.ColumnElement[bool]] = [c.kind == wanted.kind]
    if wanted.states:
        found.append(c.state.in_(wanted.states))
    if wanted.subjects:
        found.append(c.subject.in_(wanted.subjects))
    if wanted.priorities:
        found.append(c.priority.in_(wanted.priorities))
    if wanted.assignee is not None:
        found.append(c.assignee == wanted.assignee)
    if wanted.text:
        found.append(c.search.contains(wanted.text.lower(), autoescape=True))
    if wanted.from_ms is not None:
        found.append(c.opened_ms >= wanted.from_ms)
    if wanted.to_ms is not None:
        found.append(c.opened_ms < wanted.to_ms)
    return found


def _case(row: sa.Row[Any]) -> Case:
    return Case(**row._mapping)


def _encode(case: Case) -> str:
    return base64.urlsafe_b64encode(f"{case.opened_ms} {case.id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        opened_ms, _, last_id = text.partition(" ")
        if not last_id or len(opened_ms) > _DIGITS:
            raise ValueError(text)
        return int(opened_ms), last_id
    except (binascii.Error, ValueError) as error:
        raise Invalid(
            "This cursor was not made by this list.",
            code="cases.bad_cursor",
            hint="Use `next` of the page before, unchanged.",
        ) from error
