"""Connections and points behave the same over SQLite and PostgreSQL."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from millwright import certificates, devices, parties
from millwright.devices import DevicesService, NewDevice, NewPlace
from millwright.devices.connectors import ConnectionStore
from millwright.devices.connectors.model import FieldConnection
from millwright.engines.sql import Records
from millwright.kernel import Conflict, ManualClock, NotFound, Outdated, new_id
from support.bus import LocalBus

_numbers = itertools.count()

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


@pytest.fixture
def service(records: Records) -> DevicesService:
    return DevicesService(records, LocalBus(), ManualClock())


@pytest.fixture
def store(records: Records) -> ConnectionStore:
    return ConnectionStore(records)


def add(store: ConnectionStore, name: str = "plc", **values: Any) -> FieldConnection:
    row = {"id": new_id("con"), "name": name, "kind": "k", "settings": {"host": "h"}, "secrets": None, "enabled": True}
    return store.insert(row | {"place_id": None, "created_ms": 1} | values)


def point(connection: FieldConnection, device_id: str, name: str, **values: Any) -> dict[str, Any]:
    row = {"id": f"pnt_{next(_numbers):026d}", "connection_id": connection.id, "address": name, "device_id": device_id}
    row |= {"property": name, "interval_ms": 1000, "deadband": 0.0, "scale": None, "offset": None, "writable": False}
    return row | values


async def test_connections_have_names_revisions_and_places(store: ConnectionStore, service: DevicesService) -> None:
    place = await service.places.create(NewPlace(level="site", name="Works"))
    made = add(store, place_id=place.id)
    before = store.revision()
    with pytest.raises(Conflict, match="is named"):
        add(store, "PLC")
    changed = store.update(made.id, {"name": "press", "settings": {"host": "x", "$sealed": ["password"]}}, 1)
    assert (changed.name, changed.revision, changed.settings, list(changed.secrets)) == (
        "press", 2, {"host": "x"}, ["password"],
    )  # fmt: skip
    assert store.revision() == before + 1
    with pytest.raises(Outdated):
        store.delete(made.id, 1)
    with pytest.raises(NotFound):
        add(store, "other", place_id="plc_none")
    await service.places.delete(place.id)
    assert store.get(made.id).place_id is None
    store.delete(made.id, 2)
    assert store.list() == []


async def test_points_go_with_their_connection_and_their_device(
    store: ConnectionStore, service: DevicesService
) -> None:
    press = await service.registry.create(NewDevice(name="press"))
    pump = await service.registry.create(NewDevice(name="pump"))
    made, other = add(store), add(store, "other")
    store.add_points(made.id, [point(made, press.id, "a"), point(made, press.id, "b"), point(made, pump.id, "a")])
    assert [feed.property for feed in store.feeds(made.id)] == ["a", "b", "a"]
    with pytest.raises(Conflict):
        store.add_points(other.id, [point(other, press.id, "c"), point(other, press.id, "a")])
    assert store.count_points(other.id) == 0, "all or none"
    with pytest.raises(NotFound):
        store.add_points(other.id, [point(other, "dev_none", "a")])
    page = store.page(made.id, None, 2)
    assert [each.device for each in page.items] == ["press", "press"]
    assert [each.device for each in store.page(made.id, page.next, 2).items] == ["pump"]
    target = store.find_target(pump.id, "a")
    assert target is not None
    assert (target.connection_id, target.address, target.writable) == (made.id, "a", False)
    await service.registry.delete(press.id)
    assert store.count_points(made.id) == 1
    store.update(made.id, {"enabled": False}, None)
    assert store.find_target(pump.id, "a") is None
    assert [each.id for each in store.enabled()] == [other.id]
    store.delete(made.id, None)
    store.add_points(other.id, [point(other, pump.id, "a")])


def test_the_first_program_is_known_and_another_has_to_be(store: ConnectionStore) -> None:
    made = add(store)
    assert store.meet_program(made.id, "p1") == ("p1", "p1")
    assert not store.get(made.id).program_changed
    assert store.meet_program(made.id, "p2") == ("p1", "p2")
    assert store.get(made.id).program_changed
    assert not store.acknowledge(made.id).program_changed
