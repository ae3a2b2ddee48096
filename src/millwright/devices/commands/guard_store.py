"""Interlocks and locks in the records."""

from __future__ import annotations

import builtins
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.devices.commands.errors import interlock_stale, interlock_unknown, too_many_interlocks
from millwright.devices.commands.interlocks import Interlock, NewInterlock
from millwright.devices.commands.model import Lock
from millwright.devices.commands.tables import devices, interlocks, locks, models
from millwright.devices.errors import not_found
from millwright.engines.sql import Records

_FIELDS = tuple(each for each in NewInterlock.__struct_fields__)


class GuardStore:
    """Reads and writes what stands in the way of commands; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- interlocks ----------------------------------------------------------------------------------------------

    def insert(self, interlock_id: str, new: NewInterlock, now_ms: int, most: int) -> Interlock:
        """Keep a new interlock. Raises ``NotFound`` for a device or model that is not there, ``LimitExceeded``."""
        with self._records.begin() as connection:
            owner = _owner(connection, new)
            count = connection.scalar(
                sa.select(sa.func.count()).select_from(interlocks).where(interlocks.c.organisation_id == owner)
            )
            if int(count or 0) >= most:
                raise too_many_interlocks(most)
            connection.execute(
                sa.insert(interlocks).values(
                    **_values(new), id=interlock_id, created_ms=now_ms, revision=1, organisation_id=owner
                )
            )
            found = _find(connection, interlock_id)
        assert found is not None
        return found

    def replace(self, interlock_id: str, new: NewInterlock, expected: int | None) -> tuple[Interlock, Interlock]:
        """Put ``new`` in its place; what was and what is. Raises ``NotFound``, ``Outdated``."""
        with self._records.begin() as connection:
            before = _find(connection, interlock_id)
            if before is None:
                raise interlock_unknown(interlock_id)
            if expected is not None and expected != before.revision:
                raise interlock_stale(interlock_id, before.revision)
            owner = _owner(connection, new)
            connection.execute(
                sa.update(interlocks)
                .where(interlocks.c.id == interlock_id)
                .values(**_values(new), revision=before.revision + 1, organisation_id=owner)
            )
            after = _find(connection, interlock_id)
        assert after is not None
        return before, after

    def delete(self, interlock_id: str) -> Interlock:
        """Remove it; returns what it was. Raises ``NotFound``."""
        with self._records.begin() as connection:
            before = _find(connection, interlock_id)
            if before is None:
                raise interlock_unknown(interlock_id)
            connection.execute(sa.delete(interlocks).where(interlocks.c.id == interlock_id))
        return before

    def get(self, interlock_id: str) -> Interlock:
        """One interlock. Raises ``NotFound`` (``commands.interlock_unknown``)."""
        with self._records.read() as connection:
            found = _find(connection, interlock_id)
        if found is None:
            raise interlock_unknown(interlock_id)
        return found

    def list(self, device_id: str | None = None, model_id: str | None = None) -> list[Interlock]:
        """Interlocks by name: all that are seen, or those about a device (its model's, too) or a model."""
        query = sa.select(interlocks).order_by(interlocks.c.name, interlocks.c.id)
        if device_id is not None:
            its = sa.select(devices.c.model_id).where(devices.c.id == device_id).scalar_subquery()
            query = query.where(sa.or_(interlocks.c.device_id == device_id, interlocks.c.model_id == its))
        if model_id is not None:
            query = query.where(interlocks.c.model_id == model_id)
        with self._records.read() as connection:
            return [_interlock(row) for row in connection.execute(query)]

    def standing(self, device_id: str, model_id: str | None, name: str) -> builtins.list[Interlock]:
        """The enabled interlocks that a command to the device must pass."""
        about = interlocks.c.device_id == device_id
        if model_id is not None:
            about = sa.or_(about, interlocks.c.model_id == model_id)
        query = sa.select(interlocks).where(
            about,
            interlocks.c.enabled.is_(sa.true()),
            sa.or_(interlocks.c.command.is_(None), interlocks.c.command == name),
        )
        with self._records.read() as connection:
            return [_interlock(row) for row in connection.execute(query.order_by(interlocks.c.id))]

    # --- locks ---------------------------------------------------------------------------------------------------

    def place(self, lock: Lock) -> Lock:
        """Keep a lock."""
        with self._records.begin() as connection:
            connection.execute(sa.insert(locks).values(**msgspec.structs.asdict(lock)))
        return lock

    def release(self, lock_id: str, by: str, now_ms: int) -> Lock | None:
        """End a lock that is in force; ``None`` when it is not."""
        with self._records.begin() as connection:
            done = connection.execute(
                sa.update(locks)
                .where(locks.c.id == lock_id, locks.c.released_ms.is_(None))
                .values(released_ms=now_ms, released_by=by)
            )
            if not done.rowcount:
                return None
            return _lock(connection.execute(sa.select(locks).where(locks.c.id == lock_id)).one())

    def find_lock(self, device_id: str, lock_id: str) -> Lock | None:
        """A lock of the device that is in force."""
        return next((each for each in self.locks(device_id) if each.id == lock_id and each.released_ms is None), None)

    def locks(self, device_id: str, *, standing: bool = False) -> builtins.list[Lock]:
        """Those in force first, then the last hundred released ones; only those in force with ``standing``."""
        query = (
            sa.select(locks)
            .where(locks.c.device_id == device_id)
            .order_by(locks.c.released_ms.is_not(None), locks.c.placed_ms.desc())
            .limit(100)
        )
        if standing:
            query = query.where(locks.c.released_ms.is_(None))
        with self._records.read() as connection:
            return [_lock(row) for row in connection.execute(query)]


def _owner(connection: sa.Connection, new: NewInterlock) -> str:
    """Whose the interlock is. Raises ``NotFound`` for what is not there; what is only shared from above is refused by
    the confinement of the insert."""
    table, key = (devices, new.device_id) if new.device_id is not None else (models, new.model_id)
    owner = connection.scalar(sa.select(table.c.organisation_id).where(table.c.id == key))
    if owner is None:
        raise not_found("device" if table is devices else "model", str(key))
    return str(owner)


def _values(new: NewInterlock) -> dict[str, Any]:
    plain = msgspec.to_builtins(new)
    return {key: plain[key] for key in _FIELDS}


def _find(connection: sa.Connection, interlock_id: str) -> Interlock | None:
    row = connection.execute(sa.select(interlocks).where(interlocks.c.id == interlock_id)).one_or_none()
    return _interlock(row) if row else None


def _interlock(row: Any) -> Interlock:
    return msgspec.convert(_shown(row), Interlock)


def _lock(row: Any) -> Lock:
    return msgspec.convert(_shown(row), Lock)


def _shown(row: Any) -> dict[str, Any]:
    return {str(key): value for key, value in row._mapping.items() if key != "from_above"}
