"""Edges in the records."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, StatementError

from millwright.devices.connectors.tables import connections
from millwright.devices.edge.in_force import note
from millwright.devices.edge.model import FRESH_MS, Edge, EdgeStatus, State
from millwright.devices.errors import edge_revoked, name_taken, not_found
from millwright.devices.names import key_of
from millwright.devices.places.store import paths
from millwright.devices.store import bump, devices, edge_past, edges, home, places
from millwright.engines.sql import Records
from millwright.parties import active

logger = logging.getLogger(__name__)


class EdgeStore:
    """Reads and writes edges; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def list(self, now_ms: int) -> builtins.list[Edge]:
        """Every edge, by name."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(edges).order_by(edges.c.name_key, edges.c.id)).mappings().all()
            return _edges(connection, rows, now_ms)

    def get(self, edge_id: str, now_ms: int) -> Edge:
        """One edge. Raises ``NotFound`` (``devices.edge_unknown``)."""
        with self._records.read() as connection:
            return _edges(connection, [_row(connection, edge_id)], now_ms)[0]

    def insert(
        self, edge_id: str, name: str, place_id: str | None, digest: bytes, expires_ms: int, now_ms: int
    ) -> Edge:
        """Add an edge with the digest of its code. Raises ``NotFound`` (place), ``Conflict`` (name)."""
        with self._records.begin() as connection:
            organisation_id = _owner(connection, place_id)
            _refuse_name(connection, name, organisation_id)
            connection.execute(
                sa.insert(edges).values(
                    id=edge_id,
                    name=name,
                    name_key=key_of(name),
                    place_id=place_id,
                    code_digest=digest,
                    code_expires_ms=expires_ms,
                    created_ms=now_ms,
                    organisation_id=organisation_id,
                )
            )
            return _edges(connection, [_row(connection, edge_id)], now_ms)[0]

    def update(self, edge_id: str, changes: dict[str, Any], now_ms: int) -> Edge:
        """Change name or place. Raises ``NotFound``, ``Conflict`` (name)."""
        with self._records.begin() as connection:
            row = _row(connection, edge_id)
            if "name" in changes:
                if key_of(changes["name"]) != row["name_key"]:
                    _refuse_name(connection, changes["name"], row["organisation_id"])
                changes = {**changes, "name_key": key_of(changes["name"])}
            if changes.get("place_id") is not None:
                mine = sa.select(places.c.id).where(
                    places.c.id == changes["place_id"], places.c.organisation_id == row["organisation_id"]
                )
                if connection.scalar(mine) is None:
                    raise not_found("place", changes["place_id"])
            if changes:
                connection.execute(sa.update(edges).where(edges.c.id == edge_id).values(**changes))
            return _edges(connection, [_row(connection, edge_id)], now_ms)[0]

    def renew(self, edge_id: str, digest: bytes, expires_ms: int, now_ms: int) -> Edge:
        """Put another code in place of the last; a machine that joined before stays joined until the code is used.

        Raises ``NotFound``, ``Conflict`` (``devices.edge_revoked``).
        """
        with self._records.begin() as connection:
            if _row(connection, edge_id)["revoked_ms"] is not None:
                raise edge_revoked(edge_id)
            changed = {"code_digest": digest, "code_expires_ms": expires_ms}
            connection.execute(sa.update(edges).where(edges.c.id == edge_id).values(**changed))
            return _edges(connection, [_row(connection, edge_id)], now_ms)[0]

    def revoke(self, edge_id: str, now_ms: int) -> Edge:
        """Take key and code away, for good. Raises ``NotFound``."""
        with self._records.begin() as connection:
            row = _row(connection, edge_id)
            if row["revoked_ms"] is None:
                gone = {"public_key": None, "code_digest": None, "code_expires_ms": None, "revoked_ms": now_ms}
                connection.execute(sa.update(edges).where(edges.c.id == edge_id).values(**gone))
                bump(connection)
            return _edges(connection, [_row(connection, edge_id)], now_ms)[0]

    def delete(self, edge_id: str) -> None:
        """Remove an edge that has no devices any more. Raises ``NotFound``, ``Conflict`` (``devices.edge_in_use``)."""
        from millwright.devices.errors import in_use

        with self._records.begin() as connection:
            _row(connection, edge_id)
            found = {
                what: int(connection.scalar(sa.select(sa.func.count()).where(table.c.edge_id == edge_id)) or 0)
                for what, table in (("devices", devices), ("connections", connections))
            }
            held = {what: count for what, count in found.items() if count}
            if held:
                raise in_use("edge", edge_id, held)
            connection.execute(sa.delete(edges).where(edges.c.id == edge_id))
            bump(connection)

    def use_code(self, digest: bytes, public_key: str, now_ms: int, seal_key: str | None = None) -> Edge | None:
        """Let the edge with this code in by its public key, and use the code up; ``None`` without such a code.

        Only one of two who try at once succeeds.
        """
        with self._records.begin() as connection:
            try:
                used = connection.execute(
                    sa.update(edges)
                    .where(
                        edges.c.code_digest == digest, edges.c.code_expires_ms > now_ms, edges.c.revoked_ms.is_(None)
                    )
                    .values(
                        public_key=public_key,
                        seal_key=seal_key,
                        code_digest=None,
                        code_expires_ms=None,
                        joined_ms=now_ms,
                    )
                    .returning(edges.c.id)
                ).scalar_one_or_none()
            except IntegrityError:
                return None  # a key that another edge has
            if used is None:
                return None
            bump(connection)
            return _edges(connection, [_row(connection, used)], now_ms)[0]

    def keys(self) -> dict[str, str]:
        """Who may come in: id → public key. No edge of an organisation that is suspended, or below one, may."""
        admitted = edges.c.public_key.is_not(None), active(edges.c.organisation_id)
        with self._records.read() as connection:
            rows = connection.execute(sa.select(edges.c.id, edges.c.public_key).where(*admitted))
            return {row.id: row.public_key for row in rows}

    def owner_of(self, edge_id: str) -> str:
        """The organisation that an edge belongs to. Raises ``NotFound``."""
        with self._records.read() as connection:
            return str(_row(connection, edge_id)["organisation_id"])

    def members(self, edge_id: str) -> set[str]:
        """The devices that are, or were, at an edge, and the Sparkplug devices below them."""
        with self._records.read() as connection:
            now = set(connection.execute(sa.select(devices.c.id).where(devices.c.edge_id == edge_id)).scalars())
            past = connection.execute(sa.select(edge_past.c.device_id).where(edge_past.c.edge_id == edge_id)).scalars()
            return now | set(past)

    def note(self, seen: Mapping[str, dict[str, Any]]) -> None:
        """Write what edges said: id → the columns ``seen_ms``, ``connected_ms`` and ``status``.

        What cannot be written of one edge keeps nothing of the others from being written.
        """
        with self._records.begin() as connection:
            for edge_id, values in seen.items():
                try:
                    with connection.begin_nested():
                        kept = _with_sections(connection, edge_id, values)
                        connection.execute(sa.update(edges).where(edges.c.id == edge_id).values(**kept))
                        note(connection, edge_id, kept.get("status"))
                except (OperationalError, InterfaceError):
                    raise  # the records do not answer
                except (StatementError, TypeError, ValueError) as error:
                    logger.warning("what edge %s said of itself cannot be written: %s", edge_id, error)


def _with_sections(connection: sa.Connection, edge_id: str, values: dict[str, Any]) -> dict[str, Any]:
    """What an edge said just after its start, before it asked what is desired: what was in force there still is."""
    status = values.get("status")
    if not status or status.get("applied") or status.get("sections") or status.get("apply_error"):
        return values
    before = connection.scalar(sa.select(edges.c.status).where(edges.c.id == edge_id)) or {}
    return {**values, "status": {**status, "sections": before.get("sections", [])}}


def _row(connection: sa.Connection, edge_id: str) -> sa.RowMapping:
    row = connection.execute(sa.select(edges).where(edges.c.id == edge_id)).mappings().one_or_none()
    if row is None:
        raise not_found("edge", edge_id)
    return row


def _owner(connection: sa.Connection, place_id: str | None) -> str:
    if place_id is None:
        return home()
    found: str | None = connection.scalar(sa.select(places.c.organisation_id).where(places.c.id == place_id))
    if found is None:
        raise not_found("place", place_id)
    return found


def _refuse_name(connection: sa.Connection, name: str, organisation_id: str) -> None:
    taken = sa.select(edges.c.id).where(edges.c.name_key == key_of(name), edges.c.organisation_id == organisation_id)
    if connection.scalar(taken) is not None:
        raise name_taken("edge", name)


def _edges(connection: sa.Connection, rows: Any, now_ms: int) -> builtins.list[Edge]:
    located = paths(connection, {row["place_id"] for row in rows if row["place_id"]})
    counted: dict[str | None, int] = {
        row[0]: row[1]
        for row in connection.execute(
            sa.select(devices.c.edge_id, sa.func.count())
            .where(devices.c.edge_id.in_([row["id"] for row in rows]))
            .group_by(devices.c.edge_id)
        )
    }
    return [_edge(row, located.get(row["place_id"]), counted.get(row["id"], 0), now_ms) for row in rows]


def _edge(row: Any, place_path: str | None, held: int, now_ms: int) -> Edge:
    status = _status(row)
    return Edge(
        id=row["id"],
        name=row["name"],
        place_id=row["place_id"],
        place_path=place_path,
        state=_state(row, now_ms),
        created_ms=row["created_ms"],
        joined_ms=row["joined_ms"],
        revoked_ms=row["revoked_ms"],
        code_expires_ms=row["code_expires_ms"],
        seen_ms=row["seen_ms"],
        connected_ms=row["connected_ms"],
        devices=held,
        status=status,
        lacks=_lacks(row, status, now_ms),
        organisation_id=row["organisation_id"],
    )


def _status(row: Any) -> EdgeStatus | None:
    try:
        return msgspec.convert(row["status"], EdgeStatus) if row["status"] else None
    except msgspec.ValidationError:  # of another version; the edge says it anew when it speaks
        return None


def _state(row: Any, now_ms: int) -> State:
    if row["revoked_ms"] is not None:
        return "revoked"
    if row["joined_ms"] is None:
        return "waiting"
    return "connected" if now_ms - (row["seen_ms"] or 0) < FRESH_MS else "cut"


_CLOCK_WRONG_MS = 5_000


def _lacks(row: Any, status: EdgeStatus | None, now_ms: int) -> builtins.list[str]:
    """What is not as it should be, as words that the console explains."""
    found: builtins.list[str] = []
    state = _state(row, now_ms)
    if state == "waiting":
        expired = row["code_expires_ms"] is None or row["code_expires_ms"] <= now_ms
        found.append("code_expired" if expired else "not_joined")
    if state == "cut":
        found.append("link")
    if status is None or state in ("waiting", "revoked"):
        return found
    if status.clock_offset_ms is not None and abs(status.clock_offset_ms) > _CLOCK_WRONG_MS:
        found.append("clock")
    if status.cloned:
        found.append("cloned")
    if status.apply_error:
        found.append("desired_state")
    if status.given_up:
        found.append("backlog_given_up")
    found += [each.name for each in status.sections if each.in_force < each.desired]
    if status.problems:
        found.append("problems")
    return found
