"""Organisations that were removed, as long as what they used is kept."""

from __future__ import annotations

import sqlalchemy as sa

from millwright.engines.sql import Records
from millwright.metering.tables import counts, departed, subscriptions
from millwright.parties import Node
from millwright.parties.store.organisations_tables import organisations


def depart(connection: sa.Connection, organisation_id: str, now_ms: int) -> None:
    """Keep where an organisation was, in the transaction that removes it."""
    query = sa.select(organisations.c.parent_id, organisations.c.kind, organisations.c.name)
    row = connection.execute(query.where(organisations.c.id == organisation_id)).one()
    values = {"id": organisation_id, "parent_id": row.parent_id, "kind": row.kind, "name": row.name}
    connection.execute(sa.insert(departed), [values | {"removed_ms": now_ms}])


class DepartedStore:
    """Every method is one transaction, and wants records of everything."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def since(self, time_ms: int) -> list[Node]:
        """Those that were removed at this time or later, where they were then."""
        query = sa.select(departed).where(departed.c.removed_ms >= time_ms).order_by(departed.c.id)
        with self._records.read() as connection:
            return [Node(row.id, row.parent_id, row.kind, row.name) for row in connection.execute(query)]

    def forget(self, before_ms: int) -> int:
        """Remove what is kept of those that were removed before this time; returns how many they were."""
        with self._records.begin() as connection:
            old = sa.select(departed.c.id).where(departed.c.removed_ms < before_ms)
            for table in (counts, subscriptions):
                connection.execute(sa.delete(table).where(table.c.organisation_id.in_(old)))
            return connection.execute(sa.delete(departed).where(departed.c.removed_ms < before_ms)).rowcount
