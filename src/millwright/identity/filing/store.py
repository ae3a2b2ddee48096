"""Queries of what is filed with nodes above. The records see everything, unless it is said whose rows are wanted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.identity.filing import errors
from millwright.identity.filing.tables import reports_sent, sent, uppers

Row: TypeAlias = sa.Row[Any]


def _is_due(now_ms: int, far_ms: int) -> sa.ColumnElement[bool]:
    """That its time has come, or is so far away that only a wrong clock can have set it."""
    return sa.or_(sent.c.next_ms <= now_ms, sent.c.next_ms > far_ms)


class SentStore:
    """The nodes above, filings with them, and reports to them."""

    def __init__(self, records: Records) -> None:
        self.records = records

    # --- nodes above ---------------------------------------------------------------------------------------------

    def uppers(self) -> Sequence[Row]:
        """Every node above, by name."""
        with self.records.read() as connection:
            return connection.execute(sa.select(uppers).order_by(uppers.c.name, uppers.c.id)).all()

    def upper(self, upper_id: str) -> Row:
        """One of them. Raises ``NotFound`` (``filing.unknown``)."""
        with self.records.read() as connection:
            row = connection.execute(sa.select(uppers).where(uppers.c.id == upper_id)).one_or_none()
        if row is None:
            raise errors.unknown("node above", upper_id)
        return row

    def insert_upper(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        """Add one. Raises ``Conflict`` (``filing.name_taken``)."""
        self._need_name(connection, row["name"], row["id"])
        connection.execute(sa.insert(uppers), [row])

    def update_upper(self, connection: sa.Connection, upper_id: str, row: dict[str, Any]) -> None:
        """Change one. Raises ``Conflict`` (``filing.name_taken``)."""
        self._need_name(connection, row["name"], upper_id)
        connection.execute(sa.update(uppers).where(uppers.c.id == upper_id).values(**row))

    def _need_name(self, connection: sa.Connection, name: str, upper_id: str) -> None:
        same = sa.select(uppers.c.id).where(uppers.c.name == name, uppers.c.id != upper_id)
        if connection.scalar(same) is not None:
            raise errors.name_taken(name)

    def delete_upper(self, upper_id: str) -> None:
        """Remove one; what waits for it is not sent any more, what was filed is kept."""
        with self.records.begin() as connection:
            open_ = (sent.c.upper_id == upper_id, sent.c.next_ms.is_not(None))
            connection.execute(sa.update(sent).where(*open_, sent.c.state == "waiting").values(state="failed"))
            connection.execute(sa.update(sent).where(*open_).values(next_ms=None))
            connection.execute(sa.delete(reports_sent).where(reports_sent.c.upper_id == upper_id))
            connection.execute(sa.delete(uppers).where(uppers.c.id == upper_id))

    def note_upper(self, upper_id: str, **values: Any) -> None:
        """Keep how it stands."""
        with self.records.begin() as connection:
            connection.execute(sa.update(uppers).where(uppers.c.id == upper_id).values(**values))

    def pin(self, upper_id: str, key: str) -> bool:
        """Take a key, where there is none yet."""
        mine = (uppers.c.id == upper_id, uppers.c.public_key.is_(None))
        with self.records.begin() as connection:
            return bool(connection.execute(sa.update(uppers).where(*mine).values(public_key=key)).rowcount)

    def figures(self, upper_ids: Collection[str]) -> dict[str, tuple[int, int, int | None]]:
        """Of each: filings that wait, that are not decided, and when the last report was received."""
        counted = (
            sa.select(
                sent.c.upper_id,
                sa.func.sum(sa.case((sent.c.state == "waiting", 1), else_=0)),
                sa.func.sum(sa.case((sent.c.state == "received", 1), else_=0)),
            )
            .where(sent.c.upper_id.in_(sorted(upper_ids)), sent.c.next_ms.is_not(None))
            .group_by(sent.c.upper_id)
        )
        reported = (
            sa.select(reports_sent.c.upper_id, sa.func.max(reports_sent.c.to_ms))
            .where(reports_sent.c.state == "accepted")
            .group_by(reports_sent.c.upper_id)
        )
        with self.records.read() as connection:
            counts = {row[0]: (int(row[1]), int(row[2])) for row in connection.execute(counted)}
            last = {row[0]: int(row[1]) for row in connection.execute(reported)}
        return {each: (*counts.get(each, (0, 0)), last.get(each)) for each in upper_ids}

    # --- filings -------------------------------------------------------------------------------------------------

    def due(self, upper_id: str, now_ms: int, far_ms: int, limit: int) -> Sequence[Row]:
        """What is to be sent now: of each prefix the oldest that waits."""
        earlier = sent.alias()
        blocked = sa.exists().where(
            earlier.c.upper_id == sent.c.upper_id,
            earlier.c.key == sent.c.key,
            earlier.c.sequence < sent.c.sequence,
            earlier.c.state == "waiting",
        )
        query = (
            sa.select(sent)
            .where(sent.c.upper_id == upper_id, sent.c.state == "waiting", _is_due(now_ms, far_ms), ~blocked)
            .order_by(sent.c.sequence)
            .limit(limit)
        )
        with self.records.read() as connection:
            return connection.execute(query).all()

    def undecided(self, upper_id: str, now_ms: int, far_ms: int, limit: int) -> Sequence[Row]:
        """What is to be asked about again."""
        query = (
            sa.select(sent)
            .where(sent.c.upper_id == upper_id, sent.c.state != "waiting", _is_due(now_ms, far_ms))
            .order_by(sent.c.next_ms)
            .limit(limit)
        )
        with self.records.read() as connection:
            return connection.execute(query).all()

    def claim(self, row: Row, until_ms: int, **values: Any) -> bool:
        """Take a row, which others leave alone until then; ``False``: another process was faster, or it changed."""
        mine = (sent.c.id == row.id, sent.c.next_ms == row.next_ms, sent.c.state == row.state)
        with self.records.begin() as connection:
            taken = sa.update(sent).where(*mine).values(next_ms=until_ms, **values)
            return bool(connection.execute(taken).rowcount)

    def put(self, sent_id: str, **values: Any) -> None:
        """Keep how a filing stands."""
        with self.records.begin() as connection:
            connection.execute(sa.update(sent).where(sent.c.id == sent_id).values(**values))

    def sent(self, sent_id: str, organisations: Collection[str] | None = None) -> Row:
        """One filing. Raises ``NotFound`` (``filing.unknown``)."""
        query = sa.select(sent).where(sent.c.id == sent_id)
        if organisations is not None:
            query = query.where(sent.c.organisation_id.in_(sorted(organisations)))
        with self.records.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise errors.unknown("filing", sent_id)
        return row

    def page(
        self,
        organisations: Collection[str],
        *,
        prefix_id: str | None = None,
        state: str | None = None,
        upper_id: str | None = None,
        text: str = "",
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Row]:
        """Filings of these organisations, newest first."""
        query = sa.select(sent).where(sent.c.organisation_id.in_(sorted(organisations)))
        for column, value in ((sent.c.prefix_id, prefix_id), (sent.c.state, state), (sent.c.upper_id, upper_id)):
            if value is not None:
                query = query.where(column == value)
        if text:
            found = (sent.c.prefix, sent.c.number, sent.c.upper_name)
            query = query.where(sa.or_(*(each.icontains(text, autoescape=True) for each in found)))
        if before is not None:
            query = query.where(sent.c.id < before)
        with self.records.read() as connection:
            return connection.execute(query.order_by(sent.c.id.desc()).limit(limit)).all()

    def onward(self, received_id: str) -> Sequence[Row]:
        """How something received was passed on, in the order of the nodes above."""
        query = sa.select(sent).where(sent.c.received_id == received_id).order_by(sent.c.id)
        with self.records.read() as connection:
            return connection.execute(query).all()

    def waiting(self) -> int:
        """How many filings wait for any node above."""
        query = sa.select(sa.func.count()).select_from(sent).where(sent.c.state == "waiting")
        with self.records.read() as connection:
            return int(connection.scalar(query) or 0)

    # --- reports -------------------------------------------------------------------------------------------------

    def newest_report(self, upper_id: str) -> int | None:
        """The end of the last period that was reported on."""
        query = sa.select(sa.func.max(reports_sent.c.to_ms)).where(reports_sent.c.upper_id == upper_id)
        with self.records.read() as connection:
            found: int | None = connection.scalar(query)
            return found

    def add_report(self, row: dict[str, Any], forget_before_ms: int) -> bool:
        """Keep a report to be sent; ``False``: another process has made it."""
        try:
            with self.records.begin() as connection:
                connection.execute(sa.insert(reports_sent), [row])
                connection.execute(sa.delete(reports_sent).where(reports_sent.c.to_ms < forget_before_ms))
        except IntegrityError:
            return False
        return True

    def reports_due(self, upper_id: str) -> Sequence[Row]:
        """Reports that wait, oldest first."""
        query = sa.select(reports_sent).where(reports_sent.c.upper_id == upper_id, reports_sent.c.state == "waiting")
        with self.records.read() as connection:
            return connection.execute(query.order_by(reports_sent.c.to_ms).limit(20)).all()

    def put_report(self, report_id: str, **values: Any) -> None:
        """Keep how a report stands."""
        with self.records.begin() as connection:
            connection.execute(sa.update(reports_sent).where(reports_sent.c.id == report_id).values(**values))

    def drop_report(self, report_id: str) -> None:
        """Forget a report that cannot be sent as it is."""
        with self.records.begin() as connection:
            connection.execute(sa.delete(reports_sent).where(reports_sent.c.id == report_id))

    def reports(self, upper_id: str, limit: int = 60) -> Sequence[Row]:
        """Reports to a node above, newest first."""
        query = sa.select(reports_sent).where(reports_sent.c.upper_id == upper_id)
        with self.records.read() as connection:
            return connection.execute(query.order_by(reports_sent.c.to_ms.desc()).limit(limit)).all()
