"""Connections in the desired state: read from the parent's records, brought into the edge's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError

from millwright.devices.connectors.tables import bump, connections, points
from millwright.devices.edge.down.model import MOST_REFUSALS, SectionRefusal, SectionReport
from millwright.devices.names import key_of
from millwright.devices.store import devices
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, MillwrightError
from millwright.parties import active

SECTION: Final = "connections"
_CHUNK: Final = 500


class ConnectionRow(Struct, array_like=True):
    """A connection to be run. ``secrets``: by name, each sealed for this edge alone."""

    id: str
    name: str
    kind: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    enabled: bool
    created_ms: int
    revision: int
    points_revision: int
    organisation_id: str


class PointRow(Struct, array_like=True):
    """A point to be followed."""

    id: str
    connection_id: str
    address: str
    device_id: str
    property: str
    interval_ms: int
    deadband: float
    scale: float | None
    offset: float | None
    writable: bool


def read(connection: sa.Connection, edge_id: str, here: Any) -> tuple[list[ConnectionRow], list[PointRow]]:
    """What is desired of an edge. ``here``: the condition of devices that are at it.

    Connections of organisations that are suspended are not run; points of devices elsewhere are left out.
    """
    mine = sa.and_(connections.c.edge_id == edge_id, active(connections.c.organisation_id))
    found = [
        ConnectionRow(
            row.id, row.name, row.kind, row.settings, row.edge_secrets or {}, row.enabled, row.created_ms,
            row.revision, row.points_revision, row.organisation_id,
        )
        for row in connection.execute(sa.select(connections).where(mine).order_by(connections.c.id))
    ]  # fmt: skip
    chosen = sa.select(connections.c.id).where(mine)
    at_edge = sa.select(devices.c.id).where(here)
    wanted = sa.and_(points.c.connection_id.in_(chosen), points.c.device_id.in_(at_edge))
    rows = connection.execute(sa.select(points).where(wanted).order_by(points.c.id))
    return found, [PointRow(*(getattr(row, key) for key in PointRow.__struct_fields__)) for row in rows]


class ConnectionApplier:
    """Brings the edge's records to a section, one connection at a time; those that came this way are marked.

    ``judge`` raises what this machine does not allow. ``seal`` turns what was sealed for this edge into what this
    machine keeps sealed for itself. ``refused`` is what came of the last time, by connection. Blocks.
    """

    def __init__(
        self,
        records: Records,
        edge_id: str,
        judge: Callable[[ConnectionRow], None],
        seal: Callable[[ConnectionRow], str | None],
    ) -> None:
        self._records, self._edge_id, self._judge, self._seal = records, edge_id, judge, seal
        self.refused: dict[str, SectionRefusal] = {}

    def apply(self, rows: list[ConnectionRow], followed: list[PointRow]) -> SectionReport:
        """Apply it; what cannot be is told, and runs no more."""
        refused: dict[str, SectionRefusal] = {}
        by_connection: dict[str, list[PointRow]] = {}
        for point in followed:
            by_connection.setdefault(point.connection_id, []).append(point)
        self._remove(row.id for row in rows)
        for row in rows:
            try:
                self._judge(row)
                self._write(row, by_connection.get(row.id, []))
            except MillwrightError as error:
                refused[row.id] = SectionRefusal(
                    id=row.id, what=row.name, code=error.code, message=error.message, hint=error.hint
                )
        self._remove(row.id for row in rows if row.id not in refused)
        self.refused = refused
        return SectionReport(
            name=SECTION,
            desired=len(rows),
            in_force=len(rows) - len(refused),
            refused=list(refused.values())[:MOST_REFUSALS],
        )

    def _remove(self, kept: Iterable[str]) -> None:
        keep = set(kept)
        with self._records.begin() as connection:
            there = connection.execute(sa.select(connections.c.id).where(connections.c.edge_id == self._edge_id))
            gone = [each for each in there.scalars() if each not in keep]
            for each in gone:
                connection.execute(sa.delete(points).where(points.c.connection_id == each))
                connection.execute(sa.delete(connections).where(connections.c.id == each))
            if gone:
                bump(connection)

    def _write(self, row: ConnectionRow, followed: list[PointRow]) -> None:
        try:
            with self._records.begin() as connection:
                if self._merge(connection, row) | _merge_points(connection, row.id, followed):
                    bump(connection)
        except IntegrityError as error:
            raise Conflict(
                f"It clashes with what was made at the edge itself: {str(error.orig)[:160]}",
                code="devices.edge_connection_clash",
                hint="A connection of the edge's own has the same name or feeds the same property: change that one.",
            ) from error

    def _merge(self, connection: sa.Connection, row: ConnectionRow) -> bool:
        """Whether something changed. What is sealed here is sealed anew only when other secrets came: a connection
        is opened anew when what is kept of it differs."""
        values: dict[str, Any] = {
            "name": row.name,
            "name_key": key_of(row.name),
            "kind": row.kind,
            "settings": row.settings,
            "edge_secrets": row.secrets or None,
            "enabled": row.enabled,
            "created_ms": row.created_ms,
            "revision": row.revision,
            "points_revision": row.points_revision,
        }
        known = connection.execute(sa.select(connections).where(connections.c.id == row.id)).one_or_none()
        if known is None:
            values |= {"secrets": self._seal(row), "edge_id": self._edge_id, "organisation_id": ROOT}
            connection.execute(sa.insert(connections).values(id=row.id, **values))
            return True
        if known.edge_secrets != values["edge_secrets"]:
            values["secrets"] = self._seal(row)
        changed = {key: value for key, value in values.items() if getattr(known, key) != value}
        if not changed:
            return False
        if "settings" in changed:
            changed |= {"program": None, "program_now": None}
        connection.execute(sa.update(connections).where(connections.c.id == row.id).values(**changed))
        return True


def _merge_points(connection: sa.Connection, connection_id: str, followed: list[PointRow]) -> bool:
    there = {
        row.id: row for row in connection.execute(sa.select(points).where(points.c.connection_id == connection_id))
    }
    wanted = {each.id: msgspec.structs.asdict(each) for each in followed}
    other = [key for key, row in there.items() if key not in wanted or dict(row._mapping) != wanted[key]]
    new = [row for key, row in wanted.items() if key not in there or key in other]
    for start in range(0, len(other), _CHUNK):
        connection.execute(sa.delete(points).where(points.c.id.in_(other[start : start + _CHUNK])))
    for start in range(0, len(new), _CHUNK):
        connection.execute(sa.insert(points), new[start : start + _CHUNK])
    return bool(other or new)
