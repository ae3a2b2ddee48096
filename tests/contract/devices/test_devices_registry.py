"""Places, models, the registry and credentials behave the same over SQLite and PostgreSQL."""

from __future__ import annotations

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import (
    DeviceChange,
    DeviceQuery,
    DevicesService,
    DevicesSettings,
    ModelDocument,
    NewCredential,
    NewDevice,
    NewPlace,
    PlaceChange,
    PropertySpec,
    SparkplugBinding,
)
from millwright.devices.changes import SUBJECT, decode
from millwright.devices.credentials.model import digest_of_token
from millwright.devices.store import devices as devices_table
from millwright.devices.store import revision
from millwright.engines.sql import Records
from millwright.kernel import Conflict, Invalid, LimitExceeded, ManualClock, NotFound
from millwright.parties.store.organisations_tables import organisations
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
def service(records: Records, bus: LocalBus) -> DevicesService:
    return DevicesService(records, bus, ManualClock(), DevicesSettings(credentials_per_device=3, import_rows=1000))


def counter(records: Records) -> int:
    with records.read() as connection:
        return revision(connection)


# --- places ----------------------------------------------------------------------------------------------------------


async def test_places_form_a_tree_with_paths_and_counts(service: DevicesService) -> None:
    works = await service.places.create(NewPlace(level="enterprise", name="Works"))
    line = await service.places.create(NewPlace(level="line", name="Line 2", parent_id=works.id))
    await service.places.create(NewPlace(level="line", name="Line 1", parent_id=works.id))
    await service.registry.create(NewDevice(name="press", place_id=line.id))
    found = await service.places.list()
    assert [(place.path, place.device_count) for place in found] == [
        ("Works", 0),
        ("Works/Line 1", 0),
        ("Works/Line 2", 1),
    ]


@pytest.mark.parametrize(("outer", "inner"), [("line", "line"), ("cell", "site"), ("unit", "enterprise")])
async def test_levels_are_never_inverted(service: DevicesService, outer: str, inner: str) -> None:
    above = await service.places.create(NewPlace(level=outer, name="A"))  # type: ignore[arg-type]
    with pytest.raises(Invalid) as error:
        await service.places.create(NewPlace(level=inner, name="B", parent_id=above.id))  # type: ignore[arg-type]
    assert error.value.code == "devices.place_level"


async def test_a_place_moves_with_all_below_it_and_never_below_itself(service: DevicesService) -> None:
    first = await service.places.create(NewPlace(level="site", name="First"))
    second = await service.places.create(NewPlace(level="site", name="Second"))
    area = await service.places.create(NewPlace(level="area", name="Paint", parent_id=first.id))
    cell = await service.places.create(NewPlace(level="cell", name="Booth", parent_id=area.id))
    await service.places.change(area.id, PlaceChange(parent_id=second.id, name="Paint shop"))
    assert (await service.places.get(cell.id)).path == "Second/Paint shop/Booth"
    with pytest.raises(Invalid):
        await service.places.change(area.id, PlaceChange(parent_id=cell.id))
    with pytest.raises(Invalid):
        await service.places.change(area.id, PlaceChange(level="unit"))


async def test_siblings_have_different_names_and_roots_too(service: DevicesService) -> None:
    works = await service.places.create(NewPlace(level="enterprise", name="Works"))
    with pytest.raises(Conflict):
        await service.places.create(NewPlace(level="enterprise", name="WORKS"))
    await service.places.create(NewPlace(level="site", name="Works", parent_id=works.id))
    other = await service.places.create(NewPlace(level="site", name="Other", parent_id=works.id))
    with pytest.raises(Conflict):
        await service.places.change(other.id, PlaceChange(name="works"))


async def test_a_place_in_use_is_not_removed(service: DevicesService) -> None:
    site = await service.places.create(NewPlace(level="site", name="Site"))
    device = await service.registry.create(NewDevice(name="d", place_id=site.id))
    with pytest.raises(Conflict) as error:
        await service.places.delete(site.id)
    assert error.value.detail["devices"] == 1
    await service.registry.delete(device.id)
    await service.places.delete(site.id)
    with pytest.raises(NotFound):
        await service.places.get(site.id)


