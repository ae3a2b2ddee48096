"""Who is let in, and what an unknown device leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import (
    Access,
    Adoption,
    ArrivalService,
    ArrivalStore,
    ArrivalWorker,
    DeviceChange,
    DeviceDirectory,
    DevicesService,
    DevicesSettings,
    ModelDocument,
    NewCredential,
    NewDevice,
    Principal,
    PropertySpec,
    SparkplugBinding,
    SparkplugContact,
)
from millwright.devices.arrivals.model import ArrivalProperty
from millwright.devices.mqtt.ports import Refusal
from millwright.devices.watch import ChangeWatch
from millwright.engines.sql import Records
from millwright.historian import Kind, SeriesInfo
from millwright.kernel import Conflict, Invalid, ManualClock, NotFound
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
SETTINGS = DevicesSettings(arrivals_limit=3, arrivals_age_h=1, adopt_sparkplug=False)


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def service(records: Records, bus: LocalBus, clock: ManualClock) -> DevicesService:
    return DevicesService(records, bus, clock)


@pytest.fixture
def changed() -> list[str]:
    return []


@pytest.fixture
async def access(
    service: DevicesService, bus: LocalBus, clock: ManualClock, changed: list[str]
) -> AsyncIterator[Access]:
    made = Access(service.credential_store, service.device_store, service.changes, bus, clock, changed.append)
    await made.start()
    yield made
    await made.stop()


def arrival_service(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock, settings: DevicesSettings = SETTINGS
) -> ArrivalService:
    return ArrivalService(ArrivalStore(records), service.device_store, service.changes, bus, clock, settings)


@pytest.fixture
def arrivals(service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock) -> ArrivalService:
    return arrival_service(service, records, bus, clock)


async def knock(access: Access, username: str | None, password: str | None = None) -> str:
    """The device let in, or the reason of the refusal."""
    outcome = await access.authenticate(username, None if password is None else password.encode(), "c1", "10.0.0.9:5")
    return outcome.reason if isinstance(outcome, Refusal) else outcome.device_id


# --- credentials -----------------------------------------------------------------------------------------------------


async def test_a_token_opens_in_every_form(service: DevicesService, access: Access) -> None:
    device = await service.registry.create(NewDevice(name="Pump 7"))
    token = (await service.credentials.issue(device.id, NewCredential())).token
    other = await service.registry.create(NewDevice(name="other"))
    for username, password in (
        (token, None),
        (token, ""),
        ("Pump 7", token),
        ("pump 7", token),
        (device.id, token),
    ):
        assert await knock(access, username, password) == device.id
    assert await knock(access, other.id, token) == "credential_unknown"
    assert await knock(access, "other", token) == "password_wrong"
    assert await knock(access, token, token) == "credential_unknown"
    assert await knock(access, "pump 7", "wrong") == "password_wrong"
    assert await knock(access, "Pump 7") == "credential_unknown"
    assert await knock(access, None) == "no_credential"
    assert await knock(access, "") == "no_credential"
    outcome = await access.authenticate("x", b"\xff", "c", "p")
    assert isinstance(outcome, Refusal)


async def test_revoking_disabling_and_deleting_take_effect_at_once(
    service: DevicesService, access: Access, changed: list[str]
) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    issued = await service.credentials.issue(device.id, NewCredential())
    second = await service.credentials.issue(device.id, NewCredential())
    assert await knock(access, issued.token) == device.id
    assert await knock(access, second.token) == device.id
    changed.clear()
    await service.credentials.revoke(device.id, issued.id)
    assert changed == [device.id]
    assert await knock(access, issued.token) == "credential_unknown"
    assert await knock(access, second.token) == device.id
    await service.registry.change(device.id, DeviceChange(disabled=True))
    assert await knock(access, second.token) == "device_disabled"
    await service.registry.change(device.id, DeviceChange(disabled=False))
    assert await knock(access, second.token) == device.id
    await service.registry.delete(device.id)
    assert await knock(access, second.token) == "credential_unknown"


async def test_a_lost_event_costs_one_poll(service: DevicesService, bus: LocalBus, changed: list[str]) -> None:
    watch = ChangeWatch(bus, service.changes, changed.append, poll_s=3600)
    await watch.start()
    await service.registry.create(NewDevice(name="heard"))
    await watch.poll()
    assert len(changed) == 1
    bus.down = True
    await service.registry.create(NewDevice(name="not heard"))
    bus.down = False
    await watch.poll()
    assert changed[1:] == ["*"]
    await watch.poll()
    await bus.publish("events.devices.changed", b"\x00 nothing of ours")
    assert len(changed) == 2
    await watch.stop()


async def test_an_expired_credential_is_refused_and_its_connections_asked_about(
    service: DevicesService, access: Access, clock: ManualClock, changed: list[str]
) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    issued = await service.credentials.issue(device.id, NewCredential(expires_ms=clock.now_ms() + 1000))
    assert await knock(access, issued.token) == device.id
    changed.clear()
    access.expire()
    assert changed == []
    clock.advance(1)
    access.expire()
    assert changed == [device.id]
    assert await knock(access, issued.token) == "credential_expired"


async def test_last_use_is_written_in_batches(service: DevicesService, access: Access, clock: ManualClock) -> None:
    device = await service.registry.create(NewDevice(name="d"))
    issued = await service.credentials.issue(device.id, NewCredential())
    clock.advance(5)
    await knock(access, issued.token)
    assert (await service.credentials.list(device.id))[0].last_used_ms is None
    await access.flush_used()
    assert (await service.credentials.list(device.id))[0].last_used_ms == clock.now_ms()


async def test_many_devices_at_once_are_answered_by_few_queries(
    service: DevicesService, bus: LocalBus, clock: ManualClock
) -> None:
    report = await service.registry.import_json([{"name": f"d{n}"} for n in range(300)], issue=True)
    asked: list[int] = []
    store = service.credential_store
    grants = store.grants

    def counting(digests: list[bytes]) -> object:
        asked.append(len(digests))
        return grants(digests)

    store.grants = counting  # type: ignore[method-assign, assignment]
    access = Access(store, service.device_store, service.changes, bus, clock)
    found = await asyncio.gather(*(knock(access, issued.token) for issued in report.credentials))
    assert found == [issued.device_id for issued in report.credentials]
    assert sum(asked) == 300
    assert len(asked) <= 4
    await asyncio.gather(*(knock(access, issued.token) for issued in report.credentials))
    assert sum(asked) == 300


async def test_an_edge_node_gets_its_binding(service: DevicesService, access: Access) -> None:
    edge = await service.registry.create(
        NewDevice(name="gw", kind="sparkplug_edge", sparkplug=SparkplugBinding(group_id="G", edge_node_id="E"))
    )
    token = (await service.credentials.issue(edge.id, NewCredential())).token
    principal = await access.authenticate(token, None, "c", "p")
    assert isinstance(principal, Principal)
    assert principal.may_publish("spBv1.0/G/NDATA/E")
    await service.registry.change(edge.id, DeviceChange(sparkplug=SparkplugBinding(group_id="H", edge_node_id="E")))
    again = await access.authenticate(token, None, "c", "p")
    assert isinstance(again, Principal)
    assert again.revision > principal.revision
    assert not again.may_publish("spBv1.0/G/NDATA/E")


# --- arrivals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("username", "password"), [("A1_TEST_TOKEN_0123456789", None), ("press-3", "geheim")])
async def test_one_click_lets_an_unknown_device_in_as_it_is(
    access: Access, arrivals: ArrivalService, bus: LocalBus, records: Records, username: str, password: str | None
) -> None:
    worker = ArrivalWorker(arrivals, bus)
    await worker.start()
    for _ in range(3):
        assert await knock(access, username, password) == "credential_unknown"
    await asyncio.sleep(0)
    await worker.stop()
    (arrival,) = await arrivals.list()
    assert (arrival.attempts, arrival.client_id, arrival.peer) == (3, "c1", "10.0.0.9:5")
    secret = password or username
    assert all(secret.encode() not in payload for _, payload in bus.published)
    assert secret not in repr(arrival)
    device = await arrivals.adopt(arrival.id, Adoption(name="Press three", tags=("new",)))
    assert await knock(access, username, password) == device.id
    assert await arrivals.count() == 0
    with pytest.raises(NotFound):
        await arrivals.adopt(arrival.id, Adoption(name="again"))


async def test_a_wrong_password_can_be_adopted_into_the_device_it_names(
    service: DevicesService, access: Access, arrivals: ArrivalService, bus: LocalBus
) -> None:
    device = await service.registry.create(NewDevice(name="press"))
    worker = ArrivalWorker(arrivals, bus)
    await worker.start()
    assert await knock(access, "PRESS", "other secret") == "password_wrong"
    await asyncio.sleep(0)
    await worker.stop()
    (arrival,) = await arrivals.list()
    assert arrival.device_id == device.id
    with pytest.raises(Conflict):
        await arrivals.adopt(arrival.id, Adoption(name="press"))
    with pytest.raises(Invalid):
        await arrivals.adopt(arrival.id, Adoption())
    assert (await arrivals.adopt(arrival.id, Adoption(device_id=device.id))).id == device.id
    assert await knock(access, "PRESS", "other secret") == device.id
    assert [c.origin for c in await service.credentials.list(device.id)] == ["adopted"]


async def test_arrivals_are_bounded_aged_and_dismissed(
    access: Access, arrivals: ArrivalService, bus: LocalBus, clock: ManualClock
) -> None:
    worker = ArrivalWorker(arrivals, bus)
    await worker.start()
    for number in range(5):
        await knock(access, f"token-number-{number}-of-many")
        clock.advance(1)
    await asyncio.sleep(0)
    await worker.stop()
    listed = await arrivals.list()
    assert len(listed) == SETTINGS.arrivals_limit
    assert [arrival.last_ms for arrival in listed] == sorted((a.last_ms for a in listed), reverse=True)
    await arrivals.dismiss(listed[0].id)
    with pytest.raises(NotFound):
        await arrivals.dismiss(listed[0].id)
    clock.advance(3600)
    await arrivals.age()
    assert await arrivals.count() == 0


async def test_a_flood_of_refusals_is_reported_at_a_bounded_rate(access: Access, bus: LocalBus) -> None:
    for number in range(100):
        assert await knock(access, f"guess-{number}-guess-guess") == "credential_unknown"
    await asyncio.sleep(0)
    assert 0 < len(bus.sent("arrivals.refused")) <= 20


async def test_arrivals_can_be_switched_off(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock, access: Access
) -> None:
    off = arrival_service(service, records, bus, clock, DevicesSettings(arrivals="off", adopt_sparkplug=False))
    worker = ArrivalWorker(off, bus)
    await worker.start()
    await knock(access, "a-token-that-nobody-knows")
    await asyncio.sleep(0)
    await bus.publish("arrivals.refused", b"\xc1")
    await worker.stop()
    assert await off.count() == 0


async def edge_of(service: DevicesService) -> str:
    binding = SparkplugBinding(group_id="G", edge_node_id="E")
    return (await service.registry.create(NewDevice(name="gw", kind="sparkplug_edge", sparkplug=binding))).id


def born(edge_id: str, clock: ManualClock, name: str = "drive") -> SparkplugContact:
    found = (ArrivalProperty(name="speed", unit="{rev}/min"),)
    return SparkplugContact(
        edge_id=edge_id, group_id="G", edge_node_id="E", device=name, at_ms=clock.now_ms(), properties=found
    )


async def test_a_sparkplug_device_arrives_with_its_metrics(
    service: DevicesService, arrivals: ArrivalService, clock: ManualClock
) -> None:
    edge_id = await edge_of(service)
    arrivals.record(born(edge_id, clock))
    arrivals.record(born("dev_gone", clock, "orphan"))
    assert await arrivals.flush() == []
    (arrival,) = await arrivals.list()
    assert arrival.sparkplug == SparkplugBinding(group_id="G", edge_node_id="E", device_id="drive")
    assert [p.name for p in arrival.properties] == ["speed"]
    with pytest.raises(Invalid):
        await arrivals.adopt(arrival.id, Adoption(device_id=edge_id))
    device = await arrivals.adopt(arrival.id, Adoption())
    assert (device.name, device.kind, device.parent_id) == ("drive", "sparkplug_device", edge_id)


async def test_a_sparkplug_device_is_registered_unasked_when_wanted(
    service: DevicesService, records: Records, bus: LocalBus, clock: ManualClock
) -> None:
    edge_id = await edge_of(service)
    await service.registry.create(NewDevice(name="drive"))
    eager = arrival_service(service, records, bus, clock, DevicesSettings(adopt_sparkplug=True))
    for _ in range(3):
        eager.record(born(edge_id, clock))
    (device_id,) = await eager.flush()
    device = await service.registry.get(device_id)
    assert (device.name, device.parent_id) == ("gw/drive", edge_id)
    eager.record(born(edge_id, clock))
    assert await eager.flush() == []
    assert await eager.count() == 0


# --- directory and properties ----------------------------------------------------------------------------------------


async def test_the_directory_answers_from_memory_and_forgets_what_changed(service: DevicesService) -> None:
    model = await service.models.create(ModelDocument(name="m", properties=(PropertySpec(name="t", unit="Cel"),)))
    edge_id = await edge_of(service)
    device = await service.registry.create(NewDevice(name="d", model_id=model.id))
    directory = DeviceDirectory(service.device_store, service.model_store)
    known = directory.find_device(device.id)
    assert known is not None
    assert known.properties["t"].unit == "Cel"
    assert directory.find_device("dev_x") is None
    assert directory.find_sparkplug_device(edge_id, "drive") is None
    binding = SparkplugBinding(group_id="G", edge_node_id="E", device_id="drive")
    child = await service.registry.create(
        NewDevice(name="drive", kind="sparkplug_device", parent_id=edge_id, sparkplug=binding)
    )
    assert directory.find_sparkplug_device(edge_id, "drive") is None
    directory.drop(child.id)
    assert directory.find_sparkplug_device(edge_id, "drive") == child.id
    await service.models.add_version(model.id, ModelDocument(name="m"), upgrade=True)
    assert directory.find_device(device.id) is known
    directory.drop("*")
    fresh = directory.find_device(device.id)
    assert fresh is not None
    assert fresh.properties == {}


async def test_properties_seen_are_shown_beside_those_declared(service: DevicesService, clock: ManualClock) -> None:
    spec = PropertySpec(name="t", title_zh="温度", unit="Cel", maximum=90)
    model = await service.models.create(ModelDocument(name="m", properties=(spec, PropertySpec(name="unsent"))))
    device = await service.registry.create(NewDevice(name="d", model_id=model.id))
    await service.properties.note(
        [
            SeriesInfo.of(device.id, "t", Kind.NUMBER, "Cel", True),
            SeriesInfo.of(device.id, "odd", Kind.TEXT),
            SeriesInfo.of("dev_gone", "x"),
        ]
    )
    first_ms = clock.now_ms()
    clock.advance(10)
    await service.properties.note([SeriesInfo.of(device.id, "odd", Kind.NUMBER, "rpm")])
    shown = await service.properties.list(device.id)
    assert [(p.name, p.known, p.type, p.symbol, p.first_seen_ms) for p in shown] == [
        ("t", True, "number", "°C", first_ms),
        ("unsent", True, "number", None, None),
        ("odd", False, "number", "rpm", first_ms),
    ]
    with pytest.raises(NotFound):
        await service.properties.list("dev_gone")
    found = await service.registry.list(devices.DeviceQuery(property="odd"))
    assert [each.id for each in found.items] == [device.id]
    assert msgspec.json.encode(shown)
