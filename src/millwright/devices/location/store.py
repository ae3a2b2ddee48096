"""Plans, zones, readers and tags in the records; every method is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from millwright.devices.errors import not_found
from millwright.devices.location import errors
from millwright.devices.location.layout import ANY_ANTENNA, ReaderSpec, ZoneSpec
from millwright.devices.location.model import (
    FloorPlan,
    KnownTag,
    NewFloorPlan,
    NewZone,
    Reader,
    ReaderForm,
    TagForm,
    Zone,
)
from millwright.devices.location.settings import LocationSettings
from millwright.devices.location.states import ReaderState
from millwright.devices.location.tables import bump, plans, reader_states, readers, revision, stays, tags, zones
from millwright.devices.names import key_of
from millwright.devices.store import devices, home, places, upsert
from millwright.engines.sql import Records
from millwright.kernel import ROOT
from millwright.parties import active

_IN_DOCUMENT = (
    "antennas",
    "polygon",
    "z_min_m",
    "z_max_m",
    "enter_s",
    "enter_reads",
    "exit_s",
    "absent_s",
    "dwell_s",
    "margin_m",
    "margin_db",
    "exclusive",
)
_PLAN = [column for column in plans.c if column.name != "image"]


class LocationStore:
    """Reads and writes what people set up."""

    def __init__(self, records: Records, settings: LocationSettings | None = None) -> None:
        self._records, self._settings = records, settings or LocationSettings()

    def revision(self) -> int:
        """The counter of changes."""
        with self._records.read() as connection:
            return revision(connection)

    def wanted(self) -> bool:
        """Whether any organisation that is active has a reader: then the tracker is to run."""
        with self._records.read() as connection:
            query = sa.select(readers.c.device_id).where(active(readers.c.organisation_id)).limit(1)
            return connection.scalar(query) is not None

    # --- plans -------------------------------------------------------------------------------------------------------

    def plans(self) -> list[FloorPlan]:
        """Every plan by name."""
        with self._records.read() as connection:
            return [_plan(row) for row in connection.execute(sa.select(*_PLAN).order_by(plans.c.name_key))]

    def plan(self, plan_id: str) -> FloorPlan:
        """One plan. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _plan(_row(connection, "plan", sa.select(*_PLAN).where(plans.c.id == plan_id), plan_id))

    def add_plan(self, plan_id: str, new: NewFloorPlan) -> FloorPlan:
        """Add a plan. Raises ``NotFound`` (place), ``Conflict`` (name)."""
        with self._records.begin() as connection:
            owner = _owner_of_place(connection, new.place_id) or home()
            _refuse_name(connection, "plan", plans, new.name, owner, plan_id)
            values = msgspec.structs.asdict(new)
            connection.execute(
                sa.insert(plans).values(
                    id=plan_id, name_key=key_of(new.name), revision=1, organisation_id=owner, **values
                )
            )
        return self.plan(plan_id)

    def change_plan(self, plan_id: str, new: NewFloorPlan, expected: int | None) -> FloorPlan:
        """Put ``new`` in the plan's place; its picture stays. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        with self._records.begin() as connection:
            row = _row(connection, "plan", sa.select(*_PLAN).where(plans.c.id == plan_id), plan_id)
            _check_revision("plan", row.revision, expected)
            _owner_of_place(connection, new.place_id)
            _refuse_name(connection, "plan", plans, new.name, row.organisation_id, plan_id)
            values = msgspec.structs.asdict(new) | {"name_key": key_of(new.name), "revision": row.revision + 1}
            connection.execute(sa.update(plans).where(plans.c.id == plan_id).values(**values))
        return self.plan(plan_id)

    def picture(self, plan_id: str) -> tuple[bytes, str] | None:
        """The plan's picture and its type, if it has one. Raises ``NotFound``."""
        with self._records.read() as connection:
            query = sa.select(plans.c.image, plans.c.image_type).where(plans.c.id == plan_id)
            row = _row(connection, "plan", query, plan_id)
            return None if row.image is None else (bytes(row.image), str(row.image_type))

    def set_picture(self, plan_id: str, image: bytes, image_type: str) -> FloorPlan:
        """Give the plan a picture. Raises ``NotFound``."""
        with self._records.begin() as connection:
            row = _row(connection, "plan", sa.select(*_PLAN).where(plans.c.id == plan_id), plan_id)
            values = {"image": image, "image_type": image_type, "revision": row.revision + 1}
            connection.execute(sa.update(plans).where(plans.c.id == plan_id).values(**values))
        return self.plan(plan_id)

    def delete_plan(self, plan_id: str) -> FloorPlan:
        """Remove a plan that nothing is on. Raises ``NotFound``, ``Conflict`` (``location.plan_in_use``)."""
        with self._records.begin() as connection:
            row = _row(connection, "plan", sa.select(*_PLAN).where(plans.c.id == plan_id), plan_id)
            drawn = connection.scalar(sa.select(sa.func.count()).where(zones.c.plan_id == plan_id)) or 0
            hung = connection.scalar(sa.select(sa.func.count()).where(readers.c.plan_id == plan_id)) or 0
            if drawn or hung:
                raise errors.plan_in_use(plan_id, int(drawn), int(hung))
            connection.execute(sa.delete(plans).where(plans.c.id == plan_id))
            return _plan(row)

    # --- zones -------------------------------------------------------------------------------------------------------

    def zones(self) -> list[Zone]:
        """Every zone by name, with how many tags are in it."""
        with self._records.read() as connection:
            rows = connection.execute(sa.select(zones).order_by(zones.c.name_key)).all()
            counted = connection.execute(sa.select(stays.c.zone_id, sa.func.count()).group_by(stays.c.zone_id))
            inside: dict[str, int] = {row[0]: row[1] for row in counted}
            certain = _certainty(connection, rows)
        return [_zone(row, inside.get(row.id, 0), certain[row.id]) for row in rows]

    def zone(self, zone_id: str) -> Zone:
        """One zone. Raises ``NotFound``."""
        with self._records.read() as connection:
            row = _row(connection, "zone", sa.select(zones).where(zones.c.id == zone_id), zone_id)
            inside = connection.scalar(sa.select(sa.func.count()).where(stays.c.zone_id == zone_id)) or 0
            return _zone(row, int(inside), _certainty(connection, [row])[zone_id])

    def add_zone(self, zone_id: str, new: NewZone) -> Zone:
        """Add a zone. Raises ``NotFound`` (place, plan, device), ``Conflict`` (name), ``LimitExceeded``."""
        with self._records.begin() as connection:
            owner = _owner_of_zone(connection, new)
            if count_of(connection, zones, owner) >= self._settings.most_zones:
                raise errors.too_many("zones", self._settings.most_zones)
            _refuse_name(connection, "zone", zones, new.name, owner, zone_id)
            connection.execute(
                sa.insert(zones).values(id=zone_id, revision=1, organisation_id=owner, **_zone_values(new))
            )
            bump(connection)
        return self.zone(zone_id)

    def change_zone(self, zone_id: str, new: NewZone, expected: int | None) -> Zone:
        """Put ``new`` in the zone's place. Raises ``NotFound``, ``Conflict``, ``Outdated``."""
        with self._records.begin() as connection:
            row = _row(connection, "zone", sa.select(zones).where(zones.c.id == zone_id), zone_id)
            _check_revision("zone", row.revision, expected)
            _owner_of_zone(connection, new)
            _refuse_name(connection, "zone", zones, new.name, row.organisation_id, zone_id)
            values = _zone_values(new) | {"revision": row.revision + 1}
            connection.execute(sa.update(zones).where(zones.c.id == zone_id).values(**values))
            bump(connection)
        return self.zone(zone_id)

    def delete_zone(self, zone_id: str) -> Zone:
        """Remove a zone; its events stay. Raises ``NotFound``."""
        zone = self.zone(zone_id)
        with self._records.begin() as connection:
            connection.execute(sa.delete(zones).where(zones.c.id == zone_id))
            bump(connection)
        return zone

    # --- readers -----------------------------------------------------------------------------------------------------

    def readers(self) -> list[Reader]:
        """Every reader by the name of its device."""
        with self._records.read() as connection:
            return [_reader(row) for row in connection.execute(_READERS.order_by(devices.c.name_key))]

    def reader(self, device_id: str) -> Reader:
        """One reader. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _reader(_row(connection, "reader", _READERS.where(readers.c.device_id == device_id), device_id))

    def set_reader(self, device_id: str, form: ReaderForm, now_ms: int) -> Reader:
        """Let a device be a reader, or change how it is one. Raises ``NotFound`` (device, plan)."""
        with self._records.begin() as connection:
            owner = _owner_of_device(connection, device_id)
            if form.plan_id is not None:
                _row(connection, "plan", sa.select(plans.c.id).where(plans.c.id == form.plan_id), form.plan_id)
            values = {
                "device_id": device_id,
                "plan_id": form.plan_id,
                "document": msgspec.to_builtins(form),
                "created_ms": now_ms,
                "organisation_id": owner,
            }
            known = connection.scalar(sa.select(readers.c.device_id).where(readers.c.device_id == device_id))
            if known is None:
                connection.execute(sa.insert(readers).values(**values))
            else:
                del values["created_ms"], values["organisation_id"]
                connection.execute(sa.update(readers).where(readers.c.device_id == device_id).values(**values))
            bump(connection)
        return self.reader(device_id)

    def delete_reader(self, device_id: str) -> Reader:
        """Let a device be no reader any more. Raises ``NotFound``."""
        reader = self.reader(device_id)
        with self._records.begin() as connection:
            connection.execute(sa.delete(readers).where(readers.c.device_id == device_id))
            connection.execute(sa.delete(reader_states).where(reader_states.c.device_id == device_id))
            bump(connection)
        return reader

    # --- tags --------------------------------------------------------------------------------------------------------

    def tags(self) -> list[KnownTag]:
        """Every tag that something is known of, by its own name."""
        with self._records.read() as connection:
            return [_tag(row) for row in connection.execute(sa.select(tags).order_by(tags.c.tag))]

    def tag(self, tag: str) -> KnownTag:
        """One. Raises ``NotFound``."""
        with self._records.read() as connection:
            return _tag(_row(connection, "tag", sa.select(tags).where(tags.c.tag == tag).limit(1), tag))

    def set_tags(self, rows: Sequence[tuple[str, TagForm]]) -> None:
        """Write down what tags are fixed to; all or nothing. Raises ``NotFound`` (device), ``LimitExceeded``."""
        with self._records.begin() as connection:
            values: dict[tuple[str, str], dict[str, Any]] = {}
            for tag, form in rows:
                owner = home() if form.device_id is None else _owner_of_device(connection, form.device_id)
                values[owner, tag] = {"organisation_id": owner, "tag": tag, **msgspec.structs.asdict(form)}
            owners = {owner for owner, _ in values}
            before = {owner: count_of(connection, tags, owner) for owner in owners}
            columns = ("name", "group", "device_id", "identifier")
            upsert(connection, tags, list(values.values()), update=columns)
            for owner in owners:
                if count_of(connection, tags, owner) > max(before[owner], self._settings.most_tags):
                    raise errors.too_many("tags", self._settings.most_tags)
            bump(connection)

    def delete_tag(self, tag: str) -> KnownTag:
        """Forget what is known of a tag; it is followed all the same. Raises ``NotFound``."""
        found = self.tag(tag)
        with self._records.begin() as connection:
            connection.execute(
                sa.delete(tags).where(tags.c.tag == tag, tags.c.organisation_id == found.organisation_id)
            )
            bump(connection)
        return found

    # --- for the tracker ---------------------------------------------------------------------------------------------

    def specs(self) -> tuple[int, list[ReaderSpec], list[ZoneSpec]]:
        """The counter, and every reader and zone of organisations that are active."""
        with self._records.read() as connection:
            at = revision(connection)
            found = connection.execute(sa.select(readers).where(active(readers.c.organisation_id)))
            drawn = connection.execute(sa.select(zones).where(active(zones.c.organisation_id)))
            return at, [_reader_spec(row) for row in found], [_zone_spec(row) for row in drawn]


_READERS = sa.select(
    readers.c.device_id,
    readers.c.document,
    readers.c.organisation_id,
    devices.c.name.label("device"),
    reader_states.c.state,
).select_from(
    readers.join(devices, devices.c.id == readers.c.device_id).outerjoin(
        reader_states, reader_states.c.device_id == readers.c.device_id
    )
)


def _row(connection: sa.Connection, what: str, query: sa.Select[Any], key: str) -> Any:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise errors.unknown(what, key)
    return row


def count_of(connection: sa.Connection, table: sa.Table, organisation_id: str) -> int:
    """How many rows of a table an organisation has."""
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.organisation_id == organisation_id)
    return int(connection.scalar(counted) or 0)


def _check_revision(what: str, current: int, expected: int | None) -> None:
    if expected is not None and expected != current:
        raise errors.stale(what, current)


def _refuse_name(
    connection: sa.Connection, what: str, table: sa.Table, name: str, organisation_id: str, own_id: str
) -> None:
    same = sa.select(table.c.id).where(
        table.c.name_key == key_of(name), table.c.organisation_id == organisation_id, table.c.id != own_id
    )
    if connection.scalar(same) is not None:
        raise errors.name_taken(what, name)


def _owner_of_place(connection: sa.Connection, place_id: str | None) -> str | None:
    if place_id is None:
        return None
    found: str | None = connection.scalar(sa.select(places.c.organisation_id).where(places.c.id == place_id))
    if found is None:
        raise not_found("place", place_id)
    return found


def _owner_of_device(connection: sa.Connection, device_id: str) -> str:
    found: str | None = connection.scalar(sa.select(devices.c.organisation_id).where(devices.c.id == device_id))
    if found is None:
        raise not_found("device", device_id)
    return found


def _owner_of_zone(connection: sa.Connection, new: NewZone) -> str:
    """Of its plan, else of its place, else of its first antenna. All of them must be there."""
    owners: list[str] = []
    if new.plan_id is not None:
        query = sa.select(plans.c.organisation_id).where(plans.c.id == new.plan_id)
        owners.append(_row(connection, "plan", query, new.plan_id).organisation_id)
    owner = _owner_of_place(connection, new.place_id)
    if owner is not None:
        owners.append(owner)
    named = dict.fromkeys(antenna.device_id for antenna in new.antennas)
    owners += [_owner_of_device(connection, device_id) for device_id in named]
    return owners[0] if owners else home()


def _zone_values(new: NewZone) -> dict[str, Any]:
    document = msgspec.to_builtins(new)
    return {
        "name": new.name,
        "name_key": key_of(new.name),
        "place_id": new.place_id,
        "plan_id": new.plan_id,
        "document": {name: document[name] for name in _IN_DOCUMENT},
    }


def _plan(row: Any) -> FloorPlan:
    values = {name: value for name, value in row._mapping.items() if name != "name_key"}
    return FloorPlan(**values)


def _zone(row: Any, inside: int, certain: bool) -> Zone:
    return msgspec.convert(
        {
            **row.document,
            "id": row.id,
            "name": row.name,
            "place_id": row.place_id,
            "plan_id": row.plan_id,
            "revision": row.revision,
            "organisation_id": row.organisation_id,
            "inside": inside,
            "certain": certain,
        },
        Zone,
    )


def _certainty(connection: sa.Connection, rows: Sequence[Any]) -> dict[str, bool]:
    """Whether every reader of each zone is heard, as the tracker wrote it down last."""
    query = sa.select(readers.c.device_id, readers.c.plan_id, reader_states.c.state).select_from(
        readers.outerjoin(reader_states, reader_states.c.device_id == readers.c.device_id)
    )
    found = {row.device_id: row for row in connection.execute(query)}
    well: dict[str, bool] = {}
    for row in rows:
        antennas = row.document["antennas"]
        if antennas:
            used = [(each["device_id"], each["antenna"]) for each in antennas if each["device_id"] in found]
        else:
            used = [(each.device_id, None) for each in found.values() if each.plan_id == row.plan_id]
        well[row.id] = bool(used) and all(
            _sees(found[device_id].state, antenna, whole=not antennas) for device_id, antenna in used
        )
    return well


def _sees(state: Any, antenna: int | None, *, whole: bool) -> bool:
    if state is None or state["lost"] or not state["heard_ms"]:
        return False
    down = [] if whole else state["antennas_down"]
    return not down if antenna is None else antenna not in down


def _reader(row: Any) -> Reader:
    state = msgspec.convert(row.state, ReaderState) if row.state else ReaderState()
    form = msgspec.convert(row.document, ReaderForm)
    return Reader(
        **msgspec.structs.asdict(form),
        device_id=row.device_id,
        device=row.device,
        heard_ms=state.received_ms or None,
        lost=state.lost,
        antennas_down=state.antennas_down,
        clock_offset_ms=state.clock.offset_ms,
        sightings=state.sightings,
        late=state.late,
        organisation_id=row.organisation_id,
    )


def _tag(row: Any) -> KnownTag:
    return KnownTag(**row._mapping)


def _reader_spec(row: Any) -> ReaderSpec:
    form = msgspec.convert(row.document, ReaderForm)
    return ReaderSpec(
        device_id=row.device_id,
        organisation_id=row.organisation_id or ROOT,
        silence_ms=round(form.silence_s * 1000),
        created_ms=row.created_ms,
        plan_id=form.plan_id,
        x_m=form.x_m,
        y_m=form.y_m,
        reads=form.reads,
        names=(form.tag_property, form.x_property, form.y_property, form.z_property),
    )


def _zone_spec(row: Any) -> ZoneSpec:
    form = msgspec.convert({**row.document, "name": row.name}, NewZone)
    return ZoneSpec(
        id=row.id,
        name=row.name,
        organisation_id=row.organisation_id,
        plan_id=row.plan_id,
        antennas=frozenset(
            (each.device_id, ANY_ANTENNA if each.antenna is None else each.antenna) for each in form.antennas
        ),
        polygon=tuple((corner.x_m, corner.y_m) for corner in form.polygon),
        z_min_m=form.z_min_m,
        z_max_m=form.z_max_m,
        enter_ms=round(form.enter_s * 1000),
        enter_reads=form.enter_reads,
        exit_ms=round(form.exit_s * 1000),
        absent_ms=round(form.absent_s * 1000),
        dwell_ms=round(form.dwell_s * 1000),
        margin_m=form.margin_m,
        exclusive=form.exclusive,
        margin_db=form.margin_db,
    )
