"""Use cases of connections and their points."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, structs

from millwright.devices.connectors.bulk import point_of, read_points, write_points
from millwright.devices.connectors.catalogue import Catalogue, Kinds
from millwright.devices.connectors.contract import NodePage
from millwright.devices.connectors.errors import enterprises_closed, node_data, node_only, secrets_needed
from millwright.devices.connectors.model import (
    BrowseRequest,
    ConnectionChange,
    ConnectionHealth,
    Draft,
    FieldConnection,
    FoundPeer,
    LiveValue,
    NewConnection,
    NewPoint,
    PointChange,
    PointPage,
    PointReport,
    PointView,
    ReadRequest,
    ReadValue,
    RefusedPoint,
    Tested,
)
from millwright.devices.connectors.placement import EdgePlacement, NoEdges, kept_above, said_by_edge
from millwright.devices.connectors.reach import SIMULATOR, is_below
from millwright.devices.connectors.rpc import Ask, HostClient, Operation, announce
from millwright.devices.connectors.settings import ConnectorsSettings
from millwright.devices.connectors.store import ConnectionStore
from millwright.devices.connectors.vault import SEALED_WORD, Vault, apart, is_same_peer
from millwright.devices.errors import invalid, not_found, too_many
from millwright.devices.names import clean_name
from millwright.devices.registry import DeviceStore
from millwright.kernel import ROOT, Bus, Clock, MillwrightError, current_scope, new_id
from millwright.ledger import note

_NOT_ITS_OWN = ("id", "revision", "created_ms", "points", "program_changed")
_PAGE = 1000


class Connectors:
    """Makes, changes and removes connections and points; asks the host about field devices."""

    def __init__(
        self,
        store: ConnectionStore,
        vault: Vault,
        catalogue: Catalogue,
        devices: DeviceStore,
        host: HostClient,
        bus: Bus,
        clock: Clock,
        settings: ConnectorsSettings,
        *,
        keep_out: Path | None = None,
        at_edges: EdgePlacement | None = None,
    ) -> None:
        self._store, self._vault, self._catalogue, self._devices = store, vault, catalogue, devices
        self._host, self._bus, self._clock, self._settings = host, bus, clock, settings
        self._keep_out = None if keep_out is None else keep_out.resolve()
        self._at_edges: EdgePlacement = at_edges or NoEdges()

    # --- kinds and connections ---------------------------------------------------------------------------------------

    async def kinds(self) -> Kinds:
        """Every connector installed, with the fields of its settings."""
        return await asyncio.to_thread(self._catalogue.list)

    async def list(self) -> builtins.list[FieldConnection]:
        """Every connection, by name."""
        return await asyncio.to_thread(self._store.list)

    async def get(self, connection_id: str) -> FieldConnection:
        """One connection. Raises ``NotFound`` (``devices.connection_unknown``)."""
        return await asyncio.to_thread(self._store.get, connection_id)

    async def create(self, new: NewConnection) -> FieldConnection:
        """Make a connection.

        Raises ``NotFound`` (kind, place), ``Invalid`` (settings), ``Conflict`` (name) or ``Denied``
        (``connectors.node_only``: a connector that reads files is for the organisation that runs the node).
        """
        made = await asyncio.to_thread(self._create, new)
        note("connection", made.id, made.name, after=made, ignore=_NOT_ITS_OWN)
        await announce(self._bus)
        return made

    def _create(self, new: NewConnection) -> FieldConnection:
        connection_id = new_id("con")
        if new.edge_id is None:
            self._need_reach(new.kind, new.settings)
        self._catalogue.convert(new.kind, new.settings)
        kept = self._kept(connection_id, new.edge_id, new.settings, self._catalogue.secrets(new.kind), {})
        return self._store.insert(
            {
                **kept,
                "edge_id": new.edge_id,
                "id": connection_id,
                "name": clean_name(new.name),
                "kind": new.kind,
                "enabled": new.enabled,
                "place_id": new.place_id,
                "created_ms": self._clock.now_ms(),
            }
        )

    async def change(
        self, connection_id: str, change: ConnectionChange, *, expected: int | None = None
    ) -> FieldConnection:
        """Change a connection. Raises ``NotFound``, ``Invalid``, ``Conflict`` (name, ``devices.revision_stale``)."""
        before = await self._mine(connection_id)
        made = await asyncio.to_thread(self._change, before, change, expected)
        note("connection", connection_id, made.name, before=before, after=made, ignore=_NOT_ITS_OWN)
        await announce(self._bus)
        return made

    def _change(self, before: FieldConnection, change: ConnectionChange, expected: int | None) -> FieldConnection:
        connection_id, values = before.id, dict[str, Any]()
        edge_id = before.edge_id if change.edge_id is UNSET else change.edge_id
        if change.name is not UNSET:
            values["name"] = clean_name(change.name)
        if change.enabled is not UNSET:
            values["enabled"] = change.enabled
        if change.place_id is not UNSET:
            values["place_id"] = change.place_id
        if change.settings is not UNSET or edge_id != before.edge_id:
            kind, plain, sealed = self._store.sealed(connection_id)
            given = before.settings if change.settings is UNSET else change.settings
            names = self._catalogue.secrets(kind)
            boxes = self._store.edge_secrets(connection_id)
            # What is sealed for an edge cannot be read here: its place is taken by a word of no meaning.
            known = self._vault.open(connection_id, plain, sealed) | dict.fromkeys(boxes, SEALED_WORD)
            wanted = {key: value for key, value in known.items() if key in names} | dict(given)
            wanted = {key: value for key, value in wanted.items() if not (key in names and value in (None, ""))}
            if edge_id is None:
                self._need_reach(kind, wanted)
            chosen = self._catalogue.convert(kind, wanted)
            kept = {key for key in known if key in names and key not in given}
            moved = edge_id != before.edge_id  # another machine, and perhaps another keeper of it
            if kept and (moved or not is_same_peer(self._catalogue.convert(kind, known), chosen, names)):
                raise secrets_needed(kept)
            values |= self._kept(connection_id, edge_id, wanted, names, {key: boxes[key] for key in kept & set(boxes)})
            # Another address is another machine: what runs there is met anew.
            values |= {"program": None, "program_now": None, "edge_id": edge_id}
        return self._store.update(connection_id, values, expected)

    def _kept(
        self,
        connection_id: str,
        edge_id: str | None,
        settings: Mapping[str, Any],
        names: frozenset[str],
        boxes: Mapping[str, str],
    ) -> dict[str, Any]:
        """The columns of settings: secrets are sealed for this node, or for the edge and nobody else."""
        if edge_id is None:
            plain, sealed = self._vault.part(connection_id, settings, names)
            return {"settings": plain, "secrets": sealed, "edge_secrets": None}
        plain, secret = apart(settings, names)
        new = {key: value for key, value in secret.items() if key not in boxes}
        made = {**boxes, **(self._at_edges.seal(edge_id, connection_id, new) if new else {})}
        return {"settings": plain, "secrets": None, "edge_secrets": made or None}

    async def _mine(self, connection_id: str) -> FieldConnection:
        """A connection that is kept here. Raises ``NotFound``, ``Conflict`` (``connectors.kept_above``)."""
        found = await self.get(connection_id)
        if found.edge_id is not None and found.edge_id == self._store.here:
            raise kept_above(found.name)
        return found

    async def delete(self, connection_id: str, *, expected: int | None = None) -> None:
        """Remove a connection and its points; devices and their history stay. Raises ``NotFound`` or ``Conflict``."""
        before = await self._mine(connection_id)
        await asyncio.to_thread(self._store.delete, connection_id, expected)
        note("connection", connection_id, before.name, before=before, ignore=_NOT_ITS_OWN)
        await announce(self._bus)

    async def acknowledge(self, connection_id: str) -> FieldConnection:
        """A person has looked at the program that runs on the other side now. Raises ``NotFound``."""
        before = await self.get(connection_id)
        made = await asyncio.to_thread(self._store.acknowledge, connection_id)
        note("connection", connection_id, made.name, before=before, after=made, ignore=("revision",))
        await announce(self._bus)
        return made

    # --- points ------------------------------------------------------------------------------------------------------

    async def points(self, connection_id: str, cursor: str | None, limit: int) -> PointPage:
        """A page of a connection's points. Raises ``NotFound``."""
        return await asyncio.to_thread(self._store.page, connection_id, cursor, limit)

    async def add_points(self, connection_id: str, new: Sequence[NewPoint]) -> int:
        """Add points, all or none. Raises ``NotFound``, ``Invalid`` (address), ``Conflict``, ``LimitExceeded``."""
        connection = await self._mine(connection_id)
        self._need_room(connection, len(new))
        connector = self._catalogue.get(connection.kind)
        for number, each in enumerate(new):
            connector.check_address(each.address)
            if each.scale == 0:
                raise invalid("A factor of zero makes every value the same.", f"/{number}/scale")
        if new:
            ids = sorted(
                new_id("pnt") for _ in new
            )  # in the order given: ids of one millisecond have none of their own
            rows = [_row(point_id, connection_id, each) for point_id, each in zip(ids, new, strict=True)]
            await asyncio.to_thread(self._store.add_points, connection_id, rows)
            note("connection", connection_id, connection.name, after={"points_added": len(rows)},
                 organisation=connection.organisation_id)  # fmt: skip
            await announce(self._bus)
        return len(new)

    async def change_point(self, connection_id: str, point_id: str, change: PointChange) -> PointView:
        """Change a point. Raises ``NotFound``, ``Invalid`` (address), ``Conflict``."""
        connection = await self._mine(connection_id)
        if change.address is not UNSET:
            self._catalogue.get(connection.kind).check_address(change.address)
        if change.scale == 0:
            raise invalid("A factor of zero makes every value the same.", "/scale")
        before = await asyncio.to_thread(self._store.get_point, connection_id, point_id)
        values = {key: value for key, value in structs.asdict(change).items() if value is not UNSET}
        made = await asyncio.to_thread(self._store.change_point, connection_id, point_id, values)
        note("point", point_id, f"{made.device}.{made.property}", before=before, after=made,
             organisation=connection.organisation_id)  # fmt: skip
        await announce(self._bus)
        return made

    async def remove_points(self, connection_id: str, point_ids: Sequence[str] | None) -> int:
        """Remove points, all without ``point_ids``; returns how many there were. Raises ``NotFound``."""
        connection = await self._mine(connection_id)
        removed = await asyncio.to_thread(self._store.remove_points, connection_id, point_ids)
        if removed:
            note("connection", connection_id, connection.name, after={"points_removed": removed},
                 organisation=connection.organisation_id)  # fmt: skip
            await announce(self._bus)
        return removed

    async def import_points(self, connection_id: str, data: bytes, *, dry_run: bool = False) -> PointReport:
        """Add the rows of a CSV file that can be; the report names the others. Raises ``NotFound``, ``Invalid``."""
        connection = await self.get(connection_id)
        rows = await asyncio.to_thread(read_points, data)
        good, refused = await asyncio.to_thread(self._check_rows, connection, rows)
        self._need_room(connection, len(good))
        if good and not dry_run:
            try:
                await self.add_points(connection_id, [each for _, each in good])
            except MillwrightError as error:
                if error.code != "connectors.property_taken":
                    raise
                taken = set(error.detail.get("properties", ()))
                refused += [
                    RefusedPoint(row=number, address=each.address, code=error.code, reason=error.message)
                    for number, each in good
                    if each.property in taken
                ]
                good = [(number, each) for number, each in good if each.property not in taken]
                if good:
                    await self.add_points(connection_id, [each for _, each in good])
        return PointReport(created=len(good), refused=sorted(refused, key=lambda each: each.row), dry_run=dry_run)

    def _check_rows(
        self, connection: FieldConnection, rows: Sequence[dict[str, Any]]
    ) -> tuple[builtins.list[tuple[int, NewPoint]], builtins.list[RefusedPoint]]:
        connector = self._catalogue.get(connection.kind)
        good: builtins.list[tuple[int, NewPoint]] = []
        refused: builtins.list[RefusedPoint] = []
        ids: dict[str, str] = {}
        seen: set[tuple[str, str]] = set()
        for number, row in enumerate(rows, 1):
            address = str(row.get("address", ""))
            try:
                point = point_of(row, self._device_id(str(row.get("device", "")), ids))
                connector.check_address(point.address)
                if (point.device_id, point.property) in seen:
                    raise invalid("An earlier row feeds this property.", "/property", code="connectors.property_taken")
                seen.add((point.device_id, point.property))
                good.append((number, point))
            except MillwrightError as error:
                refused.append(RefusedPoint(row=number, address=address, code=error.code, reason=error.message))
            except msgspec.ValidationError as error:
                refused.append(
                    RefusedPoint(row=number, address=address, code="connectors.import_row", reason=str(error))
                )
        return good, refused

    def _device_id(self, name: str, ids: dict[str, str]) -> str:
        if name not in ids:
            if name.startswith("dev_"):
                ids[name] = self._devices.get(name).id
            else:
                found = self._devices.find_by_name(name)
                if found is None:
                    raise not_found("device", name)
                ids[name] = found.id
        return ids[name]

    async def export_points(self, connection_id: str) -> AsyncIterator[str]:
        """The points as CSV that can be imported again. Raises ``NotFound``."""
        parts = write_points(self._iter_points(connection_id))
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part

    def _iter_points(self, connection_id: str) -> Iterator[PointView]:
        cursor: str | None = None
        while True:
            page = self._store.page(connection_id, cursor, _PAGE)
            yield from page.items
            cursor = page.next
            if cursor is None:
                return

    def _need_room(self, connection: FieldConnection, more: int) -> None:
        if connection.points + more > self._settings.points:
            raise too_many("points in one connection", self._settings.points, "points", section="connectors")

    def _need_reach(self, kind: str, settings: Mapping[str, Any]) -> None:
        """Raises ``Denied`` where the connection would reach what is not its organisation's to reach."""
        reads_files = self._catalogue.get(kind).kind.reads_files
        if current_scope().home != ROOT and kind != SIMULATOR:
            if not self._settings.enterprises:
                raise enterprises_closed(kind)
            if reads_files or settings.get("serial_port"):
                raise node_only(kind)
        if reads_files and self._keep_out is not None:
            for name, value in settings.items():
                if isinstance(value, str) and is_below(value, self._keep_out):
                    raise node_data(name)

    # --- field devices -----------------------------------------------------------------------------------------------

    async def test(self, draft: Draft) -> Tested:
        """Connect, and ask the other side who it is. Raises what kept it from answering."""
        host, ask = await self._ask("test", draft)
        return await host.test(ask)

    async def browse(self, asked: BrowseRequest) -> NodePage:
        """A page of what is below a node. Raises ``Unsupported`` where the protocol cannot."""
        host, ask = await self._ask("browse", asked)
        ask.parent, ask.cursor = asked.parent, asked.cursor
        return await host.browse(ask)

    async def read(self, asked: ReadRequest) -> builtins.list[ReadValue]:
        """Values now."""
        host, ask = await self._ask("read", asked)
        ask.addresses = list(asked.addresses)
        return await host.read(ask)

    async def discover(
        self, kind: str, timeout_s: float, edge_id: str | None = None, at: str = ""
    ) -> builtins.list[FoundPeer]:
        """Peers on the local network, of an edge where one is named, or at the addresses ``at`` of it. Raises
        ``Unsupported`` where the protocol cannot."""
        if edge_id is None:
            await asyncio.to_thread(self._need_reach, kind, {})
        return await (await self._host_at(edge_id)).discover(kind, timeout_s, at)

    async def health(self) -> builtins.list[ConnectionHealth]:
        """How each connection does, by name of the connection; of one at an edge as the edge said last."""
        known = await self.list()
        here = [each.id for each in known if each.edge_id in (None, self._store.here)]
        found = {each.connection_id: each for each in await self._host.health(here)}
        if len(here) < len(known):
            found |= await asyncio.to_thread(self._reported)
        return [
            found.get(each.id)
            or ConnectionHealth(connection_id=each.id, state="connecting" if each.enabled else "stopped")
            for each in known
        ]

    def _reported(self) -> dict[str, ConnectionHealth]:
        now_ms = self._clock.now_ms()
        return {
            key: said_by_edge(report, at_ms, now_ms)
            for key, (edge_id, report, at_ms) in self._store.reported().items()
            if edge_id != self._store.here and report is not None and at_ms is not None
        }

    async def live(self, connection_id: str) -> builtins.list[LiveValue]:
        """The newest values of a connection's points. Raises ``NotFound``."""
        connection = await self.get(connection_id)
        return await (await self._host_at(connection.edge_id)).live(connection_id)

    async def _host_at(self, edge_id: str | None) -> HostClient:
        return self._host if edge_id in (None, self._store.here) else await self._at_edges.host(edge_id or "")

    async def _ask(self, op: Operation, draft: Draft) -> tuple[HostClient, Ask]:
        edge_id, kind, settings = draft.edge_id, draft.kind, draft.settings
        if draft.connection_id is not None:
            connection = await self.get(draft.connection_id)
            if draft.kind not in (None, connection.kind):
                raise invalid("A connection's kind does not change.", "/kind")
            edge_id, kind = connection.edge_id, connection.kind
        elif kind is None:
            raise invalid("Name a connection, or a kind with its settings.", "/kind")
        else:
            settings = settings or {}
            await asyncio.to_thread(self._catalogue.convert, kind, settings)
        host = await self._host_at(edge_id)
        ask = Ask(op=op, connection_id=draft.connection_id, kind=draft.kind, settings=draft.settings)
        if settings is None:
            return host, ask
        if host is self._host:
            await asyncio.to_thread(self._need_reach, kind, settings)
        else:
            await asyncio.to_thread(self._seal, ask, edge_id or "", kind, settings)
        return host, ask

    def _seal(self, ask: Ask, edge_id: str, kind: str, settings: Mapping[str, Any]) -> None:
        """What is secret in a question to an edge passes the link so that the edge alone can open it."""
        names = self._catalogue.secrets(kind)
        secret = {key: value for key, value in settings.items() if key in names and value not in (None, "")}
        ask.settings = {key: value for key, value in settings.items() if key not in secret}
        ask.sealed = self._at_edges.seal(edge_id, ask.connection_id, secret) if secret else {}


def _row(point_id: str, connection_id: str, new: NewPoint) -> dict[str, Any]:
    return {"id": point_id, "connection_id": connection_id, **structs.asdict(new)}
