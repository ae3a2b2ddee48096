"""New keys without a pause: new writes use the new key at once, what is there is sealed anew bit by bit.

Every step can be repeated and each row is changed only while it still holds what was read, so a rotation that is
interrupted anywhere goes on where it stopped, in any process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from millwright.engines.secrets.keys import DataKey
from millwright.engines.secrets.purpose import purpose_of
from millwright.engines.secrets.service import FORM, Secrets
from millwright.engines.sql import Records, metadata
from millwright.engines.sql.durability import sync
from millwright.kernel import Clock, Repeat

logger = logging.getLogger(__name__)

_BATCH: Final = 200
_KEPT_MS: Final = 3_600_000
"""A data key that nothing is sealed under is kept this long after its retirement: a write may still be on its way."""


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation did: secrets sealed anew, data keys wrapped anew, data keys removed, the key in use now."""

    resealed: int
    rewrapped: int
    removed: int
    key_id: str


def sealed_columns(tables: sa.MetaData) -> Iterator[tuple[sa.Table, sa.Column[str], str]]:
    """Every declared column that holds sealed values, with its purpose. Only of tables that are imported."""
    for table in tables.tables.values():
        for column in table.columns:
            purpose = column.info.get("sealed")
            if purpose:
                yield table, column, purpose


class Rotation:
    """Rotates the keys of one database; every method blocks. ``tables``: where sealed columns are declared."""

    def __init__(self, records: Records, secrets: Secrets, clock: Clock, tables: sa.MetaData = metadata) -> None:
        self._records, self._secrets, self._clock, self._tables = records, secrets, clock, tables
        self._finished = ""

    def begin(self) -> DataKey:
        """A new master key (where this node makes it) and a new data key; returns the data key."""
        self._secrets.wrapper.advance()
        return self._secrets.add_key()

    def finish(self) -> RotationReport:
        """Do what is left: wrap and seal anew, and forget keys that nothing needs.

        A master key is forgotten by the call after the one that left it unused, and only when that is on the disk: a
        commit to SQLite may be undone by a loss of power, what is forgotten is not.
        """
        master = self._secrets.wrapper.key_id()
        keys = self._secrets.store.list()
        current = next(key for key in keys if key.retired_ms is None)
        stale = [key for key in keys if key.wrapped_by != master]
        for key in stale:
            self._secrets.rewrap(key)
        resealed = sum(
            self._reseal(table, column, purpose, current.id) for table, column, purpose in sealed_columns(self._tables)
        )
        removed = [key_id for key_id in self._outlived(keys) if not self.count_under(key_id)]
        self._secrets.store.delete(removed)
        used = {key.wrapped_by for key in (*keys, *self._secrets.store.list())}
        if not used.issuperset(self._secrets.wrapper.older()):
            sync(self._records)
            self._secrets.wrapper.keep(used)
        self._finished = current.id
        return RotationReport(resealed, len(stale), len(removed), current.id)

    def pending(self) -> int:
        """How many secrets and data keys are not yet under the newest keys. Cheap where no rotation is under way."""
        keys = self._secrets.store.list()
        current = next((key for key in keys if key.retired_ms is None), None)
        if current is None:
            return 0
        master = self._secrets.wrapper.key_id()
        stale = sum(key.wrapped_by != master for key in keys)
        if not stale and len(keys) == 1:
            return 0
        return stale + self.count() - self.count_under(current.id)

    def is_due(self) -> bool:
        """Whether :meth:`finish` has something to do: what is pending, or a key that may be forgotten by now.

        No secret is counted: after one call of :meth:`finish` what a late write left waits until its key is forgotten.
        """
        keys = self._secrets.store.list()
        current = next((key for key in keys if key.retired_ms is None), None)
        if current is None:
            return False
        master = self._secrets.wrapper.key_id()
        begun = len(keys) > 1 and current.id != self._finished
        stale = any(key.wrapped_by != master for key in keys)
        return bool(begun or stale or self._outlived(keys) or self._secrets.wrapper.older())

    def _outlived(self, keys: Sequence[DataKey]) -> list[str]:
        """Data keys that are kept for no write any more."""
        limit_ms = self._clock.now_ms() - _KEPT_MS
        return [key.id for key in keys if key.retired_ms is not None and key.retired_ms < limit_ms]

    def count(self) -> int:
        """How many secrets are sealed at all."""
        return self._count(f"{FORM}.%")

    def count_under(self, key_id: str) -> int:
        """How many secrets are sealed under this data key."""
        return self._count(f"{FORM}.{key_id}.%")

    def _count(self, pattern: str) -> int:
        found = 0
        with self._records.read() as connection:
            for table, column, _ in sealed_columns(self._tables):
                query = sa.select(sa.func.count()).select_from(table).where(column.like(pattern))
                found += connection.scalar(query) or 0
        return found

    def _reseal(self, table: sa.Table, column: sa.Column[str], purpose: str, current: str) -> int:
        (primary,) = table.primary_key.columns
        done, last = 0, ""
        while True:
            query = (
                sa.select(primary, column)
                .where(column.is_not(None), column.not_like(f"{FORM}.{current}.%"), primary > last)
                .order_by(primary)
                .limit(_BATCH)
            )
            with self._records.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return done
            for row_id, value in rows:
                last = row_id
                place = purpose_of(purpose, row_id)
                anew = self._secrets.seal(place, self._secrets.open(place, value))
                with self._records.begin() as connection:
                    changed = connection.execute(
                        sa.update(table).where(primary == row_id, column == value).values({column.name: anew})
                    )
                done += changed.rowcount


class RotationKeeper(Repeat):
    """Finishes in the background what a rotation left, and forgets keys whose time is over.

    A :class:`millwright.kernel.Part`.
    """

    def __init__(self, rotation: Rotation, *, every_s: float = 60.0) -> None:
        super().__init__(
            self.look,
            every_s,
            name="rotation of secrets",
            lost="the rotation of secrets waits",
            back="the rotation of secrets goes on",
            log=logger,
        )
        self._rotation = rotation

    async def look(self) -> None:
        """One round."""
        if await asyncio.to_thread(self._rotation.is_due):
            done = await asyncio.to_thread(self._rotation.finish)
            if done.resealed or done.rewrapped or done.removed:
                logger.info("%d secrets were sealed under the new key %s", done.resealed, done.key_id)
