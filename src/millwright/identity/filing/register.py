"""Queries of nodes below and what they filed: the register of filings. The records see everything, unless it is said
whose rows are wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.identity.filing import errors
from millwright.identity.filing.tables import filers, received, reports_received
from millwright.identity.prefixes.systems import parents_of
from millwright.identity.prefixes.tables import prefixes, registrars

Row: TypeAlias = sa.Row[Any]

_LOCK = 7_276_411_902
"""PostgreSQL's advisory lock of whoever gives numbers; SQLite's write lock does that by itself."""


class Register:
    """Nodes below, their filings and reports."""

    def __init__(self, records: Records) -> None:
        self.records = records

    # --- nodes below ---------------------------------------------------------------------------------------------

    def filers(self, organisations: Collection[str]) -> Sequence[Row]:
        """The nodes below that file with these organisations, by name."""
        query = sa.select(filers).where(filers.c.organisation_id.in_(sorted(organisations)))
        with self.records.read() as connection:
            return connection.execute(query.order_by(filers.c.name, filers.c.id)).all()

    def filer(self, filer_id: str, organisations: Collection[str]) -> Row:
        """One of them. Raises ``NotFound`` (``filing.unknown``)."""
        mine = (filers.c.id == filer_id, filers.c.organisation_id.in_(sorted(organisations)))
        with self.records.read() as connection:
            row = connection.execute(sa.select(filers).where(*mine)).one_or_none()
        if row is None:
            raise errors.unknown("node below", filer_id)
        return row

    def of_person(self, person_id: str) -> Row:
        """The node below whose account this is. Raises ``NotFound`` (``filing.no_filer``), ``Denied``
        (``filing.suspended``)."""
        row = self.find_of_person(person_id)
        if row is None:
            raise errors.no_filer()
        if row.suspended:
            raise errors.filer_suspended()
        return row

    def find_of_person(self, person_id: str) -> Row | None:
        """The node below whose account this is."""
        with self.records.read() as connection:
            return connection.execute(sa.select(filers).where(filers.c.person_id == person_id)).one_or_none()

    def insert_filer(self, row: dict[str, Any]) -> None:
        """Add one. Raises ``Conflict`` (``filing.key_taken``)."""
        try:
            with self.records.begin() as connection:
                connection.execute(sa.insert(filers), [row])
        except IntegrityError:
            raise errors.key_taken() from None

    def update_filer(self, filer_id: str, **values: Any) -> None:
        """Change one. Raises ``Conflict`` (``filing.key_taken``)."""
        try:
            with self.records.begin() as connection:
                connection.execute(sa.update(filers).where(filers.c.id == filer_id).values(**values))
        except IntegrityError:
            raise errors.key_taken() from None

    def delete_filer(self, filer_id: str) -> None:
        """Remove one; what it filed is kept."""
        with self.records.begin() as connection:
            connection.execute(sa.delete(filers).where(filers.c.id == filer_id))
            connection.execute(sa.delete(reports_received).where(reports_received.c.filer_id == filer_id))

    def held(self, holder_id: str, limit: int = 200) -> Sequence[str]:
        """The prefixes that an organisation holds here."""
        mine = (prefixes.c.organisation_id == holder_id, prefixes.c.held_key.is_not(None))
        query = sa.select(prefixes.c.prefix).where(*mine).order_by(prefixes.c.prefix).limit(limit)
        with self.records.read() as connection:
            return connection.execute(query).scalars().all()

    # --- in a transaction ----------------------------------------------------------------------------------------

    def lock(self, connection: sa.Connection) -> None:
        """Let one transaction at a time give numbers."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def cover(self, connection: sa.Connection, key: str) -> Row | None:
        """The nearest held prefix that a key is at or below, with who decides on it."""
        keys = [key, *parents_of(key)]
        query = (
            sa.select(prefixes.c.held_key, prefixes.c.organisation_id, prefixes.c.state)
            .add_columns(registrars.c.organisation_id.label("registrar_id"))
            .outerjoin(registrars, registrars.c.id == prefixes.c.id)
            .where(prefixes.c.held_key.in_(keys))
        )
        found = {row.held_key: row for row in connection.execute(query)}
        return next((found[each] for each in keys if each in found), None)

    def find(self, connection: sa.Connection, filer_id: str, filing_id: str) -> Row | None:
        """What was received under an id."""
        mine = (received.c.filer_id == filer_id, received.c.filing_id == filing_id)
        return connection.execute(sa.select(received).where(*mine)).one_or_none()

    def newest(self, connection: sa.Connection, filer_id: str, key: str) -> int:
        """The highest sequence of a prefix that a node filed."""
        mine = (received.c.filer_id == filer_id, received.c.key == key)
        return int(connection.scalar(sa.select(sa.func.max(received.c.sequence)).where(*mine)) or 0)

    def number_of(self, connection: sa.Connection, organisation_id: str, key: str) -> str:
        """The registration number that a prefix has; empty: none yet."""
        mine = (received.c.organisation_id == organisation_id, received.c.key == key, received.c.state == "accepted")
        query = sa.select(received.c.number).where(*mine).order_by(received.c.sequence.desc()).limit(1)
        found: str = connection.scalar(query) or ""
        return found

    def next_serial(self, connection: sa.Connection) -> int:
        """The next number, within the lock."""
        return int(connection.scalar(sa.select(sa.func.max(received.c.serial))) or 0) + 1

    def insert(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Keep a filing."""
        connection.execute(sa.insert(received), [row])

    def update(self, connection: sa.Connection, received_id: str, **values: Any) -> None:
        """Change how it stands."""
        connection.execute(sa.update(received).where(received.c.id == received_id).values(**values))

    def make_current(self, connection: sa.Connection, row: Row) -> None:
        """Let an accepted filing be the newest of its prefix, unless a newer one is."""
        mine = (received.c.organisation_id == row.organisation_id, received.c.key == row.key)
        accepted = sa.select(sa.func.max(received.c.sequence)).where(*mine, received.c.state == "accepted")
        newest = connection.scalar(accepted)
        values = {"current": sa.and_(received.c.state == "accepted", received.c.sequence == newest)}
        connection.execute(sa.update(received).where(*mine).values(values))

    def get(self, connection: sa.Connection, received_id: str) -> Row:
        """A filing, whosever it is."""
        return connection.execute(sa.select(received).where(received.c.id == received_id)).one()

    # --- looking -------------------------------------------------------------------------------------------------

    def received(self, received_id: str, organisations: Collection[str]) -> Row:
        """One filing. Raises ``NotFound`` (``filing.unknown``)."""
        mine = (received.c.id == received_id, received.c.organisation_id.in_(sorted(organisations)))
        with self.records.read() as connection:
            row = connection.execute(sa.select(received).where(*mine)).one_or_none()
        if row is None:
            raise errors.unknown("filing", received_id)
        return row

    def of_filer(self, filer_id: str, filing_ids: Collection[str]) -> Sequence[Row]:
        """Those of these that a node filed."""
        mine = (received.c.filer_id == filer_id, received.c.filing_id.in_(sorted(filing_ids)))
        with self.records.read() as connection:
            return connection.execute(sa.select(received).where(*mine).order_by(received.c.id)).all()

    def page(
        self,
        organisations: Collection[str],
        *,
        text: str = "",
        state: str | None = None,
        filer_id: str | None = None,
        current: bool | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Row]:
        """Filings received by these organisations, newest first."""
        query = sa.select(received).where(received.c.organisation_id.in_(sorted(organisations)))
        if text:
            query = query.where(received.c.search.contains(text.lower(), autoescape=True))
        for column, value in ((received.c.state, state), (received.c.filer_id, filer_id)):
            if value is not None:
                query = query.where(column == value)
        if current is not None:
            query = query.where(received.c.current.is_(current))
        if before is not None:
            query = query.where(received.c.id < before)
        with self.records.read() as connection:
            return connection.execute(query.order_by(received.c.id.desc()).limit(limit)).all()

    def iter_all(self, organisations: Collection[str], **wanted: Any) -> Iterator[Row]:
        """All of :meth:`page`, some at a time."""
        before = None
        while rows := self.page(organisations, before=before, limit=500, **wanted):
            yield from rows
            before = rows[-1].id

    # --- reports -------------------------------------------------------------------------------------------------

    def find_report(self, filer_id: str, to_ms: int) -> Row | None:
        """The report of a period."""
        mine = (reports_received.c.filer_id == filer_id, reports_received.c.to_ms == to_ms)
        with self.records.read() as connection:
            return connection.execute(sa.select(reports_received).where(*mine)).one_or_none()

    def add_report(self, row: dict[str, Any], filer: dict[str, Any]) -> bool:
        """Keep a report, and with the node when it came; ``False``: there is one of this period."""
        try:
            with self.records.begin() as connection:
                connection.execute(sa.insert(reports_received), [row])
                connection.execute(sa.update(filers).where(filers.c.id == row["filer_id"]).values(**filer))
        except IntegrityError:
            return False
        return True

    def reports(self, filer_id: str, limit: int) -> Sequence[Row]:
        """The series of a node, newest first."""
        query = sa.select(reports_received).where(reports_received.c.filer_id == filer_id)
        with self.records.read() as connection:
            return connection.execute(query.order_by(reports_received.c.to_ms.desc()).limit(limit)).all()
