"""Numbers that are given once."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.engines.sql import Records
from millwright.identity.registration.tables import serials
from millwright.kernel import new_id


class SerialStore:
    """Counts behind each beginning; a number that was taken is not given again, used or not."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def take(self, organisation_id: str, key: str, count: int = 1) -> int:
        """The first of ``count`` numbers in a row that belong to the caller; counted from 1."""
        mine = sa.and_(serials.c.organisation_id == organisation_id, serials.c.key == key)
        while True:
            with self._records.begin() as connection:
                done = connection.execute(sa.update(serials).where(mine).values(next=serials.c.next + count))
                if done.rowcount:
                    return int(connection.execute(sa.select(serials.c.next).where(mine)).scalar_one()) - count
            row = {"id": new_id("srl"), "organisation_id": organisation_id, "key": key, "next": 1 + count}
            try:
                with self._records.begin() as connection:
                    connection.execute(sa.insert(serials), [row])
            except IntegrityError:  # somebody else began to count meanwhile
                continue
            return 1
