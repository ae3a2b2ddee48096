"""Many devices at once: rows in (CSV or JSON), a report of what was refused and why; rows out.

The rows that can be registered are, in one transaction; the others are reported with their reason. Models and places
are named as people write them: a model by name, a place by its path; ids work too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Meta, Struct
from sqlalchemy.exc import IntegrityError

from millwright.devices.credentials.model import Issued, digest_of_token
from millwright.devices.credentials.store import issued_row
from millwright.devices.errors import invalid
from millwright.devices.names import key_of
from millwright.devices.places.store import paths
from millwright.devices.registry.addresses import Dialect, ForeignAddress, realm_of
from millwright.devices.registry.model import Device, Kind, NewDevice, SparkplugBinding, check
from millwright.devices.registry.store import values_of
from millwright.devices.store import bump, credentials, devices, edges, home, models, places, tags
from millwright.engines.sql import Records
from millwright.kernel import Conflict, MillwrightError, new_id, new_secret
from millwright.kernel.spreadsheet import plain_cell, safe_cell
from millwright.ledger import note
from millwright.parties import organisation_path

COLUMNS = (
    "name",
    "title",
    "model",
    "place",
    "tags",
    "kind",
    "group_id",
    "edge_node_id",
    "device_id",
    "disabled",
    "dialect",
    "product_key",
    "foreign_name",
    "edge_id",
)
"""Columns of a CSV file, in and out; tags are separated by semicolons."""

_CHUNK = 500


class DeviceRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device to be registered, as a row."""

    name: str
    title: str | None = None
    model: Annotated[str | None, Meta(description="Name or id of the model; its latest version is taken.")] = None
    place: Annotated[str | None, Meta(description="Path (`Works/Paint shop`) or id of the place.")] = None
    tags: tuple[str, ...] = ()
    kind: Kind = "device"
    group_id: str | None = None
    edge_node_id: str | None = None
    device_id: Annotated[str | None, Meta(description="The name Sparkplug gives the device.")] = None
    disabled: bool = False
    dialect: Dialect | None = None
    product_key: Annotated[str | None, Meta(description="Alibaba's product key, JetLinks' product id.")] = None
    foreign_name: Annotated[str | None, Meta(description="Its name on that platform. Null: `name`.")] = None
    edge_id: Annotated[str | None, Meta(description="Id or name of the edge that it connects to.")] = None


class Refused(Struct, frozen=True, kw_only=True):
    """A row that was not taken; ``row`` counts from 1, without the header."""

    row: int
    name: str
    code: str
    reason: str


class ImportReport(Struct, frozen=True, kw_only=True):
    """What an import did. ``credentials`` holds the tokens asked for; they are shown this once."""

    created: int
    refused: list[Refused]
    credentials: list[Issued]
    dry_run: bool = False