# --- models ----------------------------------------------------------------------------------------------------------

PUMP = ModelDocument(
    name="Pump", title_zh="泵", properties=(PropertySpec(name="p", unit="kPa", minimum=0, maximum=1600),)
)


async def test_versions_of_a_model_never_change(service: DevicesService) -> None:
    first = await service.models.create(PUMP)
    device = await service.registry.create(NewDevice(name="d", model_id=first.id))
    second = await service.models.add_version(first.id, msgspec.structs.replace(PUMP, properties=()))
    assert (first.version, second.version, (await service.models.get(first.id)).version) == (1, 2, 2)
    assert (await service.models.get(first.id, 1)).properties == PUMP.properties
    assert (await service.registry.get(device.id)).model_version == 1
    await service.models.add_version(first.id, PUMP, upgrade=True)
    moved = await service.registry.get(device.id)
    assert (moved.model_version, moved.revision) == (3, 2)
    assert [model.version for model in await service.models.versions(first.id)] == [3, 2, 1]
    assert (await service.models.get(first.id, 1)).document == PUMP


async def test_a_model_in_use_is_not_removed_and_names_are_unique(service: DevicesService) -> None:
    model = await service.models.create(PUMP)
    with pytest.raises(Conflict):
        await service.models.create(msgspec.structs.replace(PUMP, name="PUMP"))
    device = await service.registry.create(NewDevice(name="d", model_id=model.id))
    assert [found.device_count for found in await service.models.list()] == [1]
    with pytest.raises(Conflict):
        await service.models.delete(model.id)
    await service.registry.change(device.id, DeviceChange(model_id=None))
    await service.models.delete(model.id)
    assert await service.models.list() == []
    with pytest.raises(NotFound):
        await service.models.versions(model.id)


# --- devices ---------------------------------------------------------------------------------------------------------


async def test_a_device_is_made_changed_and_removed(service: DevicesService, records: Records, bus: LocalBus) -> None:
    before = counter(records)
    made = await service.registry.create(NewDevice(name="泵-7", title="冷却泵", tags=("b", "a", "b")))
    assert (made.tags, made.revision, made.presence.online) == (("a", "b"), 1, False)
    changed = await service.registry.change(made.id, DeviceChange(title=None, tags=("c",)), expected=1)
    assert (changed.name, changed.title, changed.tags, changed.revision) == ("泵-7", None, ("c",), 2)
    with pytest.raises(Conflict) as error:
        await service.registry.change(made.id, DeviceChange(title="x"), expected=1)
    assert error.value.detail["revision"] == 2
    with pytest.raises(Conflict):
        await service.registry.delete(made.id, expected=1)
    await service.registry.delete(made.id, expected=2)
    with pytest.raises(NotFound):
        await service.registry.get(made.id)
    assert counter(records) == before + 3
    events = [decode(payload) for payload in bus.sent(SUBJECT)]
    assert [(event.device_id, event.revision) for event in events if event] == [
        (made.id, before + 1),
        (made.id, before + 2),
        (made.id, before + 3),
    ]


async def test_a_change_is_kept_when_the_bus_is_down(service: DevicesService, bus: LocalBus) -> None:
    bus.down = True
    made = await service.registry.create(NewDevice(name="d"))
    assert (await service.registry.get(made.id)).name == "d"


async def test_names_are_compared_without_case_and_width_of_composition(service: DevicesService) -> None:
    made = await service.registry.create(NewDevice(name="Café"))
    with pytest.raises(Conflict):
        await service.registry.create(NewDevice(name="CAFE\u0301"))
    assert (await service.registry.find_by_name("cafe\u0301") or made).id == made.id
    other = await service.registry.create(NewDevice(name="other"))
    with pytest.raises(Conflict):
        await service.registry.change(other.id, DeviceChange(name="café"))
    await service.registry.change(made.id, DeviceChange(name="CAFÉ"))


