"""Counts by organisation, meter and hour; each batch of a source is added exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from millwright.engines.sql import Records, insert_into
from millwright.engines.sql.durability import sync
from millwright.metering.tables import counts, positions
from millwright.parties.store.organisations_tables import organisations

Key = tuple[str, str, int]
"""Organisation, meter, hour since 1970."""

_CHUNK = 500
_FORGOTTEN_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What is added under ``sequence``, a number that only grows within its source."""

    sequence: int
    counts: Mapping[Key, int]


class CountStore:
    """Reads and writes counts. Wants records of everything; the caller has checked whose counts are read."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def begin_at(self, source: str, sequence: int, now_ms: int) -> int:
        """Where a source is counted from; a new one begins after ``sequence``."""
        with self._records.begin() as connection:
            query = sa.select(positions.c.sequence).where(positions.c.source == source)
            found: int | None = connection.execute(query.with_for_update()).scalar_one_or_none()
            if found is None:
                row = {"source": source, "sequence": sequence, "at_ms": now_ms}
                connection.execute(sa.insert(positions), [row])
                return sequence
            return found

    def record(self, source: str, batches: Sequence[Batch], now_ms: int) -> int:
        """Add what is new: batches up to the source's position were added before. One transaction; returns how many.

        So a batch may be given again after any failure, also one that hid whether the transaction was committed.
        """
        if not batches:
            return 0
        with self._records.begin() as connection:
            query = sa.select(positions.c.sequence).where(positions.c.source == source).with_for_update()
            known: int | None = connection.execute(query).scalar_one_or_none()
            if known is None:
                connection.execute(sa.insert(positions), [{"source": source, "sequence": -1, "at_ms": now_ms}])
                connection.execute(
                    sa.delete(positions).where(
                        positions.c.at_ms < now_ms - _FORGOTTEN_MS, positions.c.source.not_like("intake%")
                    )
                )
            new = [batch for batch in batches if known is None or batch.sequence > known]
            if not new:
                return 0
            total: Counter[Key] = Counter()
            for batch in new:
                total.update(batch.counts)
            _add(connection, total)
            done = {"sequence": max(batch.sequence for batch in new), "at_ms": now_ms}
            connection.execute(sa.update(positions).where(positions.c.source == source).values(done))
            return len(new)

    def known(self, organisation_ids: Collection[str]) -> list[str]:
        """Those of these organisations that there are."""
        query = sa.select(organisations.c.id)
        with self._records.read() as connection:
            wanted = sorted(organisation_ids)
            parts = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
            return [row.id for part in parts for row in connection.execute(query.where(organisations.c.id.in_(part)))]

    def sync(self) -> None:
        """Return when what was recorded survives a loss of power. Raises ``OSError``."""
        sync(self._records)

    def put(self, measured: Mapping[Key, int]) -> None:
        """Write what was measured, in the place of what was there."""
        with self._records.begin() as connection:
            _write(connection, _rows(measured), replace=True)

    def sums(
        self, first_hour: int, end_hour: int, organisations: Collection[str] | None = None
    ) -> dict[tuple[str, str], int]:
        """(organisation, meter) → what was used in these hours; of ``organisations`` when given."""
        query = (
            sa.select(counts.c.organisation_id, counts.c.meter, sa.func.sum(counts.c.quantity).label("used"))
            .where(counts.c.hour >= first_hour, counts.c.hour < end_hour)
            .group_by(counts.c.organisation_id, counts.c.meter)
        )
        if organisations is not None:
            query = query.where(counts.c.organisation_id.in_(sorted(organisations)))
        with self._records.read() as connection:
            return {(row.organisation_id, row.meter): int(row.used) for row in connection.execute(query)}

    def days(self, first_hour: int, end_hour: int, organisations: Collection[str]) -> dict[tuple[str, int], int]:
        """(meter, days since ``first_hour``) → what these organisations used."""
        number = ((counts.c.hour - first_hour) // 24).label("number")
        query = (
            sa.select(counts.c.meter, number, sa.func.sum(counts.c.quantity).label("used"))
            .where(
                counts.c.hour >= first_hour,
                counts.c.hour < end_hour,
                counts.c.organisation_id.in_(sorted(organisations)),
            )
            .group_by(counts.c.meter, number)
        )
        with self._records.read() as connection:
            return {(row.meter, int(row.number)): int(row.used) for row in connection.execute(query)}


def _rows(wanted: Mapping[Key, int]) -> list[dict[str, object]]:
    return [
        {"organisation_id": organisation, "meter": meter, "hour": hour, "quantity": quantity}
        for (organisation, meter, hour), quantity in sorted(wanted.items())
    ]


def _add(connection: sa.Connection, total: Mapping[Key, int]) -> None:
    _write(connection, _rows({key: quantity for key, quantity in total.items() if quantity}), replace=False)


def _write(connection: sa.Connection, rows: list[dict[str, object]], *, replace: bool) -> None:
    statement = insert_into(connection, counts)
    new = statement.excluded.quantity
    upsert = statement.on_conflict_do_update(
        index_elements=["organisation_id", "meter", "hour"],
        set_={"quantity": new if replace else counts.c.quantity + new},
    )
    for start in range(0, len(rows), _CHUNK):
        connection.execute(upsert, rows[start : start + _CHUNK])