def read_csv(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV file with a header (RFC 4180; comma, semicolon or tab). Raises ``Invalid``."""
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
        if unknown or "name" not in (reader.fieldnames or ()):
            raise invalid(
                f"Unknown columns: {', '.join(sorted(unknown))}." if unknown else "There is no column `name`.",
                "/0",
                code="devices.import_columns",
                hint=f"The first line names the columns: {', '.join(COLUMNS)}.",
            )
        rows: list[dict[str, Any]] = []
        for cells in reader:
            row: dict[str, Any] = {key: plain_cell(value.strip()) for key, value in cells.items() if key and value}
            if None in cells:
                row["too many cells"] = True
            if "tags" in row:
                row["tags"] = [tag.strip() for tag in row["tags"].split(";") if tag.strip()]
            if "disabled" in row:
                row["disabled"] = row["disabled"].lower()
            rows.append(row)
    except csv.Error as error:
        raise invalid(f"The file is not CSV: {error}", "", code="devices.import_unreadable") from error
    return rows


def write_csv(found: Iterable[Device], model_names: dict[str, str]) -> Iterator[str]:
    """The devices as CSV that :func:`read_csv` takes, some rows at a time; no cell begins a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for count, device in enumerate(found, 1):
        binding = device.sparkplug
        cells = (
            device.name,
            device.title or "",
            model_names.get(device.model_id or "", ""),
            device.place_path or "",
            ";".join(device.tags),
            device.kind,
            binding.group_id if binding else "",
            binding.edge_node_id if binding else "",
            (binding.device_id or "") if binding else "",
            "true" if device.disabled else "false",
            device.address.dialect if device.address else "",
            (device.address.product_key or "") if device.address else "",
            device.address.name if device.address else "",
            device.edge_id or "",
        )
        writer.writerow(map(safe_cell, cells))
        if count % _CHUNK == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


class _Known:
    """What the rows may refer to, read once for the whole import."""

    def __init__(self, connection: sa.Connection, keys: list[str]) -> None:
        # Where several organisations have a model or place of one name, a row had better name it by id.
        found = connection.execute(
            sa.select(models.c.id, models.c.name_key, models.c.version, models.c.organisation_id)
        ).all()
        self.models = {name: (row.id, row.version) for row in found for name in (row.id, row.name_key)}
        owned = connection.execute(sa.select(places.c.id, places.c.organisation_id)).all()
        place_ids = [row.id for row in owned]
        self.places = {place_id: place_id for place_id in place_ids}
        self.places |= {key_of(path): place_id for place_id, path in paths(connection, place_ids).items()}
        self.home = home()
        self.owner: dict[str, str] = {row.id: row.organisation_id for row in (*found, *owned)}
        self.names: set[tuple[str, str]] = set()
        for start in range(0, len(keys), _CHUNK):
            taken = sa.select(devices.c.organisation_id, devices.c.name_key).where(
                devices.c.name_key.in_(keys[start : start + _CHUNK])
            )
            self.names.update((row.organisation_id, row.name_key) for row in connection.execute(taken))
        bound = connection.execute(
            sa.select(
                devices.c.id,
                devices.c.sparkplug_group,
                devices.c.sparkplug_edge,
                devices.c.sparkplug_device,
                devices.c.organisation_id,
            ).where(devices.c.sparkplug_group.is_not(None))
        ).all()
        self.addresses = {(group, edge, device): device_id for device_id, group, edge, device, _ in bound}
        self.edges: dict[str, str] = {row.id: row.organisation_id for row in bound}
        rows = connection.execute(
            sa.select(
                devices.c.organisation_id, devices.c.foreign_dialect, devices.c.foreign_realm, devices.c.foreign_name
            ).where(devices.c.foreign_dialect.is_not(None), devices.c.parent_id.is_(None))
        )
        at = connection.execute(
            sa.select(edges.c.id, edges.c.name_key, edges.c.organisation_id, edges.c.revoked_ms)
        ).all()
        self.at = {name: row for row in at for name in (row.id, row.name_key)}
        self.foreign: set[tuple[str, ...]] = {tuple(row) for row in rows}
        owners = {self.home, *self.owner.values(), *self.edges.values()}
        self.above = {each: organisation_path(connection, each) for each in owners}

    @staticmethod
    def foreign_key(organisation_id: str, address: ForeignAddress) -> tuple[str, ...]:
        """What tells addresses apart."""
        return organisation_id, address.dialect, realm_of(address, None), address.name


class BulkStore:
    """Registers many devices in one transaction."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def insert(self, rows: list[Any], now_ms: int, *, issue: bool, dry_run: bool) -> ImportReport:
        """Register the rows that can be; ``issue`` makes a token for each; ``dry_run`` only reports."""
        keys = [key_of(row["name"]) for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]
        refused: list[Refused] = []
        made: list[dict[str, Any]] = []
        tagged: list[dict[str, str]] = []
        issued: list[Issued] = []
        granted: list[dict[str, Any]] = []
        with self._records.begin() as connection:
            known = _Known(connection, keys)
            for number, row in enumerate(rows, 1):
                try:
                    new, version, organisation_id = _resolve(row, known)
                except (MillwrightError, msgspec.ValidationError) as error:
                    refused.append(_refusal(number, row, error))
                    continue
                device_id = new_id("dev")
                known.names.add((organisation_id, key_of(new.name)))
                if new.address:
                    known.foreign.add(known.foreign_key(organisation_id, new.address))
                if new.sparkplug:
                    binding = new.sparkplug
                    known.addresses[binding.group_id, binding.edge_node_id, binding.device_id or ""] = device_id
                    known.edges[device_id] = organisation_id
                made.append(values_of(device_id, new, version, now_ms, organisation_id))
                tagged.extend({"tag": tag, "device_id": device_id} for tag in new.tags)
                if issue and new.kind != "sparkplug_device" and not dry_run:
                    token = new_secret("mwd")
                    grant = issued_row(device_id, token, digest_of_token(token), "import", None, now_ms)
                    granted.append(grant)
                    issued.append(
                        Issued(
                            id=grant["id"],
                            device_id=device_id,
                            username=new.name,
                            token=token,
                            label="import",
                            created_ms=now_ms,
                        )
                    )
            if not dry_run:
                try:
                    _write(connection, ((devices, made), (tags, tagged), (credentials, granted)))
                except IntegrityError as error:
                    raise Conflict(
                        "A Sparkplug address in these rows belongs to another device.",
                        code="devices.sparkplug_taken",
                        hint="Every group, edge node and device name belongs to one device of the node.",
                    ) from error
                if made:
                    bump(connection)
        for each in () if dry_run else made:
            note("device", each["id"], each["name"], after=each)
        return ImportReport(created=len(made), refused=refused, credentials=issued, dry_run=dry_run)


def _write(connection: sa.Connection, batches: Iterable[tuple[sa.Table, list[dict[str, Any]]]]) -> None:
    for table, rows in batches:
        if rows:
            connection.execute(sa.insert(table), rows)


def _resolve(row: Any, known: _Known) -> tuple[NewDevice, int | None, str]:
    wanted = msgspec.convert(row, DeviceRow, strict=False)
    model_id, version = _look_up(known.models, wanted.model, "model", (None, None))
    binding, parent_id = _address(wanted, known)
    new = check(
        NewDevice(
            name=wanted.name,
            title=wanted.title,
            model_id=model_id,
            place_id=_look_up(known.places, wanted.place, "place", None),
            tags=wanted.tags,
            kind=wanted.kind,
            parent_id=parent_id,
            sparkplug=binding,
            disabled=wanted.disabled,
            address=_foreign(wanted),
            edge_id=_look_up(known.at, wanted.edge_id, "edge", None).id if wanted.edge_id else None,
        )
    )
    place_id = new.place_id
    organisation_id = known.edges[parent_id] if parent_id else known.owner[place_id] if place_id else known.home
    if place_id and known.owner[place_id] != organisation_id:
        raise invalid(f"There is no place {wanted.place!r}.", "/place", code="devices.place_unknown")
    if model_id and known.owner[model_id] not in known.above.get(organisation_id, [organisation_id]):
        raise invalid(f"There is no model {wanted.model!r}.", "/model", code="devices.model_unknown")
    if (organisation_id, key_of(new.name)) in known.names:
        raise invalid(f"Another device is named {new.name!r}.", "/name", code="devices.device_name_taken")
    if binding and (binding.group_id, binding.edge_node_id, binding.device_id or "") in known.addresses:
        raise invalid("Another device has this Sparkplug address.", "/group_id", code="devices.sparkplug_taken")
    _need_edge(new.edge_id, wanted.edge_id, organisation_id, known)
    if new.address and known.foreign_key(organisation_id, new.address) in known.foreign:
        raise invalid("Another device has this product key and name.", "/product_key", code="devices.address_taken")
    return new, version, organisation_id


def _need_edge(edge_id: str | None, named: str | None, organisation_id: str, known: _Known) -> None:
    """An edge of the device's organisation or of one above it, that was not revoked."""
    if edge_id is None:
        return
    edge = known.at[edge_id]
    if edge.organisation_id not in known.above.get(organisation_id, [organisation_id]):
        raise invalid(f"There is no edge {named!r}.", "/edge_id", code="devices.edge_unknown")
    if edge.revoked_ms is not None:
        raise invalid(f"The edge {named!r} was revoked.", "/edge_id", code="devices.edge_revoked")


def _foreign(wanted: DeviceRow) -> ForeignAddress | None:
    if wanted.kind == "gateway_device":
        raise invalid("A gateway registers its devices itself; leave them out.", "/kind")
    if wanted.dialect is None:
        if wanted.product_key or wanted.foreign_name:
            raise invalid("A name on another platform needs the dialect.", "/dialect")
        return None
    return ForeignAddress(
        dialect=wanted.dialect, product_key=wanted.product_key or None, name=wanted.foreign_name or wanted.name
    )


def _look_up(index: dict[str, Any], wanted: str | None, what: str, default: Any) -> Any:
    if not wanted:
        return default
    found = index.get(wanted) or index.get(key_of(wanted))
    if found is None:
        raise invalid(f"There is no {what} {wanted!r}.", f"/{what}", code=f"devices.{what}_unknown")
    return found


def _address(wanted: DeviceRow, known: _Known) -> tuple[SparkplugBinding | None, str | None]:
    if not (wanted.group_id or wanted.edge_node_id or wanted.device_id):
        return None, None
    if not (wanted.group_id and wanted.edge_node_id):
        raise invalid("A Sparkplug address needs group_id and edge_node_id.", "/group_id")
    binding = SparkplugBinding(
        group_id=wanted.group_id, edge_node_id=wanted.edge_node_id, device_id=wanted.device_id or None
    )
    parent = known.addresses.get((wanted.group_id, wanted.edge_node_id, "")) if wanted.device_id else None
    if wanted.kind == "sparkplug_device" and parent is None:
        raise invalid(
            f"There is no edge node {wanted.group_id}/{wanted.edge_node_id}.",
            "/edge_node_id",
            code="devices.edge_unknown",
        )
    return binding, parent


def _refusal(number: int, row: Any, error: Exception) -> Refused:
    name = row.get("name") if isinstance(row, dict) else None
    code = error.code if isinstance(error, MillwrightError) else "devices.import_row"
    reason = error.message if isinstance(error, MillwrightError) else str(error)
    return Refused(row=number, name=str(name or ""), code=code, reason=reason)
