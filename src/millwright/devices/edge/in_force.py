"""At the parent: what was handed to each edge, and what of it is in force there by its own word.

A desired state is kept before it is handed over. The edge names the state that it has applied; from then on that one
counts, until it names another: it still holds while the edge is cut off, starts anew, or cannot apply the next.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from millwright.devices.edge.model import EdgeStatus
from millwright.devices.store import devices, edge_handed, edges
from millwright.engines.sql import Records
from millwright.kernel import Clock

_KEPT: Final = 8
_JUDGING: Final = "rules"


class Handed(Struct):
    """What is kept of a state: its devices that are enabled, each with its model, and the sections of other domains."""

    devices: dict[str, str | None]
    further: dict[str, Any]


class InForce(NamedTuple):
    """The state in force at an edge. ``devices`` are those of it that are at the edge still; ``refused``: ids of rules
    that the edge does not judge by."""

    edge_id: str
    version: str
    refused: tuple[str, ...]
    devices: dict[str, str | None]
    further: dict[str, Any]


class HandedStates:
    """Every method is one transaction, and blocks."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records, self._clock = records, clock
        self._last: dict[str, str] = {}
        self._read: dict[tuple[str, str], Handed] = {}

    def keep(self, edge_id: str, version: str, state: Handed) -> None:
        """Keep what is about to be handed over."""
        if self._last.get(edge_id) == version:
            return
        this = edge_handed.c.edge_id == edge_id, edge_handed.c.version == version
        values = {"handed_ms": self._clock.now_ms(), "content": zlib.compress(msgspec.msgpack.encode(state), 6)}
        with self._records.begin() as connection:
            if not connection.execute(sa.update(edge_handed).where(*this).values(**values)).rowcount:
                connection.execute(sa.insert(edge_handed).values(edge_id=edge_id, version=version, **values))
            newest = sa.select(edge_handed.c.version).where(edge_handed.c.edge_id == edge_id)
            kept = set(connection.execute(newest.order_by(edge_handed.c.handed_ms.desc()).limit(_KEPT)).scalars())
            in_force = connection.scalar(sa.select(edges.c.in_force).where(edges.c.id == edge_id))
            _forget(connection, edge_id, kept | {version, in_force or ""})
        self._last[edge_id] = version

    def read(self) -> list[InForce]:
        """What is in force at each edge that has joined."""
        with self._records.read() as connection:
            columns = edges.c.id, edges.c.in_force, edges.c.not_in_force
            said = connection.execute(
                sa.select(*columns).where(edges.c.in_force.is_not(None), edges.c.revoked_ms.is_(None))
            ).all()
            if not said:
                return []
            states = {(row.id, row.in_force): self._handed(connection, row.id, row.in_force) for row in said}
            present = _present(connection, [row.id for row in said])
        self._read = {key: state for key, state in states.items() if state is not None}
        found = []
        for row in sorted(said, key=lambda row: str(row.id)):
            state = states[row.id, row.in_force]
            if state is not None:
                here = present.get(row.id, set())
                at = {key: model for key, model in state.devices.items() if key in here}
                found.append(InForce(row.id, row.in_force, tuple(row.not_in_force or ()), at, state.further))
        return found

    def _handed(self, connection: sa.Connection, edge_id: str, version: str) -> Handed | None:
        known = self._read.get((edge_id, version))
        if known is not None:
            return known
        query = sa.select(edge_handed.c.content).where(
            edge_handed.c.edge_id == edge_id, edge_handed.c.version == version
        )
        content = connection.scalar(query)
        return None if content is None else msgspec.msgpack.decode(zlib.decompress(content), type=Handed)


def note(connection: sa.Connection, edge_id: str, said: Any) -> None:
    """Take what an edge says of itself, in the caller's transaction."""
    try:
        status = msgspec.convert(said, EdgeStatus)
    except msgspec.ValidationError:  # of another version; what counted before still does
        return
    if not status.applied:
        return
    section = next((each for each in status.sections if each.name == _JUDGING), None)
    refused = [each.id for each in section.refused] if section is not None else []
    # Where not all that is missing has a name, nobody knows what is judged there: then it is judged here, too.
    told = section is not None and section.desired - section.in_force <= len(refused)
    values = {"in_force": status.applied[:16], "not_in_force": refused} if told else {"in_force": None}
    this = edges.c.id == edge_id
    before = connection.scalar(sa.select(edges.c.in_force).where(this))
    connection.execute(sa.update(edges).where(this).values(**values))
    if told and before != values["in_force"]:
        since = sa.select(edge_handed.c.handed_ms).where(
            edge_handed.c.edge_id == edge_id, edge_handed.c.version == values["in_force"]
        )
        at_ms = connection.scalar(since)
        if at_ms is not None:
            older = edge_handed.c.handed_ms < at_ms
            connection.execute(sa.delete(edge_handed).where(edge_handed.c.edge_id == edge_id, older))


def _forget(connection: sa.Connection, edge_id: str, kept: Iterable[str]) -> None:
    gone = edge_handed.c.version.not_in(list(kept))
    connection.execute(sa.delete(edge_handed).where(edge_handed.c.edge_id == edge_id, gone))


def _present(connection: sa.Connection, edge_ids: list[str]) -> dict[str, set[str]]:
    """The devices that are at these edges now, and those below them."""
    found: dict[str, set[str]] = {}
    direct = sa.select(devices.c.edge_id, devices.c.id).where(devices.c.edge_id.in_(edge_ids))
    above = devices.alias()
    below = sa.select(above.c.edge_id, devices.c.id).join_from(devices, above, devices.c.parent_id == above.c.id)
    for query in (direct, below.where(above.c.edge_id.in_(edge_ids))):
        for edge_id, device_id in connection.execute(query):
            found.setdefault(edge_id, set()).add(device_id)
    return found
