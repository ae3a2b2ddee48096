"""The desired state of an edge: built at the parent from its records, applied to the edge's.

A document of sections, each a list of rows; its version is the digest of its content. There are devices, the models
they are of, the digests of their credentials, and what :mod:`.down` keeps; secrets of connections are sealed so that
the edge alone can open them. An older edge passes over sections that it does not know. At the edge all of it belongs
to the edge's own root: who may see what is the parent's matter.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import IntegrityError

from millwright.devices.credentials.model import CERTIFICATE
from millwright.devices.edge.down import guards
from millwright.devices.edge.down.connections import ConnectionApplier, ConnectionRow, PointRow
from millwright.devices.edge.down.connections import read as read_connections
from millwright.devices.edge.down.guards import InterlockRow, LockRow
from millwright.devices.edge.down.model import SectionReport
from millwright.devices.edge.in_force import Handed, HandedStates
from millwright.devices.edge.wire import Wanted
from millwright.devices.names import key_of
from millwright.devices.registry.search import searched
from millwright.devices.store import bump, credentials, devices, model_versions, models, upsert
from millwright.engines.sql import Records
from millwright.kernel import ROOT, Conflict, Invalid, LimitExceeded

MOST_BYTES: Final = 7_000_000
"""Of a document on the link, compressed."""
_MOST_OPEN: Final = 256_000_000
_CHUNK: Final = 500


class DeviceRow(Struct, array_like=True):
    """A device to be known at the edge. Whether a gateway registers what is below it is the parent's matter."""

    id: str
    name: str
    title: str | None
    tags: list[str]
    kind: str
    model_id: str | None
    model_version: int | None
    parent_id: str | None
    sparkplug_group: str | None
    sparkplug_edge: str | None
    sparkplug_device: str | None
    disabled: bool
    created_ms: int
    revision: int
    foreign_dialect: str | None = None
    foreign_realm: str | None = None
    foreign_name: str | None = None


class CredentialRow(Struct, array_like=True):
    """What a device proves itself with, by its digest."""

    id: str
    device_id: str
    digest: bytes
    label: str | None
    hint: str
    origin: str
    created_ms: int
    expires_ms: int | None


class ModelRow(Struct, array_like=True):
    """A version of a model; ``newest`` is the model's latest."""

    id: str
    name: str
    newest: int
    version: int
    document: dict[str, Any]
    created_ms: int


class DesiredState(Struct):
    """The document. Sections that are not known here are passed over; ``further`` are those of other domains."""

    models: list[ModelRow]
    devices: list[DeviceRow]
    credentials: list[CredentialRow]
    connections: list[ConnectionRow] = []
    points: list[PointRow] = []
    interlocks: list[InterlockRow] = []
    locks: list[LockRow] = []
    further: dict[str, Any] = {}


class DesiredBuilder:
    """Builds documents from the records of everybody. ``further``: by name, what other domains want at an edge that has
    these devices. ``handed`` keeps what is about to be handed over."""

    def __init__(
        self,
        records: Records,
        further: Mapping[str, Callable[[list[str]], Any]] | None = None,
        handed: HandedStates | None = None,
    ) -> None:
        self._records, self._further, self._handed = records, dict(further or {}), handed

    async def of(self, edge_id: str) -> Wanted:
        """What is desired of an edge now. Raises ``LimitExceeded`` (``devices.edge_too_much``)."""
        return await asyncio.to_thread(self._build, edge_id)

    def _build(self, edge_id: str) -> Wanted:
        state = self._read(edge_id)
        content = msgspec.msgpack.encode(state)
        packed = zlib.compress(content, 6)
        if len(packed) > MOST_BYTES:
            raise LimitExceeded(
                "There are more devices at this edge than one document carries.",
                code="devices.edge_too_much",
                hint="Share the devices between several edges.",
            )
        version = hashlib.sha256(content).hexdigest()[:16]
        if self._handed is not None:
            there = {row.id: row.model_id for row in state.devices if not row.disabled}
            self._handed.keep(edge_id, version, Handed(there, state.further))
        return Wanted(version, packed)

    def _read(self, edge_id: str) -> DesiredState:
        direct = sa.select(devices.c.id).where(devices.c.edge_id == edge_id)
        here = sa.or_(devices.c.edge_id == edge_id, devices.c.parent_id.in_(direct))
        chosen = sa.select(devices.c.id).where(here)
        with self._records.read() as connection:
            # Edge nodes of Sparkplug before what is below them.
            rows = connection.execute(sa.select(devices).where(here).order_by(devices.c.parent_id, devices.c.id))
            found = [
                DeviceRow(*(getattr(row, key) for key in DeviceRow.__struct_fields__))
                for row in sorted(rows, key=lambda row: (row.parent_id is not None, row.id))
            ]
            held = connection.execute(
                sa.select(credentials)
                .where(credentials.c.device_id.in_(chosen), credentials.c.origin != CERTIFICATE)
                .order_by(credentials.c.id)
            )
            grants = [CredentialRow(*(getattr(row, key) for key in CredentialRow.__struct_fields__)) for row in held]
            wanted = sorted({(row.model_id, row.model_version or 1) for row in found if row.model_id})
            versions = [self._model(connection, model_id, version) for model_id, version in wanted]
            run, followed = read_connections(connection, edge_id, here)
            rules, placed = guards.read(connection, here)
        ids = [row.id for row in found]
        further = {name: section(ids) for name, section in self._further.items()}
        kept = [each for each in versions if each is not None]
        return DesiredState(kept, found, grants, run, followed, rules, placed, further)

    @staticmethod
    def _model(connection: sa.Connection, model_id: str, version: int) -> ModelRow | None:
        row = connection.execute(
            sa.select(
                models.c.id,
                models.c.name,
                models.c.version.label("newest"),
                model_versions.c.version,
                model_versions.c.document,
                model_versions.c.created_ms,
            )
            .join_from(models, model_versions, models.c.id == model_versions.c.model_id)
            .where(models.c.id == model_id, model_versions.c.version == version)
        ).one_or_none()
        return ModelRow(row.id, row.name, row.newest, row.version, row.document, row.created_ms) if row else None


