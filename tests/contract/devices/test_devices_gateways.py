"""Gateways and what is below them, on SQLite and PostgreSQL: bindings, registering, arrivals, who may sign in."""

import asyncio

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import (
    Access,
    ArrivalService,
    ArrivalStore,
    ChildContact,
    DeviceChange,
    DeviceDirectory,
    DevicesService,
    DevicesSettings,
    ForeignAddress,
    NewCredential,
    NewDevice,
)
from millwright.devices.arrivals import Adoption
from millwright.devices.dialects import Children
from millwright.devices.dialects.model import Address
from millwright.devices.models import ModelDocument
from millwright.devices.registry import DeviceQuery
from millwright.kernel import Conflict, Invalid, SystemClock, Unavailable
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]
ALIBABA = ForeignAddress(dialect="alibaba", product_key="pk1", name="pump7")


@pytest.fixture
def plant(records):
    return Site(records)


class Site:
    """The domain over one database."""

    def __init__(self, records, **settings) -> None:
        self.records, self.bus, self.clock = records, LocalBus(), SystemClock()
        self.settings = DevicesSettings(**settings)
        self.devices = DevicesService(records, self.bus, self.clock, self.settings)
        self.directory = DeviceDirectory(self.devices.device_store, self.devices.model_store)
        self.children = Children(records, self.devices.device_store, self.directory, self.clock, self.settings)
        self.arrivals = ArrivalService(
            ArrivalStore(records), self.devices.device_store, self.devices.changes, self.bus, self.clock, self.settings
        )
        self.access = Access(
            self.devices.credential_store, self.devices.device_store, self.devices.changes, self.bus, self.clock
        )

    async def gateway(self, name="gw", **more):
        return await self.devices.registry.create(NewDevice(name=name, kind="gateway", **more))

    def known(self, device_id):
        found = self.directory.find_device(device_id)
        assert found is not None
        return found

    async def below(self, gateway):
        return (await self.devices.registry.list(DeviceQuery(parent_id=gateway.id))).items


async def test_a_gateway_registers_devices_once_and_by_its_own_names(plant):
    gateway = await plant.gateway(place_id=None)
    other = await plant.gateway("other")
    await plant.devices.models.create(ModelDocument(name="Sensor A", properties=()))
    address = Address("thingsboard", "", "Device A")
    for each in (gateway, other):
        plant.children.meet(plant.known(each.id), address, "sensor a")
        plant.children.meet(plant.known(each.id), address, "sensor a")
    [mine], [theirs] = await plant.below(gateway), await plant.below(other)
    assert (mine.name, mine.kind, mine.parent_id) == ("Device A", "gateway_device", gateway.id)
    assert mine.address == ForeignAddress(dialect="thingsboard", name="Device A")
    assert mine.model_id is not None
    assert theirs.name == "other/Device A"
    assert sorted(plant.children.take_registered()) == sorted([mine.id, theirs.id])
    assert plant.children.find(plant.known(gateway.id), address).device_id == mine.id
    assert plant.devices.presence_store.links() == {mine.id: gateway.id, theirs.id: other.id}
    with pytest.raises(Conflict, match="still used by"):
        await plant.devices.registry.delete(gateway.id)


async def test_names_that_are_no_names_here_and_too_many(records):
    site = Site(records, gateway_devices=3)
    gateway = await site.gateway()
    for name in ("dev_1", " spaced\t", "\x07", "one too many"):
        site.children.meet(site.known(gateway.id), Address("thingsboard", "", name))
    found = {each.address.name: each.name for each in await site.below(gateway)}
    # A control character stays refused, as an arrival's name would be.
    assert found["dev_1"] == "gw/dev_1"
    assert len(found) == 2 or len(found) == 3
    assert "\x07" not in found
    assert all(not each.startswith("dev_") for each in found.values())


async def test_many_new_devices_are_registered_at_a_pace(plant, monkeypatch):
    monkeypatch.setattr("millwright.devices.dialects.children._A_SECOND", 2)
    now_s = 100.0
    monkeypatch.setattr(plant.clock, "monotonic_s", lambda: now_s)
    known = plant.known((await plant.gateway()).id)
    addresses = [Address("thingsboard", "", str(number)) for number in range(5)]
    for address in addresses[:2]:
        plant.children.meet(known, address)
    with pytest.raises(Unavailable) as error:
        plant.children.meet(known, addresses[2])
    assert error.value.code == "devices.registering"
    plant.children.meet(known, addresses[0])  # one that is known waits for nothing
    now_s = 101.5
    plant.children.meet(known, addresses[2])
    assert len(plant.children.take_registered()) == 3


