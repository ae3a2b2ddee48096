"""What stands against commands, in the desired state: interlocks and locks hold at the edge as at the parent."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from millwright.devices.commands.tables import interlocks, locks
from millwright.devices.store import devices, upsert
from millwright.kernel import ROOT

_CHUNK = 500


class InterlockRow(Struct, array_like=True):
    """An interlock that is enabled."""

    id: str
    name: str
    device_id: str | None
    model_id: str | None
    command: str | None
    conditions: list[Any]
    created_ms: int
    revision: int


class LockRow(Struct, array_like=True):
    """A lock that was not released."""

    id: str
    device_id: str
    by_id: str
    by_name: str
    reason: str
    placed_ms: int


def read(connection: sa.Connection, here: Any) -> tuple[list[InterlockRow], list[LockRow]]:
    """What concerns the devices that meet the condition ``here``.

    An interlock that looks at a device elsewhere cannot be judged at the edge: it is judged at the parent alone, when
    it hands a command over.
    """
    at_edge = set(connection.execute(sa.select(devices.c.id).where(here)).scalars())
    of_models = sa.select(devices.c.model_id).where(here, devices.c.model_id.is_not(None))
    chosen = sa.select(devices.c.id).where(here)
    about = sa.or_(interlocks.c.device_id.in_(chosen), interlocks.c.model_id.in_(of_models))
    found = connection.execute(sa.select(interlocks).where(about, interlocks.c.enabled).order_by(interlocks.c.id))
    rules = [
        InterlockRow(*(getattr(row, key) for key in InterlockRow.__struct_fields__))
        for row in found
        if all(each.get("device_id") in (None, *at_edge) for each in row.conditions)
    ]
    placed = connection.execute(
        sa.select(locks).where(locks.c.device_id.in_(chosen), locks.c.released_ms.is_(None)).order_by(locks.c.id)
    )
    return rules, [LockRow(*(getattr(row, key) for key in LockRow.__struct_fields__)) for row in placed]


def write(connection: sa.Connection, rules: list[InterlockRow], placed: list[LockRow]) -> None:
    """Bring the edge's to these; its own are left alone."""
    for table, rows in ((interlocks, rules), (locks, placed)):
        kept = {row.id for row in rows}
        there = connection.execute(sa.select(table.c.id).where(table.c.from_above)).scalars().all()
        gone = [each for each in there if each not in kept]
        for start in range(0, len(gone), _CHUNK):
            connection.execute(sa.delete(table).where(table.c.id.in_(gone[start : start + _CHUNK])))
        more: dict[str, Any] = {"from_above": True}
        more |= {"enabled": True, "organisation_id": ROOT} if table is interlocks else {"released_ms": None}
        values = [structs.asdict(row) | more for row in rows]
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            upsert(connection, table, chunk, update=[key for key in chunk[0] if key != "id"])
