"""Connections and points in the records; every method is one transaction."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.devices.connectors.contract import Point
from millwright.devices.connectors.errors import not_writable, points_taken, scale_ambiguous
from millwright.devices.connectors.model import FieldConnection, PointPage, PointView
from millwright.devices.connectors.placement import device_elsewhere
from millwright.devices.connectors.tables import bump, connections, points, revision, touch_points
from millwright.devices.errors import name_taken, not_found, stale
from millwright.devices.names import key_of
from millwright.devices.registry.store import need_edge
from millwright.devices.store import devices, home, places
from millwright.engines.sql import Records
from millwright.parties import active

_CHUNK = 500
_POINT = sa.select(points, devices.c.name.label("device")).select_from(points.join(devices))


class Configured(NamedTuple):
    """An enabled connection, as the host needs it; ``secrets`` are sealed."""

    id: str
    name: str
    kind: str
    settings: Mapping[str, Any]
    secrets: str | None
    program: str | None
    program_now: str | None
    revision: int
    points_revision: int


class Feed(NamedTuple):
    """What a point's values become."""

    point: Point
    device_id: str
    property: str
    scale: float | None
    offset: float | None


class Target(NamedTuple):
    """The point behind a property."""

    connection_id: str
    address: str
    writable: bool


class ConnectionStore:
    """Reads and writes connections and points. ``here``: the id of the edge that this node is, if it is one."""

    def __init__(self, records: Records, here: str | None = None) -> None:
        self._records, self.here = records, here

    # --- connections -------------------------------------------------------------------------------------------------

    def list(self) -> builtins.list[FieldConnection]:
        """Every connection by name."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(connections).order_by(connections.c.name_key)).all()
            counted = connection.execute(
                sa.select(points.c.connection_id, sa.func.count()).group_by(points.c.connection_id)
            )
            counts: dict[str, int] = {row[0]: row[1] for row in counted}
        return [_connection(row, counts.get(row.id, 0)) for row in rows]

    def get(self, connection_id: str) -> FieldConnection:
        """One connection. Raises ``NotFound`` (``devices.connection_unknown``)."""
        with self._records.read() as connection:
            return _view(connection, connection_id)

    def sealed(self, connection_id: str) -> tuple[str, Mapping[str, Any], str | None]:
        """Kind, settings and sealed secrets of a connection. Raises ``NotFound``."""
        with self._records.read() as connection:
            row = _row(connection, connection_id)
        return row.kind, _plain(row.settings), row.secrets

    def insert(self, values: dict[str, Any]) -> FieldConnection:
        """Add a connection. Raises ``NotFound`` (place, edge) or ``Conflict`` (name)."""
        with self._records.begin() as connection:
            place_id = values["place_id"]
            owner = _place_owner(connection, place_id) if place_id else home()
            _refuse_name(connection, values["id"], values["name"], owner)
            need_edge(connection, values.get("edge_id"), owner)
            connection.execute(
                sa.insert(connections).values(
                    **values,
                    name_key=key_of(values["name"]),
                    organisation_id=owner,
                    revision=1,
                    points_revision=1,
                )
            )
            bump(connection)
            return _view(connection, values["id"])

    def update(self, connection_id: str, values: dict[str, Any], expected: int | None) -> FieldConnection:
        """Change columns of a connection. Raises ``NotFound``, ``Conflict`` (name, stale)."""
        with self._records.begin() as connection:
            row = _row(connection, connection_id, lock=True)
            if expected is not None and expected != row.revision:
                raise stale(connection_id, row.revision)
            if "name" in values:
                _refuse_name(connection, connection_id, values["name"], row.organisation_id)
                values["name_key"] = key_of(values["name"])
            if values.get("place_id") and _place_owner(connection, values["place_id"]) != row.organisation_id:
                raise not_found("place", values["place_id"])
            if "edge_id" in values and values["edge_id"] != row.edge_id:
                need_edge(connection, values["edge_id"], row.organisation_id)
                _need_devices_at(connection, connection_id, values["edge_id"])
                values |= {"reported": None, "reported_ms": None}
            connection.execute(
                sa.update(connections)
                .where(connections.c.id == connection_id)
                .values(**values, revision=row.revision + 1)
            )
            bump(connection)
            return _view(connection, connection_id)

    def delete(self, connection_id: str, expected: int | None) -> None:
        """Remove a connection with its points. Raises ``NotFound`` or ``Conflict`` (stale)."""
        with self._records.begin() as connection:
            row = _row(connection, connection_id, lock=True)
            if expected is not None and expected != row.revision:
                raise stale(connection_id, row.revision)
            connection.execute(sa.delete(connections).where(connections.c.id == connection_id))
            bump(connection)

    # --- points ------------------------------------------------------------------------------------------------------

    def page(self, connection_id: str, cursor: str | None, limit: int) -> PointPage:
        """A page of points in the order in which they were made. Raises ``NotFound``."""
        query = _POINT.where(points.c.connection_id == connection_id).order_by(points.c.id).limit(limit + 1)
        if cursor:
            query = query.where(points.c.id > cursor)
        with self._records.read() as connection:
            _row(connection, connection_id)
            rows = connection.execute(query).all()
        found = [_point(row) for row in rows[:limit]]
        return PointPage(items=found, next=found[-1].id if len(rows) > limit else None)

    def count_points(self, connection_id: str) -> int:
        """How many points a connection has."""
        with self._records.read() as connection:
            return _count(connection, connection_id)

    def get_point(self, connection_id: str, point_id: str) -> PointView:
        """One point. Raises ``NotFound`` (``devices.point_unknown``)."""
        with self._records.read() as connection:
            return _get_point(connection, connection_id, point_id)

    def add_points(self, connection_id: str, rows: Sequence[dict[str, Any]]) -> None:
        """Add points, all or none. Raises ``NotFound`` (connection, device) or ``Conflict``
        (``connectors.property_taken``)."""
        with self._records.begin() as connection:
            target = _row(connection, connection_id)
            owners = _owners(connection, {row["device_id"] for row in rows})
            for row in rows:
                _need_feedable(owners.get(row["device_id"]), row["device_id"], target)
            taken = fed(connection, [(row["device_id"], row["property"]) for row in rows])
            if taken:
                raise points_taken(name for _, name in taken)
            try:
                connection.execute(sa.insert(points), list(rows))
            except IntegrityError as error:
                raise points_taken(row["property"] for row in rows) from error
            touch_points(connection, connection_id)

    def change_point(self, connection_id: str, point_id: str, values: dict[str, Any]) -> PointView:
        """Change a point. Raises ``NotFound`` or ``Conflict`` (``connectors.property_taken``)."""
        with self._records.begin() as connection:
            found = _get_point(connection, connection_id, point_id)
            if "device_id" in values:
                found_device = _owners(connection, {values["device_id"]}).get(values["device_id"])
                _need_feedable(found_device, values["device_id"], _row(connection, connection_id))
            target = (values.get("device_id", found.device_id), values.get("property", found.property))
            if target != (found.device_id, found.property) and fed(connection, [target]):
                raise points_taken([target[1]])
            if values:
                connection.execute(sa.update(points).where(points.c.id == point_id).values(**values))
                touch_points(connection, connection_id)
            return _get_point(connection, connection_id, point_id)

    def remove_points(self, connection_id: str, point_ids: Sequence[str] | None) -> int:
        """Remove these points (``None``: all) of a connection; returns how many there were. Raises ``NotFound``."""
        with self._records.begin() as connection:
            _row(connection, connection_id)
            removed = 0
            if point_ids is None:
                removed = connection.execute(sa.delete(points).where(points.c.connection_id == connection_id)).rowcount
            for start in range(0, len(point_ids or ()), _CHUNK):
                part = list(point_ids or ())[start : start + _CHUNK]
                removed += connection.execute(
                    sa.delete(points).where(points.c.connection_id == connection_id, points.c.id.in_(part))
                ).rowcount
            if removed:
                touch_points(connection, connection_id)
            return removed

    def find_target(self, device_id: str, name: str) -> Target | None:
        """The point that feeds a property of a device, of a connection that is enabled."""
        query = (
            sa.select(points.c.connection_id, points.c.address, points.c.writable)
            .select_from(points.join(connections))
            .where(points.c.device_id == device_id, points.c.property == name, connections.c.enabled, self._runs_here())
        )
        with self._records.read() as connection:
            row = connection.execute(query).one_or_none()
        return Target(*row) if row else None

    def scaling(self, connection_id: str, address: str) -> tuple[float | None, float | None]:
        """Scale and offset of the writable points at an address.

        Raises ``Unsupported`` (``connectors.not_writable``), ``Conflict`` (``connectors.scale_ambiguous``).
        """
        query = (
            sa.select(points.c.scale, points.c.offset)
            .where(points.c.connection_id == connection_id, points.c.address == address, points.c.writable)
            .distinct()
        )
        with self._records.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise not_writable(address)
        if len(rows) > 1:
            raise scale_ambiguous(address)
        return rows[0].scale, rows[0].offset

    # --- for the host ------------------------------------------------------------------------------------------------

    def revision(self) -> int:
        """Moves with every change of a connection or its points."""
        with self._records.read() as connection:
            return revision(connection)

    def enabled(self) -> builtins.list[Configured]:
        """The connections to be run here: enabled, and of an organisation that is not suspended."""
        query = sa.select(*[connections.c[name] for name in Configured._fields]).where(
            connections.c.enabled, active(connections.c.organisation_id), self._runs_here()
        )
        with self._records.read() as connection:
            return [Configured(*row) for row in connection.execute(query)]

    def _runs_here(self) -> sa.ColumnElement[bool]:
        mine = connections.c.edge_id.is_(None)
        return mine if self.here is None else sa.or_(mine, connections.c.edge_id == self.here)

    def reported(self) -> builtins.dict[str, tuple[str, Any, int | None]]:
        """Of connections at edges: id → the edge, how the connection does as the edge said, and when."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(connections).where(connections.c.edge_id.is_not(None)))
            return {row.id: (row.edge_id, row.reported, row.reported_ms) for row in rows}

    def edge_secrets(self, connection_id: str) -> builtins.dict[str, str]:
        """The secrets that are sealed for the connection's edge, by name. Raises ``NotFound``."""
        with self._records.read() as connection:
            return dict(_row(connection, connection_id).edge_secrets or {})

    def feeds(self, connection_id: str) -> builtins.list[Feed]:
        """The points of a connection whose devices are not disabled."""
        query = (
            sa.select(points)
            .select_from(points.join(devices))
            .where(points.c.connection_id == connection_id, sa.not_(devices.c.disabled))
            .order_by(points.c.id)
        )
        with self._records.read() as connection:
            return [
                Feed(
                    Point(id=row.id, address=row.address, interval_ms=row.interval_ms, deadband=row.deadband),
                    row.device_id,
                    row.property,
                    row.scale,
                    row.offset,
                )
                for row in connection.execute(query)
            ]

    def meet_program(self, connection_id: str, fingerprint: str) -> tuple[str | None, str | None]:
        """Keep what runs on the other side; the first one met is known at once. Returns the known one and this one."""
        with self._records.begin() as connection:
            row = connection.execute(sa.select(connections).where(connections.c.id == connection_id)).one_or_none()
            if row is None or row.program_now == fingerprint:
                return (row.program, fingerprint) if row else (fingerprint, fingerprint)
            values = {"program_now": fingerprint}
            if row.program is None:
                values["program"] = fingerprint
            connection.execute(sa.update(connections).where(connections.c.id == connection_id).values(**values))
            return row.program or fingerprint, fingerprint

    def acknowledge(self, connection_id: str) -> FieldConnection:
        """What runs on the other side now is known from here on. Raises ``NotFound``."""
        with self._records.begin() as connection:
            row = _row(connection, connection_id, lock=True)
            connection.execute(
                sa.update(connections)
                .where(connections.c.id == connection_id)
                .values(program=row.program_now, revision=row.revision + 1)
            )
            bump(connection)
            return _view(connection, connection_id)


