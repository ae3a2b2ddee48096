"""Issued statements: written once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.kernel import Conflict, NotFound
from millwright.metering.model import Statement, StatementDocument, StatementInfo
from millwright.metering.tables import numbers, statements


class StatementStore:
    """Every method is one transaction, confined to the scope of the records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self, month: str | None = None) -> list[StatementInfo]:
        """Statements, newest month first."""
        query = sa.select(statements).order_by(statements.c.month.desc(), statements.c.number.desc()).limit(1000)
        if month is not None:
            query = query.where(statements.c.month == month)
        with self._records.read() as connection:
            return [_info(row) for row in connection.execute(query)]

    def issued(self, organisation_ids: Sequence[str], first_month: str) -> Sequence[tuple[str, str]]:
        """(payer, month) of every statement that these organisations have for this month and later ones."""
        query = sa.select(statements.c.organisation_id, statements.c.month).where(
            statements.c.organisation_id.in_(organisation_ids), statements.c.month >= first_month
        )
        with self._records.read() as connection:
            return [(row.organisation_id, row.month) for row in connection.execute(query)]

    def get(self, statement_id: str) -> tuple[Statement, str]:
        """A statement, and its document as the text that was frozen. Raises ``NotFound``."""
        with self._records.read() as connection:
            row = connection.execute(sa.select(statements).where(statements.c.id == statement_id)).one_or_none()
        if row is None:
            raise NotFound(
                "There is no such statement.",
                code="metering.statement_unknown",
                hint="List the statements.",
                detail={"statement_id": statement_id},
            )
        document = msgspec.json.decode(row.document, type=StatementDocument)
        return Statement(document, row.id, row.number, row.issued_ms, row.issued_by, row.digest), row.document

    def add(self, statement: Statement, text: str) -> str:
        """Keep a statement under the next number of its month, and return that.

        Raises ``Conflict`` (``metering.statement_issued``) when the organisation has one for the month.
        """
        document = statement.document
        with self._records.begin() as connection:
            mine = sa.and_(
                statements.c.organisation_id == document.organisation_id, statements.c.month == document.month
            )
            known = connection.execute(sa.select(statements.c.number).where(mine)).scalar_one_or_none()
            if known is not None:
                raise Conflict(
                    f"The statement of {document.month} was issued already, as {known}.",
                    code="metering.statement_issued",
                    hint="It does not change any more. What is to be made good belongs on the next one.",
                    detail={"number": known},
                )
            number = f"MW-{document.month.replace('-', '')}-{_next(connection, document.month):04d}"
            connection.execute(
                sa.insert(statements),
                [
                    {
                        "id": statement.id,
                        "number": number,
                        "organisation_id": document.organisation_id,
                        "month": document.month,
                        "document": text,
                        "digest": statement.digest,
                        "issued_ms": statement.issued_ms,
                        "issued_by": statement.issued_by,
                    }
                ],
            )
        return number


def _next(connection: sa.Connection, month: str) -> int:
    query = sa.select(numbers.c.last).where(numbers.c.month == month).with_for_update()
    last: int | None = connection.execute(query).scalar_one_or_none()
    if last is None:
        connection.execute(sa.insert(numbers), [{"month": month, "last": 1}])
        return 1
    connection.execute(sa.update(numbers).where(numbers.c.month == month).values(last=last + 1))
    return last + 1


def _info(row: sa.Row[Any]) -> StatementInfo:
    document = msgspec.json.decode(row.document, type=StatementDocument)
    return StatementInfo(
        row.id,
        row.number,
        row.organisation_id,
        document.organisation,
        row.month,
        document.currency,
        document.total,
        row.issued_ms,
        row.digest,
    )