async def test_the_devices_of_one_message_are_registered_together(plant):
    gateway = await plant.gateway()
    await plant.devices.registry.create(NewDevice(name="N3"))
    await plant.devices.models.create(ModelDocument(name="Meter", properties=()))
    known = plant.known(gateway.id)
    named = [Address("thingsboard", "", f"n{number}") for number in range(1200)]
    odd = [Address("thingsboard", "", name) for name in ("dev_1", "\x07", "Twin", "tWIN", "n0")]
    plant.children.meet_all(known, [*((address, "meter") for address in named), *((address, "") for address in odd)])
    plant.children.meet_all(known, [(address, "meter") for address in named])
    found = {each.address.name: each for each in plant.devices.device_store.iter(DeviceQuery(parent_id=gateway.id))}
    assert set(found) == {address.name for address in (*named, *odd)} - {"\x07"}
    assert {found[name].name for name in ("n0", "n3", "dev_1")} == {"n0", "gw/n3", "gw/dev_1"}
    assert sorted((found["Twin"].name, found["tWIN"].name)) == ["Twin", "gw/tWIN"]
    assert all(found[address.name].model_id is not None for address in named)
    registered = plant.children.take_registered()
    assert sorted(registered) == sorted(each.id for each in found.values())
    assert plant.children.find(known, named[7]).device_id == found["n7"].id


async def test_names_that_are_refused_make_nobody_wait(plant, monkeypatch):
    """However many a message has: its gateway is not listened to for a minute, and others register at once."""
    now_s = 100.0
    monkeypatch.setattr(plant.clock, "monotonic_s", lambda: now_s)
    bad, good = plant.known((await plant.gateway()).id), plant.known((await plant.gateway("other")).id)
    tried = []
    register = plant.children._register
    monkeypatch.setattr(plant.children, "_register", lambda *all_of: tried.append(all_of[1]) or register(*all_of))
    names = [Address("thingsboard", "", f"bell\x07{number}") for number in range(12_000)]
    for address in [*names, *names[:10]]:
        plant.children.meet(bad, address)
    assert len(tried) == 100
    plant.children.meet(bad, Address("thingsboard", "", "fine"))  # its minute is over first
    plant.children.meet(good, Address("thingsboard", "", "fine"))
    [only] = plant.children.take_registered()
    assert plant.children.find(good, Address("thingsboard", "", "fine")).device_id == only
    now_s = 161.0
    plant.children.meet(bad, Address("thingsboard", "", "fine"))
    assert len(plant.children.take_registered()) == 1


async def test_a_gateway_that_is_full_is_asked_no_more_for_a_minute(records, monkeypatch):
    site = Site(records, gateway_devices=2)
    now_s = 100.0
    monkeypatch.setattr(site.clock, "monotonic_s", lambda: now_s)
    gateway = await site.gateway()
    known = site.known(gateway.id)
    tried = []
    register = site.children._register
    monkeypatch.setattr(site.children, "_register", lambda *all_of: tried.append(all_of[1]) or register(*all_of))
    for number in range(50):
        site.children.meet(known, Address("thingsboard", "", str(number)))
    assert len(tried) == 3
    for each in await site.below(gateway):
        await site.devices.registry.delete(each.id)
    now_s = 161.0
    site.directory.drop("*")
    site.children.meet(known, Address("thingsboard", "", "49"))
    assert [each.name for each in await site.below(gateway)] == ["49"]


async def test_one_gateway_registers_so_many_in_a_minute(plant, monkeypatch):
    monkeypatch.setattr("millwright.devices.dialects.children._A_MINUTE", 3)
    now_s = 100.0
    monkeypatch.setattr(plant.clock, "monotonic_s", lambda: now_s)
    first, second = plant.known((await plant.gateway()).id), plant.known((await plant.gateway("other")).id)
    for known in (first, second):
        for number in range(5):
            plant.children.meet(known, Address("thingsboard", "", str(number)))
    assert len(plant.children.take_registered()) == 6
    now_s = 161.0
    plant.children.meet(first, Address("thingsboard", "", "4"))
    assert len(plant.children.take_registered()) == 1


async def test_one_that_may_not_register_makes_arrivals_that_are_adopted(plant):
    gateway = await plant.gateway(registers=False)
    address = Address("thingsboard", "", "A")
    plant.children.meet(plant.known(gateway.id), address)
    assert plant.children.find(plant.known(gateway.id), address) is None
    contact = ChildContact(
        gateway_id=gateway.id, dialect="thingsboard", product="", name="A", type="", at_ms=plant.clock.now_ms()
    )
    for _ in range(2):
        plant.arrivals.record(contact)
    await plant.arrivals.flush()
    [arrival] = await plant.arrivals.list()
    assert (arrival.kind, arrival.parent_id, arrival.address.name, arrival.attempts) == ("gateway", gateway.id, "A", 2)
    device = await plant.arrivals.adopt(arrival.id, Adoption(name="meter 1"))
    assert (device.kind, device.parent_id, device.address) == ("gateway_device", gateway.id, arrival.address)
    plant.directory.drop("*")
    assert plant.children.find(plant.known(gateway.id), address).device_id == device.id


