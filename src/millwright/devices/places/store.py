"""Places in the records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from millwright.devices.errors import in_use, name_taken, not_found
from millwright.devices.names import key_of
from millwright.devices.places.model import Level, Place, check_levels
from millwright.devices.store import bump, devices, home, places
from millwright.engines.sql import Records


class PlaceStore:
    """Reads and writes places; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self) -> list[Place]:
        """Every place, parents before their children, siblings by name."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(places).order_by(places.c.name_key)).mappings().all()
            counted = connection.execute(
                sa.select(devices.c.place_id, sa.func.count())
                .where(devices.c.place_id.is_not(None))
                .group_by(devices.c.place_id)
            )
            counts: dict[str, int] = {row[0]: row[1] for row in counted}
        below: dict[str | None, list[Any]] = {}
        for row in rows:
            below.setdefault(row["parent_id"], []).append(row)
        found: list[Place] = []
        waiting = [(row, "") for row in reversed(below.get(None, []))]
        while waiting:
            row, prefix = waiting.pop()
            path = f"{prefix}{row['name']}"
            found.append(_place(row, path, counts.get(row["id"], 0)))
            waiting.extend((child, f"{path}/") for child in reversed(below.get(row["id"], [])))
        return found

    def get(self, place_id: str) -> Place:
        """One place. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _read(connection, place_id)

    def insert(self, place_id: str, parent_id: str | None, level: Level, name: str, now_ms: int) -> Place:
        """Add a place. Raises ``NotFound`` (parent), ``Invalid`` (level), ``Conflict`` (a sibling has the name)."""
        with self._records.begin() as connection:
            parent = _row(connection, parent_id) if parent_id else None
            check_levels(parent["level"] if parent else None, level, set())
            organisation_id = parent["organisation_id"] if parent else home()
            _refuse_sibling(connection, place_id, parent_id, name, organisation_id)
            connection.execute(
                sa.insert(places).values(
                    organisation_id=organisation_id,
                    id=place_id,
                    parent_id=parent_id,
                    level=level,
                    name=name,
                    name_key=key_of(name),
                    created_ms=now_ms,
                )
            )
            return _read(connection, place_id)

    def update(self, place_id: str, changes: dict[str, Any]) -> Place:
        """Rename, move or relevel a place. Raises ``NotFound``, ``Invalid``, ``Conflict``."""
        with self._records.begin() as connection:
            row = dict(_row(connection, place_id)) | changes
            parent = _row(connection, row["parent_id"]) if row["parent_id"] else None
            levels = connection.execute(sa.select(places.c.level).where(places.c.parent_id == place_id)).scalars()
            # Levels fall strictly from parent to child, so a place that passes this test cannot lie below itself.
            check_levels(parent["level"] if parent else None, row["level"], set(levels))
            if place_id in _ancestors(connection, row["parent_id"]):
                raise in_use("place", place_id, {"ancestors": 1})
            if parent is not None and parent["organisation_id"] != row["organisation_id"]:
                raise not_found("place", row["parent_id"])
            _refuse_sibling(connection, place_id, row["parent_id"], row["name"], row["organisation_id"])
            values = {key: row[key] for key in ("parent_id", "level", "name")} | {"name_key": key_of(row["name"])}
            connection.execute(sa.update(places).where(places.c.id == place_id).values(**values))
            bump(connection)
            return _read(connection, place_id)

    def delete(self, place_id: str) -> None:
        """Remove an empty place. Raises ``NotFound``, or ``Conflict`` while places or devices are in it."""
        with self._records.begin() as connection:
            _row(connection, place_id)
            inside = sa.select(sa.func.count()).where(places.c.parent_id == place_id)
            standing = sa.select(sa.func.count()).where(devices.c.place_id == place_id)
            users = {
                "places": int(connection.scalar(inside) or 0),
                "devices": int(connection.scalar(standing) or 0),
            }
            if any(users.values()):
                raise in_use("place", place_id, users)
            connection.execute(sa.delete(places).where(places.c.id == place_id))


_upward = (
    sa.select(places.c.id, places.c.parent_id, places.c.name)
    .where(places.c.id.in_(sa.bindparam("place_ids", expanding=True)))
    .cte(recursive=True)
)
_upward = _upward.union(
    sa.select(places.c.id, places.c.parent_id, places.c.name).where(places.c.id == _upward.c.parent_id)
)
_ancestry = sa.select(_upward)

_downward = sa.select(places.c.id).where(places.c.id == sa.bindparam("place_id")).cte(recursive=True)
_downward = _downward.union(sa.select(places.c.id).where(places.c.parent_id == _downward.c.id))
_descent = sa.select(_downward)


def paths(connection: sa.Connection, place_ids: Iterable[str]) -> dict[str, str]:
    """The path of each place, read with their ancestors only."""
    wanted = set(place_ids)
    if not wanted:
        return {}
    rows = {row.id: row for row in connection.execute(_ancestry, {"place_ids": list(wanted)})}

    def path(place_id: str) -> str:
        row = rows.get(place_id)
        if row is None:
            return ""
        return f"{path(row.parent_id)}/{row.name}" if row.parent_id else str(row.name)

    return {place_id: path(place_id) for place_id in wanted}


def below(connection: sa.Connection, place_id: str) -> list[str]:
    """The ids of ``place_id`` and of every place below it."""
    return list(connection.execute(_descent, {"place_id": place_id}).scalars())


def _ancestors(connection: sa.Connection, place_id: str | None) -> set[str]:
    if place_id is None:
        return set()
    return {row.id for row in connection.execute(_ancestry, {"place_ids": [place_id]})}


def _row(connection: sa.Connection, place_id: str) -> sa.RowMapping:
    row = connection.execute(sa.select(places).where(places.c.id == place_id)).mappings().one_or_none()
    if row is None:
        raise not_found("place", place_id)
    return row


def _read(connection: sa.Connection, place_id: str) -> Place:
    row = _row(connection, place_id)
    count = connection.scalar(sa.select(sa.func.count()).where(devices.c.place_id == place_id))
    return _place(row, paths(connection, [place_id])[place_id], int(count or 0))


def _place(row: Any, path: str, device_count: int) -> Place:
    return Place(
        id=row["id"],
        parent_id=row["parent_id"],
        level=row["level"],
        name=row["name"],
        path=path,
        device_count=device_count,
        created_ms=row["created_ms"],
        organisation_id=row["organisation_id"],
    )


def _refuse_sibling(
    connection: sa.Connection, place_id: str, parent_id: str | None, name: str, organisation_id: str
) -> None:
    same = sa.select(places.c.id).where(
        places.c.organisation_id == organisation_id,
        sa.func.coalesce(places.c.parent_id, "") == (parent_id or ""),
        places.c.name_key == key_of(name),
        places.c.id != place_id,
    )
    if connection.scalar(same) is not None:
        raise name_taken("place", name)