class DesiredApplier:
    """Brings the edge's records to a document; all of it or nothing.

    ``edge_id`` marks what came this way: a device registered at the edge itself is left alone. Sections of their own
    are brought about after that; ``sections`` is how each is.
    """

    def __init__(
        self,
        records: Records,
        edge_id: str,
        connections: ConnectionApplier | None = None,
        further: Mapping[str, Callable[[Any], SectionReport]] | None = None,
    ) -> None:
        self._records, self._edge_id, self._connections = records, edge_id, connections
        self._further = dict(further or {})
        self.sections: list[SectionReport] = []

    async def apply(self, wanted: Wanted) -> None:
        """Apply it. Raises ``Invalid`` (``devices.edge_state_unreadable``), ``Conflict`` (``devices.edge_state``)."""
        await asyncio.to_thread(self._apply, _opened(wanted.document))

    def _apply(self, state: DesiredState) -> None:
        try:
            with self._records.begin() as connection:
                self._write(connection, state)
                bump(connection)
        except IntegrityError as error:
            raise Conflict(
                f"The desired state clashes with what is at the edge: {str(error.orig)[:200]}",
                code="devices.edge_state",
                hint="A device registered at the edge itself has a name or address that the parent gives; rename it.",
            ) from error
        held = len(state.devices)
        guarding = len(state.interlocks) + len(state.locks)
        self.sections = [
            SectionReport(name="devices", desired=held, in_force=held),
            SectionReport(name="guards", desired=guarding, in_force=guarding),
        ]
        if self._connections is not None:
            self.sections.append(self._connections.apply(state.connections, state.points))
        for name, section in self._further.items():
            if name in state.further:
                self.sections.append(section(state.further[name]))

    def _write(self, connection: sa.Connection, state: DesiredState) -> None:
        kept = {row.id for row in state.devices}
        there = connection.execute(sa.select(devices.c.id).where(devices.c.edge_id == self._edge_id)).scalars().all()
        gone = [each for each in there if each not in kept]
        for start in range(0, len(gone), _CHUNK):
            chunk = gone[start : start + _CHUNK]
            connection.execute(sa.delete(devices).where(devices.c.parent_id.in_(chunk)))
            connection.execute(sa.delete(devices).where(devices.c.id.in_(chunk)))
        newest: dict[str, dict[str, Any]] = {}
        for each in state.models:
            newest[each.id] = {
                "id": each.id,
                "name": each.name,
                "name_key": key_of(each.name),
                "version": max(each.version, newest.get(each.id, {}).get("version", 0)),
                "created_ms": each.created_ms,
                "organisation_id": ROOT,
            }
        upsert(connection, models, list(newest.values()), update=("name", "name_key", "version"))
        versions = [
            {"model_id": row.id, "version": row.version, "document": row.document, "created_ms": row.created_ms}
            for row in state.models
        ]
        upsert(connection, model_versions, versions, update=("document",))
        rows = [self._device(row) for row in state.devices]
        names = [key for key in (rows[0] if rows else {}) if key != "id"]
        for start in range(0, len(rows), _CHUNK):
            upsert(connection, devices, rows[start : start + _CHUNK], update=names)
        mine = sa.select(devices.c.id).where(devices.c.edge_id == self._edge_id)
        connection.execute(
            sa.delete(credentials).where(credentials.c.device_id.in_(mine), credentials.c.origin != CERTIFICATE)
        )
        if state.credentials:
            connection.execute(
                sa.insert(credentials),
                [{**msgspec.structs.asdict(row), "last_used_ms": None} for row in state.credentials],
            )
        guards.write(connection, state.interlocks, state.locks)

    def _device(self, row: DeviceRow) -> dict[str, Any]:
        return {
            **msgspec.structs.asdict(row),
            "name_key": key_of(row.name),
            "search": searched(row.name, row.title, row.tags),
            "place_id": None,
            "organisation_id": ROOT,
            "edge_id": self._edge_id,
        }


def _opened(document: bytes) -> DesiredState:
    try:
        opener = zlib.decompressobj()
        content = opener.decompress(document, _MOST_OPEN)
        if not opener.eof:
            raise ValueError("it is not whole")
        return msgspec.msgpack.decode(content, type=DesiredState)
    except (ValueError, zlib.error) as error:
        raise Invalid(
            f"The desired state cannot be read: {error}",
            code="devices.edge_state_unreadable",
            hint="Let the edge run the same version as its parent.",
        ) from error