async def test_an_address_belongs_to_one_device(plant):
    registry = plant.devices.registry
    first = await registry.create(NewDevice(name="a", address=ALIBABA))
    assert first.address == ALIBABA
    with pytest.raises(Conflict) as error:
        await registry.create(NewDevice(name="b", address=ALIBABA))
    assert error.value.code == "devices.address_taken"
    second = await registry.create(NewDevice(name="b"))
    with pytest.raises(Conflict):
        await registry.change(second.id, DeviceChange(address=ALIBABA))
    await registry.change(first.id, DeviceChange(address=None))
    assert (await registry.change(second.id, DeviceChange(address=ALIBABA))).address == ALIBABA


@pytest.mark.parametrize(
    "new",
    [
        NewDevice(name="x", address=ForeignAddress(dialect="alibaba", name="n")),
        NewDevice(name="x", address=ForeignAddress(dialect="jetlinks", name="n")),
        NewDevice(name="x", address=ForeignAddress(dialect="thingsboard", name="n")),
        NewDevice(name="x", address=ForeignAddress(dialect="alibaba", product_key="a/b", name="n")),
        NewDevice(name="x", address=ForeignAddress(dialect="alibaba", product_key="a", name="n&m")),
        NewDevice(name="x", kind="gateway_device"),
        NewDevice(name="x", kind="gateway", parent_id="dev_1"),
    ],
)
async def test_what_is_no_address_is_refused(plant, new):
    with pytest.raises(Invalid):
        await plant.devices.registry.create(new)


async def test_a_device_becomes_a_gateway_and_back(plant):
    registry = plant.devices.registry
    device = await registry.create(NewDevice(name="a"))
    with pytest.raises(Invalid):
        await registry.change(device.id, DeviceChange(registers=True))
    gateway = await registry.change(device.id, DeviceChange(kind="gateway"))
    assert (gateway.kind, gateway.registers) == ("gateway", True)
    gateway = await registry.change(device.id, DeviceChange(registers=False))
    assert gateway.registers is False
    await registry.create(NewDevice(
        name="child", kind="gateway_device", parent_id=device.id, address=ForeignAddress(dialect="jetlinks", name="c"),
    ))  # fmt: skip
    with pytest.raises(Conflict):
        await registry.change(device.id, DeviceChange(kind="device"))
    with pytest.raises(Invalid):
        await registry.create(NewDevice(
            name="wrong", kind="gateway_device", parent_id=(await registry.create(NewDevice(name="p"))).id,
            address=ForeignAddress(dialect="jetlinks", name="c"),
        ))  # fmt: skip


async def test_who_signs_in_as_its_platform_has_it(plant):
    device = await plant.devices.registry.create(NewDevice(name="a", address=ALIBABA))
    issued = await plant.devices.credentials.issue(device.id, NewCredential())
    for username in ("pump7&pk1", "pump7", "a", device.id):
        principal = await plant.access.authenticate(username, issued.token.encode(), "c", "peer:1")
        assert getattr(principal, "device_id", None) == device.id, username
        assert principal.may_publish("/sys/pk1/pump7/thing/event/property/post")
        assert principal.may_publish("/ota/device/inform/pk1/pump7")
        assert principal.may_subscribe("/sys/pk1/pump7/thing/event/+/post_reply")
        assert not principal.may_publish("/sys/pk1/pump8/thing/event/property/post")
        assert not principal.may_publish("/sys/pk1/pump77/thing/event/property/post")
        assert not principal.may_publish("v1/gateway/telemetry")
        assert not principal.may_subscribe("/sys/#")
        assert not principal.may_subscribe("/#")
    refused = await plant.access.authenticate("pump7&pk2", issued.token.encode(), "c", "peer:1")
    assert getattr(refused, "reason", "") == "credential_unknown"
    await asyncio.sleep(0)


async def test_a_fleet_comes_as_a_file(plant):
    file = (
        "name,kind,dialect,product_key,foreign_name\n"
        "a,device,alibaba,pk1,n1\n"
        "n2,device,alibaba,pk1,\n"
        "b,device,alibaba,pk1,n1\n"
        "c,gateway,jetlinks,prod,g\n"
        "d,device,,pk1,\n"
        "e,gateway_device,jetlinks,,x\n"
    )
    report = await plant.devices.registry.import_csv(file.encode())
    assert (report.created, [each.row for each in report.refused]) == (3, [3, 5, 6])
    found = {each.name: each.address for each in (await plant.devices.registry.list(DeviceQuery())).items}
    assert msgspec.to_builtins(found["n2"]) == {"dialect": "alibaba", "product_key": "pk1", "name": "n2"}
    out = "".join([part async for part in plant.devices.registry.export_csv(DeviceQuery(q="n2"))])
    assert "alibaba,pk1,n2" in out