def fed(connection: sa.Connection, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the (device id, property) that a point feeds already, and those that are named twice."""
    found = {each for each in wanted if wanted.count(each) > 1} if len(wanted) < _CHUNK else _twice(wanted)
    by_device: dict[str, set[str]] = {}
    for device_id, name in wanted:
        by_device.setdefault(device_id, set()).add(name)
    ids = sorted(by_device)
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(points.c.device_id, points.c.property).where(
            points.c.device_id.in_(ids[start : start + _CHUNK])
        )
        found.update((row.device_id, row.property) for row in connection.execute(query)
                     if row.property in by_device[row.device_id])  # fmt: skip
    return found


def _twice(wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    return {each for each in wanted if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


def _need_feedable(device: sa.Row[Any] | None, device_id: str, target: sa.Row[Any]) -> None:
    """A device of the connection's organisation, and at the edge that the connection runs at."""
    if device is None or device.organisation_id != target.organisation_id:
        raise not_found("device", device_id)
    if target.edge_id is not None and device.edge_id != target.edge_id:
        raise device_elsewhere(device.name, device.edge_id)


def _need_devices_at(connection: sa.Connection, connection_id: str, edge_id: str | None) -> None:
    """Every point of the connection feeds a device at that edge; at this node it may be anywhere."""
    if edge_id is None:
        return
    query = (
        sa.select(devices.c.name, devices.c.edge_id)
        .select_from(points.join(devices))
        .where(
            points.c.connection_id == connection_id,
            sa.or_(devices.c.edge_id.is_(None), devices.c.edge_id != edge_id),
        )
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is not None:
        raise device_elsewhere(row.name, row.edge_id)


def _owners(connection: sa.Connection, device_ids: set[str]) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    ids = sorted(device_ids)
    for start in range(0, len(ids), _CHUNK):
        wanted = devices.c.id.in_(ids[start : start + _CHUNK])
        query = sa.select(devices.c.id, devices.c.name, devices.c.organisation_id, devices.c.edge_id).where(wanted)
        found.update({row.id: row for row in connection.execute(query)})
    return found


def _row(connection: sa.Connection, connection_id: str, *, lock: bool = False) -> sa.Row[Any]:
    query = sa.select(connections).where(connections.c.id == connection_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise not_found("connection", connection_id)
    return row


def _view(connection: sa.Connection, connection_id: str) -> FieldConnection:
    return _connection(_row(connection, connection_id), _count(connection, connection_id))


def _count(connection: sa.Connection, connection_id: str) -> int:
    query = sa.select(sa.func.count()).where(points.c.connection_id == connection_id)
    return int(connection.scalar(query) or 0)


def _get_point(connection: sa.Connection, connection_id: str, point_id: str) -> PointView:
    row = connection.execute(
        _POINT.where(points.c.connection_id == connection_id, points.c.id == point_id)
    ).one_or_none()
    if row is None:
        raise not_found("point", point_id)
    return _point(row)


def _refuse_name(connection: sa.Connection, connection_id: str, name: str, organisation_id: str) -> None:
    same = sa.select(connections.c.id).where(
        connections.c.organisation_id == organisation_id,
        connections.c.name_key == key_of(name),
        connections.c.id != connection_id,
    )
    if connection.scalar(same) is not None:
        raise name_taken("connection", name)


def _place_owner(connection: sa.Connection, place_id: str) -> str:
    found: str | None = connection.scalar(sa.select(places.c.organisation_id).where(places.c.id == place_id))
    if found is None:
        raise not_found("place", place_id)
    return found


SEALED_NAMES = "$sealed"
"""Where the names of the sealed settings are kept beside the plain ones."""


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != SEALED_NAMES}


def _connection(row: Any, count: int) -> FieldConnection:
    return FieldConnection(
        id=row.id,
        name=row.name,
        kind=row.kind,
        settings=_plain(row.settings),
        secrets=row.settings.get(SEALED_NAMES, ()),
        enabled=row.enabled,
        place_id=row.place_id,
        program_changed=row.program != row.program_now,
        points=count,
        created_ms=row.created_ms,
        revision=row.revision,
        organisation_id=row.organisation_id,
        edge_id=row.edge_id,
    )


def _point(row: Any) -> PointView:
    return PointView(**{name: getattr(row, name) for name in PointView.__struct_fields__})
