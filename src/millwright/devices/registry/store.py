"""Devices in the records."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from millwright.certificates import revoke_organisation, revoke_subject
from millwright.devices.errors import binding_taken, edge_revoked, in_use, invalid, name_taken, not_found, stale
from millwright.devices.names import key_of
from millwright.devices.places.store import paths
from millwright.devices.registry.addresses import (
    ForeignAddress,
    address_of,
    check_foreign,
    find_foreign,
    foreign_columns,
    foreign_free,
    refuse_taken,
)
from millwright.devices.registry.model import (
    NEVER,
    Device,
    DeviceCounts,
    DevicePage,
    DeviceQuery,
    NewDevice,
    PresenceState,
    SparkplugBinding,
)
from millwright.devices.registry.search import MAX_PAGE, conditions, decode_cursor, encode_cursor, searched
from millwright.devices.store import (
    bump,
    devices,
    edge_past,
    edges,
    home,
    model_versions,
    models,
    places,
    presence,
    removed,
    tags,
    upsert,
)
from millwright.engines.sql import Records
from millwright.kernel import ROOT
from millwright.parties import gone, organisation_path

_CHUNK = 500
_columns = [column for column in devices.c if column.name != "search"]
_select = sa.select(
    *_columns, presence.c.online, presence.c.since_ms, presence.c.last_seen_ms, presence.c.reason
).select_from(devices.outerjoin(presence))
_by_id = _select.where(devices.c.id == sa.bindparam("device_id"))
_profile = sa.select(
    devices.c.model_id,
    devices.c.model_version,
    devices.c.sparkplug_group,
    devices.c.sparkplug_edge,
    devices.c.organisation_id,
    devices.c.kind,
    devices.c.registers,
    devices.c.foreign_dialect,
    devices.c.foreign_realm,
    devices.c.foreign_name,
    devices.c.parent_id,
    devices.c.disabled,
).where(devices.c.id == sa.bindparam("device_id"))


class Profile(NamedTuple):
    """What decoding needs of a device."""

    model_id: str | None
    model_version: int | None
    group_id: str | None
    edge_node_id: str | None
    organisation_id: str
    kind: str
    registers: bool
    dialect: str | None
    realm: str | None
    foreign_name: str | None
    parent_id: str | None
    disabled: bool


class DeviceStore:
    """Reads and writes devices; every method is one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, device_id: str) -> Device:
        """One device. Raises ``NotFound`` (``devices.device_unknown``)."""
        with self._records.read() as connection:
            return _get(connection, device_id)

    def find_profile(self, device_id: str) -> Profile | None:
        """What decoding needs of a device, or ``None``; a short read."""
        with self._records.read() as connection:
            row = connection.execute(_profile, {"device_id": device_id}).one_or_none()
            return Profile._make(row) if row else None

    def find_by_name(self, name: str) -> Device | None:
        """The device with this name, without case; ``None`` also when several organisations have one."""
        with self._records.read() as connection:
            rows = connection.execute(_select.where(devices.c.name_key == key_of(name)).limit(2)).all()
            return _devices(connection, rows)[0] if len(rows) == 1 else None

    def has_name(self, name: str, organisation_id: str) -> bool:
        """Whether a device of this organisation has the name, without case."""
        with self._records.read() as connection:
            return _named(connection, name, organisation_id) is not None

    def known(self, device_ids: Collection[str]) -> dict[str, str]:
        """The organisations of those of the devices that are, or were, registered."""
        found: dict[str, str] = {}
        wanted = sorted(set(device_ids))
        with self._records.read() as connection:
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                for table in (devices, removed):
                    rows = connection.execute(
                        sa.select(table.c.id, table.c.organisation_id).where(table.c.id.in_(chunk))
                    )
                    found.update({row.id: row.organisation_id for row in rows})
        return found

    def registered(self, device_ids: Collection[str]) -> set[str]:
        """Those of the devices that are registered."""
        return self._those(device_ids, sa.true())

    def enabled(self, device_ids: Collection[str]) -> set[str]:
        """Those of the devices that are registered and not disabled."""
        return self._those(device_ids, sa.not_(devices.c.disabled))

    def _those(self, device_ids: Collection[str], condition: sa.ColumnElement[bool]) -> set[str]:
        found: set[str] = set()
        wanted = sorted(set(device_ids))
        with self._records.read() as connection:
            for start in range(0, len(wanted), _CHUNK):
                chosen = devices.c.id.in_(wanted[start : start + _CHUNK]), condition
                found.update(connection.execute(sa.select(devices.c.id).where(*chosen)).scalars())
        return found

    def find_sparkplug(self, binding: SparkplugBinding) -> Device | None:
        """The device bound to this Sparkplug address."""
        with self._records.read() as connection:
            row = connection.execute(_select.where(*_bound(binding))).one_or_none()
            return _devices(connection, [row])[0] if row else None

    def find_foreign(self, organisation_id: str, dialect: str, realm: str, name: str) -> tuple[str, str | None] | None:
        """Id and parent of the device with this address in an organisation; a short read."""
        with self._records.read() as connection:
            row = find_foreign(connection, organisation_id, dialect, realm, name)
            return (row.id, row.parent_id) if row else None

    def count_below(self, parent_id: str) -> int:
        """How many devices are below an edge node or gateway."""
        with self._records.read() as connection:
            return int(connection.scalar(_below(parent_id)) or 0)

    def list(self, query: DeviceQuery, cursor: str | None, limit: int) -> DevicePage:
        """A page by name. Raises ``Invalid`` for a foreign cursor."""
        limit = max(1, min(limit, MAX_PAGE))
        statement = _select.order_by(devices.c.name_key, devices.c.id).limit(limit + 1)
        if cursor:
            name_key, device_id = decode_cursor(cursor)
            statement = statement.where(
                sa.tuple_(devices.c.name_key, devices.c.id) > sa.tuple_(sa.literal(name_key), sa.literal(device_id))
            )
        with self._records.read() as connection:
            rows = connection.execute(statement.where(*conditions(connection, query))).all()
            items = _devices(connection, rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return DevicePage(items=items, next=encode_cursor(last.name_key, last.id) if last else None)

    def iter(self, query: DeviceQuery, page: int = MAX_PAGE) -> Iterator[Device]:
        """Every device that fits, by name, read a page at a time."""
        cursor: str | None = None
        while True:
            found = self.list(query, cursor, page)
            yield from found.items
            cursor = found.next
            if cursor is None:
                return

    def count(self) -> DeviceCounts:
        """How many devices there are, by presence."""
        with self._records.read() as connection:
            total = int(connection.scalar(sa.select(sa.func.count()).select_from(devices)) or 0)
            counted = connection.execute(sa.select(presence.c.online, sa.func.count()).group_by(presence.c.online))
            by_state: dict[bool, int] = {bool(online): count for online, count in counted}
        online, offline = by_state.get(True, 0), by_state.get(False, 0)
        return DeviceCounts(total=total, online=online, offline=offline, never=total - online - offline)

    def owners(self) -> dict[str, str]:
        """The organisation of every device, registered or removed, that does not belong to the root."""
        with self._records.read() as connection:
            return {
                row.id: row.organisation_id
                for table in (removed, devices)
                for row in connection.execute(
                    sa.select(table.c.id, table.c.organisation_id).where(table.c.organisation_id != ROOT)
                )
            }

    def organisations_above(self, organisation_id: str) -> tuple[str, ...]:
        """An organisation with those above it, the topmost first."""
        with self._records.read() as connection:
            return tuple(organisation_path(connection, organisation_id))

    def orphans(self) -> builtins.list[str]:
        """The devices that were registered in organisations that are gone."""
        with self._records.read() as connection:
            return builtins.list(
                connection.execute(sa.select(removed.c.id).where(gone(removed.c.organisation_id))).scalars()
            )

    def names(self, device_ids: Sequence[str]) -> dict[str, str]:
        """The names of those of the devices that exist."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(devices.c.id, devices.c.name).where(devices.c.id.in_(device_ids)))
            return {row.id: row.name for row in rows}

    def insert(self, device_id: str, new: NewDevice, now_ms: int) -> Device:
        """Register a checked device. Raises ``NotFound`` (model, place, parent), ``Conflict`` (name, address)."""
        with self._records.begin() as connection:
            insert_device(connection, device_id, new, now_ms)
            bump(connection)
            return _get(connection, device_id)

    def update(self, device_id: str, changes: dict[str, Any], expected: int | None) -> Device:
        """Change columns of a device; ``expected`` is the revision the caller knows, if it cares.

        Raises ``NotFound``, ``Invalid`` or ``Conflict`` (stale, name, address).
        """
        with self._records.begin() as connection:
            row = (
                connection.execute(sa.select(devices).where(devices.c.id == device_id).with_for_update())
                .mappings()
                .one_or_none()
            )
            if row is None:
                raise not_found("device", device_id)
            if expected is not None and expected != row["revision"]:
                raise stale(device_id, row["revision"])
            _apply(connection, dict(row), changes)
            bump(connection)
            return _get(connection, device_id)

    def delete(self, device_id: str, expected: int | None, now_ms: int = 0) -> None:
        """Remove a device with its credentials, properties and presence; its certificates are revoked. That it was
        there is kept, for its history.

        Raises ``NotFound``, or ``Conflict`` while Sparkplug devices are below it or when ``expected`` is stale.
        """
        with self._records.begin() as connection:
            row = connection.execute(
                sa.select(devices.c.revision, devices.c.name, devices.c.organisation_id).where(
                    devices.c.id == device_id
                )
            ).one_or_none()
            if row is None:
                raise not_found("device", device_id)
            current = row.revision
            if expected is not None and expected != current:
                raise stale(device_id, current)
            children = connection.scalar(_below(device_id))
            if children:
                raise in_use("device", device_id, {"devices": int(children)})
            revoke_subject(connection, "device", device_id, now_ms, "cessation_of_operation")
            connection.execute(sa.delete(devices).where(devices.c.id == device_id))
            kept = {"id": device_id, "name": row.name, "removed_ms": now_ms, "organisation_id": row.organisation_id}
            connection.execute(sa.insert(removed).values(**kept))
            bump(connection)


def remove_all(connection: sa.Connection, organisation_id: str, now_ms: int) -> None:
    """Note every device of an organisation that is about to go as removed, in the caller's transaction.

    Their certificates are revoked.
    """
    revoke_organisation(connection, organisation_id, now_ms)
    rows = connection.execute(
        sa.select(devices.c.id, devices.c.name, devices.c.organisation_id).where(
            devices.c.organisation_id == organisation_id
        )
    ).all()
    if rows:
        connection.execute(sa.insert(removed), [{**row._mapping, "removed_ms": now_ms} for row in rows])
    bump(connection)


def insert_device(connection: sa.Connection, device_id: str, new: NewDevice, now_ms: int) -> None:
    """Add a checked device in the caller's transaction; the caller counts the change.

    It belongs to the organisation of its edge node or place; else to the home of the scope at hand.
    """
    organisation_id = _owner(connection, new) or home()
    if _named(connection, new.name, organisation_id) is not None:
        raise name_taken("device", new.name)
    _refuse_binding(connection, device_id, new.sparkplug)
    refuse_taken(connection, device_id, organisation_id, new.address, new.parent_id)
    if new.kind == "gateway_device":
        gateway = sa.select(devices.c.kind).where(devices.c.id == new.parent_id)
        if connection.scalar(gateway) != "gateway":
            raise invalid("The parent is no gateway.", "/parent_id")
    elif new.parent_id is not None:
        parent = connection.execute(sa.select(devices).where(devices.c.id == new.parent_id)).mappings().one_or_none()
        if parent is None or new.sparkplug is None:
            raise not_found("device", new.parent_id)
        edge = (parent["kind"], parent["sparkplug_group"], parent["sparkplug_edge"])
        if edge != ("sparkplug_edge", new.sparkplug.group_id, new.sparkplug.edge_node_id):
            raise invalid("The parent is not the edge node of this Sparkplug address.", "/parent_id")
    version = model_version(connection, new.model_id, new.model_version, organisation_id)
    _need_place(connection, new.place_id, organisation_id)
    need_edge(connection, new.edge_id, organisation_id)
    values = values_of(device_id, new, version, now_ms, organisation_id)
    with _sparkplug_free(new.sparkplug), foreign_free(new.address):
        connection.execute(sa.insert(devices).values(**values))
    if new.tags:
        connection.execute(sa.insert(tags), [{"tag": tag, "device_id": device_id} for tag in new.tags])


def values_of(device_id: str, new: NewDevice, version: int | None, now_ms: int, organisation_id: str) -> dict[str, Any]:
    """The row of a new device."""
    return {
        "id": device_id,
        "organisation_id": organisation_id,
        "name": new.name,
        "name_key": key_of(new.name),
        "title": new.title,
        "search": searched(new.name, new.title, new.tags),
        "tags": list(new.tags),
        "kind": new.kind,
        "model_id": new.model_id,
        "model_version": version,
        "place_id": new.place_id,
        "parent_id": new.parent_id,
        **binding_columns(new.sparkplug),
        **foreign_columns(new.address, new.parent_id),
        "registers": new.registers and new.kind == "gateway",
        "disabled": new.disabled,
        "created_ms": now_ms,
        "revision": 1,
        "edge_id": new.edge_id,
    }


def binding_columns(binding: SparkplugBinding | None) -> dict[str, str | None]:
    """A Sparkplug address as columns; an edge node's device is the empty text, so that the index keeps it unique."""
    return {
        "sparkplug_group": binding.group_id if binding else None,
        "sparkplug_edge": binding.edge_node_id if binding else None,
        "sparkplug_device": (binding.device_id or "") if binding else None,
    }


def _apply(connection: sa.Connection, row: dict[str, Any], changes: dict[str, Any]) -> None:
    device_id = row["id"]
    if "name" in changes:
        key = key_of(changes["name"])
        same = _named(connection, changes["name"], row["organisation_id"])
        if same not in (None, device_id):
            raise name_taken("device", changes["name"])
        row["name_key"] = key
    if "sparkplug" in changes:
        row |= _rebind(connection, row, changes.pop("sparkplug"))
    if "kind" in changes:
        row |= _turn(connection, row, changes.pop("kind"))
    if "address" in changes:
        row |= _readdress(connection, row, changes.pop("address"))
    if changes.get("registers") and row["kind"] != "gateway":
        raise invalid("Only a gateway registers devices.", "/registers")
    if "place_id" in changes:
        _need_place(connection, changes["place_id"], row["organisation_id"])
    if "edge_id" in changes and changes["edge_id"] != row["edge_id"]:
        need_edge(connection, changes["edge_id"], row["organisation_id"])
        if row["edge_id"] is not None:
            upsert(connection, edge_past, [{"edge_id": row["edge_id"], "device_id": device_id}])
    if "model_id" in changes or "model_version" in changes:
        wanted = changes.get("model_id", row["model_id"])
        changes["model_version"] = model_version(
            connection, wanted, changes.get("model_version"), row["organisation_id"]
        )
    if "tags" in changes:
        connection.execute(sa.delete(tags).where(tags.c.device_id == device_id))
        if changes["tags"]:
            connection.execute(sa.insert(tags), [{"tag": tag, "device_id": device_id} for tag in changes["tags"]])
        changes["tags"] = list(changes["tags"])
    row |= changes
    row["search"] = searched(row["name"], row["title"], row["tags"])
    row["revision"] += 1
    with _sparkplug_free(_binding_of(row)), foreign_free(address_of(row)):
        connection.execute(sa.update(devices).where(devices.c.id == device_id).values(**row))


def _rebind(connection: sa.Connection, row: dict[str, Any], binding: SparkplugBinding | None) -> dict[str, Any]:
    """The columns of a new Sparkplug address; devices below an edge node follow it."""
    device_id = row["id"]
    children = _below(device_id)
    if row["kind"] in ("gateway", "gateway_device"):
        if binding is None:
            return {}
        raise invalid("A gateway or a device of one is no edge node; make it a plain device first.", "/sparkplug")
    if row["kind"] == "sparkplug_device":
        own = (row["sparkplug_group"], row["sparkplug_edge"])
        if binding is None or (binding.group_id, binding.edge_node_id) != own or not binding.device_id:
            raise invalid("A Sparkplug device stays below its edge node; only its device_id can change.", "/sparkplug")
        _refuse_binding(connection, device_id, binding)
        return binding_columns(binding)
    if binding is None:
        if connection.scalar(children):
            raise in_use("device", device_id, {"devices": int(connection.scalar(children) or 0)})
        return {"kind": "device", **binding_columns(None)}
    if binding.device_id is not None:
        raise invalid("An edge node's address has no device_id.", "/sparkplug/device_id")
    _refuse_binding(connection, device_id, binding)
    connection.execute(
        sa.update(devices)
        .where(devices.c.parent_id == device_id)
        .values(
            sparkplug_group=binding.group_id,
            sparkplug_edge=binding.edge_node_id,
            revision=devices.c.revision + 1,
        )
    )
    return {"kind": "sparkplug_edge", **binding_columns(binding)}


def _turn(connection: sa.Connection, row: dict[str, Any], kind: str) -> dict[str, Any]:
    """The columns of a plain device that becomes a gateway, or the other way round."""
    if row["kind"] == kind:
        return {}
    if row["kind"] not in ("device", "gateway"):
        raise invalid("Only a plain device becomes a gateway, and a gateway a plain device.", "/kind")
    below = int(connection.scalar(_below(row["id"])) or 0)
    if below:
        raise in_use("device", row["id"], {"devices": below})
    return {"kind": kind, "registers": kind == "gateway"}


def _readdress(connection: sa.Connection, row: dict[str, Any], address: ForeignAddress | None) -> dict[str, Any]:
    """The columns of a new name on another platform."""
    if address is not None:
        check_foreign(address, row["kind"], "/address")
        refuse_taken(connection, row["id"], row["organisation_id"], address, row["parent_id"])
    elif row["kind"] == "gateway_device":
        raise invalid("A gateway's device keeps an address: its gateway names it by that.", "/address")
    return foreign_columns(address, row["parent_id"])


def _below(parent_id: str) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(devices).where(devices.c.parent_id == parent_id)


def _bound(binding: SparkplugBinding) -> list[sa.ColumnElement[bool]]:
    return [devices.c[name] == value for name, value in binding_columns(binding).items()]


def _refuse_binding(connection: sa.Connection, device_id: str, binding: SparkplugBinding | None) -> None:
    if binding is None:
        return
    taken = sa.select(devices.c.id).where(*_bound(binding), devices.c.id != device_id)
    if connection.scalar(taken) is not None:
        raise binding_taken(binding.group_id, binding.edge_node_id, binding.device_id)


@contextmanager
def _sparkplug_free(binding: SparkplugBinding | None) -> Iterator[None]:
    """A Sparkplug address is one in the node's whole topic space: another organisation may have it, unseen."""
    try:
        yield
    except IntegrityError as error:
        if binding is None:
            raise
        raise binding_taken(binding.group_id, binding.edge_node_id, binding.device_id) from error


def _named(connection: sa.Connection, name: str, organisation_id: str) -> str | None:
    found: str | None = connection.scalar(
        sa.select(devices.c.id).where(devices.c.name_key == key_of(name), devices.c.organisation_id == organisation_id)
    )
    return found


def _owner(connection: sa.Connection, new: NewDevice) -> str | None:
    for table, key in ((devices, new.parent_id), (places, new.place_id)):
        if key is not None:
            found: str | None = connection.scalar(sa.select(table.c.organisation_id).where(table.c.id == key))
            if found is not None:
                return found
    return None


def model_version(
    connection: sa.Connection, model_id: str | None, version: int | None, organisation_id: str
) -> int | None:
    """The version of a model that a device is to follow: the one asked for, or the newest. Raises ``NotFound``."""
    if model_id is None:
        if version is not None:
            raise invalid("A model version needs a model.", "/model_version")
        return None
    row = connection.execute(
        sa.select(models.c.version, models.c.organisation_id).where(models.c.id == model_id)
    ).one_or_none()
    if row is None or row.organisation_id not in organisation_path(connection, organisation_id):
        raise not_found("model", model_id)
    if version is None:
        return int(row.version)
    exists = sa.select(model_versions.c.version).where(
        model_versions.c.model_id == model_id, model_versions.c.version == version
    )
    if connection.scalar(exists) is None:
        raise not_found("model", f"{model_id} in version {version}")
    return version


def _need_place(connection: sa.Connection, place_id: str | None, organisation_id: str) -> None:
    mine = sa.select(places.c.id).where(places.c.id == place_id, places.c.organisation_id == organisation_id)
    if place_id is not None and connection.scalar(mine) is None:
        raise not_found("place", place_id)


def need_edge(connection: sa.Connection, edge_id: str | None, organisation_id: str) -> None:
    """An edge of the device's organisation or of one above it: whoever has the edge reads what the device says."""
    if edge_id is None:
        return
    query = sa.select(edges.c.revoked_ms, edges.c.organisation_id).where(edges.c.id == edge_id)
    row = connection.execute(query).one_or_none()
    if row is None or row.organisation_id not in organisation_path(connection, organisation_id):
        raise not_found("edge", edge_id)
    if row.revoked_ms is not None:
        raise edge_revoked(edge_id)


def _get(connection: sa.Connection, device_id: str) -> Device:
    row = connection.execute(_by_id, {"device_id": device_id}).one_or_none()
    if row is None:
        raise not_found("device", device_id)
    return _devices(connection, [row])[0]


def _devices(connection: sa.Connection, rows: Sequence[Any]) -> list[Device]:
    located = paths(connection, {row.place_id for row in rows if row.place_id})
    return [_device(row, located.get(row.place_id)) for row in rows]


def _binding_of(row: Any) -> SparkplugBinding | None:
    group = row["sparkplug_group"]
    if group is None:
        return None
    return SparkplugBinding(
        group_id=group, edge_node_id=row["sparkplug_edge"], device_id=row["sparkplug_device"] or None
    )


def _device(row: Any, place_path: str | None) -> Device:
    return Device(
        id=row.id,
        name=row.name,
        title=row.title,
        model_id=row.model_id,
        model_version=row.model_version,
        place_id=row.place_id,
        place_path=place_path,
        tags=tuple(row.tags),
        kind=row.kind,
        parent_id=row.parent_id,
        sparkplug=_binding_of(row._mapping),
        disabled=row.disabled,
        presence=NEVER
        if row.since_ms is None
        else PresenceState(online=row.online, since_ms=row.since_ms, last_seen_ms=row.last_seen_ms, reason=row.reason),
        created_ms=row.created_ms,
        revision=row.revision,
        organisation_id=row.organisation_id,
        address=address_of(row._mapping),
        registers=row.registers,
        edge_id=row.edge_id,
    )