@pytest.mark.parametrize("unknown", [{"model_id": "mod_x"}, {"place_id": "plc_x"}])
async def test_what_a_device_names_must_exist(service: DevicesService, unknown: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        await service.registry.create(NewDevice(name="d", **unknown))  # type: ignore[arg-type]
    made = await service.registry.create(NewDevice(name="d"))
    with pytest.raises(NotFound):
        await service.registry.change(made.id, DeviceChange(**unknown))  # type: ignore[arg-type]


async def test_sparkplug_devices_live_below_their_edge_node(service: DevicesService) -> None:
    edge = await service.registry.create(
        NewDevice(name="gw", kind="sparkplug_edge", sparkplug=SparkplugBinding(group_id="G", edge_node_id="E"))
    )
    below = SparkplugBinding(group_id="G", edge_node_id="E", device_id="D")
    child = await service.registry.create(
        NewDevice(name="drive", kind="sparkplug_device", parent_id=edge.id, sparkplug=below)
    )
    found = await service.registry.find_by_name("drive")
    assert found is not None
    assert found.sparkplug == below
    for taken in (below, SparkplugBinding(group_id="G", edge_node_id="E")):
        kind, parent = ("sparkplug_device", edge.id) if taken.device_id else ("sparkplug_edge", None)
        with pytest.raises(Conflict):
            await service.registry.create(NewDevice(name="x", kind=kind, parent_id=parent, sparkplug=taken))  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        elsewhere = SparkplugBinding(group_id="G", edge_node_id="F", device_id="D")
        await service.registry.create(
            NewDevice(name="x", kind="sparkplug_device", parent_id=edge.id, sparkplug=elsewhere)
        )
    with pytest.raises(Conflict):
        await service.registry.delete(edge.id)
    moved = SparkplugBinding(group_id="G2", edge_node_id="E")
    await service.registry.change(edge.id, DeviceChange(sparkplug=moved))
    assert (await service.registry.get(child.id)).sparkplug == SparkplugBinding(
        group_id="G2", edge_node_id="E", device_id="D"
    )
    await service.registry.delete(child.id)
    plain = await service.registry.change(edge.id, DeviceChange(sparkplug=None))
    assert (plain.kind, plain.sparkplug) == ("device", None)


async def test_pages_neither_repeat_nor_skip_while_devices_come_and_go(service: DevicesService) -> None:
    names = [f"d{number:02}" for number in range(20)]
    made = {name: await service.registry.create(NewDevice(name=name)) for name in names}
    seen: list[str] = []
    cursor: str | None = None
    for page_number in range(10):
        page = await service.registry.list(DeviceQuery(), cursor=cursor, limit=6)
        seen += [device.name for device in page.items]
        cursor = page.next
        if cursor is None:
            break
        if page_number == 0:
            await service.registry.create(NewDevice(name="a-new-one-before"))
            await service.registry.delete(made["d03"].id)
            await service.registry.delete(made["d10"].id)
            await service.registry.create(NewDevice(name="d11b"))
    assert seen == [name for name in sorted([*names, "d11b"]) if name != "d10"]


async def test_devices_are_found_by_words_tags_places_models_kinds(service: DevicesService) -> None:
    site = await service.places.create(NewPlace(level="site", name="S"))
    cell = await service.places.create(NewPlace(level="cell", name="C", parent_id=site.id))
    model = await service.models.create(PUMP)
    create = service.registry.create
    pump = await create(NewDevice(name="Pump-7", title="Cooling Water", tags=("Critical",), place_id=cell.id))
    fan = await create(NewDevice(name="fan_100%", title="冷却风机", model_id=model.id, place_id=site.id))
    edge = await create(
        NewDevice(name="gw", kind="sparkplug_edge", sparkplug=SparkplugBinding(group_id="G", edge_node_id="E"))
    )

    async def ids(**query: str) -> list[str]:
        return [device.id for device in (await service.registry.list(DeviceQuery(**query))).items]  # type: ignore[arg-type]

    assert await ids(q="pump") == [pump.id]
    assert await ids(q="WATER cool") == [pump.id]
    assert await ids(q="critical") == [pump.id]
    assert await ids(q="冷却") == [fan.id]
    assert await ids(q="100%") == [fan.id]
    assert await ids(q="%") == [fan.id]
    assert await ids(q="p_mp") == []
    assert await ids(q=edge.id) == [edge.id]
    assert await ids(place_id=site.id) == [fan.id, pump.id]
    assert await ids(place_id=cell.id) == [pump.id]
    assert await ids(model_id=model.id) == [fan.id]
    assert await ids(tag="Critical") == [pump.id]
    assert await ids(kind="sparkplug_edge") == [edge.id]
    assert await ids(status="never") == [fan.id, edge.id, pump.id]
    assert await ids(status="online") == []
    assert (await service.registry.list(DeviceQuery(q="pump"))).items[0].place_path == "S/C"


@pytest.mark.parametrize("cursor", ["!", "____", "abc$"])
async def test_a_foreign_cursor_is_refused(service: DevicesService, cursor: str) -> None:
    with pytest.raises(Invalid):
        await service.registry.list(DeviceQuery(), cursor=cursor)


# --- import and export -----------------------------------------------------------------------------------------------


async def test_an_import_takes_what_it_can_and_tells_the_rest(service: DevicesService) -> None:
    works = await service.places.create(NewPlace(level="enterprise", name="Works"))
    await service.places.create(NewPlace(level="area", name="Paint", parent_id=works.id))
    await service.models.create(PUMP)
    await service.registry.create(NewDevice(name="there"))
    text = (
        "name,title,model,place,tags,kind,group_id,edge_node_id,device_id\r\n"
        'p1,"Pump, one",Pump,Works/Paint,a;b,,,,\r\n'
        "p1,again,,,,,,,\r\n"
        "THERE,,,,,,,,\r\n"
        "p2,,Nope,,,,,,\r\n"
        "p3,,,Works/Nowhere,,,,,\r\n"
        "p4,,,,,robot,,,\r\n"
        ",,,,,,,,\r\n"
        "gw,,,,,sparkplug_edge,G,E,\r\n"
        "drive,,,,,sparkplug_device,G,E,D\r\n"
        "lost,,,,,sparkplug_device,G,X,D\r\n"
    )
    report = await service.registry.import_csv(text.encode(), issue=True)
    assert report.created == 3
    assert [(refused.row, refused.code) for refused in report.refused] == [
        (2, "devices.device_name_taken"),
        (3, "devices.device_name_taken"),
        (4, "devices.model_unknown"),
        (5, "devices.place_unknown"),
        (6, "devices.import_row"),
        (7, "devices.import_row"),
        (10, "devices.edge_unknown"),
    ]
    assert [issued.username for issued in report.credentials] == ["p1", "gw"]
    pump = await service.registry.find_by_name("p1")
    assert pump is not None
    assert (pump.title, pump.place_path, pump.tags, pump.model_version) == ("Pump, one", "Works/Paint", ("a", "b"), 1)
    token = report.credentials[0].token
    grants = service.credential_store.grants([digest_of_token(token)])
    assert [grant.device_id for grant in grants.values()] == [pump.id]


async def test_a_device_behind_an_edge_node_below_takes_a_model_from_above(
    service: DevicesService, records: Records
) -> None:
    await service.models.create(PUMP)
    edge = await service.registry.create(
        NewDevice(name="gw", kind="sparkplug_edge", sparkplug=SparkplugBinding(group_id="G", edge_node_id="E"))
    )
    row = {"id": "red", "parent_id": "org_root", "kind": "enterprise", "name": "red", "name_key": "red"}
    with records.begin() as connection:
        connection.execute(
            organisations.insert(),
            [{**row, "suspended": False, "path": "/org_root/red/", "created_ms": 1, "revision": 1}],
        )
        connection.execute(devices_table.update().where(devices_table.c.id == edge.id).values(organisation_id="red"))
    drive = {"name": "drive", "model": "Pump", "kind": "sparkplug_device"}
    address = {"group_id": "G", "edge_node_id": "E", "device_id": "D"}
    report = await service.registry.import_json([drive | address])
    assert (report.created, report.refused) == (1, [])


async def test_a_dry_run_changes_nothing(service: DevicesService, records: Records) -> None:
    before = counter(records)
    report = await service.registry.import_json([{"name": "a"}, {"name": "a"}, 7], issue=True, dry_run=True)
    assert (report.created, len(report.refused), report.credentials) == (1, 2, [])
    assert (await service.count()).total == 0
    assert counter(records) == before


async def test_an_export_can_be_imported_again(service: DevicesService) -> None:
    await service.models.create(PUMP)
    rows = [{"name": f"d{n}", "title": 'say "hi", 你好; you', "tags": ["x", "y"], "model": "pump"} for n in range(3)]
    await service.registry.import_json(
        [*rows, {"name": "gw", "kind": "sparkplug_edge", "group_id": "-G", "edge_node_id": "'=E", "title": "=1+1"}]
    )
    exported = "".join([part async for part in service.registry.export_csv(DeviceQuery())])
    assert ",'=1+1," in exported
    assert ",'-G,''=E," in exported
    before = (await service.registry.list(DeviceQuery())).items
    for device in before:
        await service.registry.delete(device.id)
    report = await service.registry.import_csv(("\ufeff" + exported).encode())
    assert (report.created, report.refused) == (4, [])
    after = (await service.registry.list(DeviceQuery())).items
    assert [(d.name, d.title, d.tags, d.model_id, d.kind, d.sparkplug) for d in before] == [
        (d.name, d.title, d.tags, d.model_id, d.kind, d.sparkplug) for d in after
    ]


async def test_an_import_is_bounded_and_needs_known_columns(service: DevicesService) -> None:
    with pytest.raises(LimitExceeded):
        await service.registry.import_json([{}] * 1001)
    for text in ("title\nx\n", "name,colour\nx,red\n", 'name\n"x'):
        with pytest.raises(Invalid):
            await service.registry.import_csv(text.encode())
    with pytest.raises(Invalid):
        await service.registry.import_csv(b"name\n\xff\xff\xff")


# --- credentials -----------------------------------------------------------------------------------------------------


async def test_credentials_are_issued_listed_and_revoked(service: DevicesService, records: Records) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    before = counter(records)
    issued = await service.credentials.issue(device.id, NewCredential(label="gateway"))
    assert issued.token.startswith("mwd_")
    assert issued.username == "d"
    listed = await service.credentials.list(device.id)
    assert [(c.id, c.label, c.origin, c.last_used_ms) for c in listed] == [(issued.id, "gateway", "issued", None)]
    assert issued.token not in repr(listed)
    grant = service.credential_store.grants([digest_of_token(issued.token), b"x" * 32])
    assert [found.device_id for found in grant.values()] == [device.id]
    service.credential_store.mark_used({issued.id: 5})
    assert (await service.credentials.list(device.id))[0].last_used_ms == 5
    await service.credentials.revoke(device.id, issued.id)
    assert service.credential_store.grants([digest_of_token(issued.token)]) == {}
    assert counter(records) == before + 2
    with pytest.raises(NotFound):
        await service.credentials.revoke(device.id, issued.id)


async def test_a_credential_of_another_device_is_not_revoked(service: DevicesService) -> None:
    one = await service.registry.create(NewDevice(name="one"))
    two = await service.registry.create(NewDevice(name="two"))
    issued = await service.credentials.issue(one.id, NewCredential())
    with pytest.raises(NotFound):
        await service.credentials.revoke(two.id, issued.id)


async def test_credentials_are_bounded_and_never_born_expired(service: DevicesService) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    with pytest.raises(Invalid):
        await service.credentials.issue(device.id, NewCredential(expires_ms=1))
    for _ in range(3):
        await service.credentials.issue(device.id, NewCredential())
    with pytest.raises(LimitExceeded):
        await service.credentials.issue(device.id, NewCredential())
    await service.registry.delete(device.id)
    with pytest.raises(NotFound):
        await service.credentials.list(device.id)


async def test_which_of_many_devices_are_there_and_not_disabled(service: DevicesService) -> None:
    made = [(await service.registry.create(NewDevice(name=f"d{at}"))).id for at in range(4)]
    await service.registry.change(made[1], DeviceChange(disabled=True))
    await service.registry.delete(made[2])
    nobody = [f"dev_{at}" for at in range(1200)]
    assert service.device_store.enabled([*nobody, *made]) == {made[0], made[3]}
    assert service.device_store.enabled([]) == set()
