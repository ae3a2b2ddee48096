"""Commands, their states, interlocks and locks behave the same over SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from millwright import certificates, devices, parties
from millwright.devices import DevicesService, ModelDocument, NewDevice, PropertySpec, SparkplugBinding
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.interlocks import NewInterlock, NoAlarm
from millwright.devices.commands.model import OPEN, UNDER_WAY, WAITING, Lock, Outcome
from millwright.devices.commands.store import CommandStore
from millwright.engines.sql import Records
from millwright.kernel import Conflict, LimitExceeded, ManualClock, NotFound, Outdated, new_id
from support.bus import LocalBus

MIGRATIONS = [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS]


@pytest.fixture
async def device_id(records: Records) -> str:
    service = DevicesService(records, LocalBus(), ManualClock())
    model = await service.models.create(
        ModelDocument(name="m", properties=(PropertySpec(name="setpoint", writable=True),))
    )
    return (await service.registry.create(NewDevice(name="pump", model_id=model.id))).id


def row(device_id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": new_id("cmd"), "device_id": device_id, "kind": "write", "name": "setpoint", "value": 5, "inputs": {},
        "unit": None, "tolerance": None, "confirm": "any", "reason": "r", "by_id": "per_1", "by_name": "ada",
        "asked_ms": 1, "expires_ms": 9, "timeout_s": 5.0, "batch_id": None,
    } | more  # fmt: skip


def test_a_state_changes_only_from_where_it_may(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    command, _ = store.insert(row(device_id), key=None, most=9, supersede=True)
    assert (command.state, command.device_name, command.value) == ("queued", "pump", 5)
    assert store.move(command.id, UNDER_WAY, "confirmed", 2) is None
    moved = store.move(command.id, WAITING, "sending", 2, attempts=1, route="mqtt_own", attempt={"listener": "l"})
    assert moved is not None
    assert store.open()[0].attempt == {"listener": "l"}
    assert store.move(command.id, WAITING, "cancelled", 2) is None
    ended = store.move(command.id, UNDER_WAY, "confirmed", 3, Outcome(code="commands.answered", text="done"))
    assert ended is not None
    assert (ended.ended_ms, ended.outcome.code if ended.outcome else "") == (3, "commands.answered")
    assert store.move(command.id, OPEN, "failed", 4) is None, "an end is an end"
    assert [each.state for each in store.history(command.id)] == ["queued", "sending", "confirmed"]
    ((ledger_id, told),) = store.untold()
    assert told.id == command.id
    store.told([ledger_id])
    assert store.untold() == []


async def test_a_command_to_an_edge_node_of_sparkplug_names_no_device_below_it(records: Records) -> None:
    service = DevicesService(records, LocalBus(), ManualClock())
    binding = SparkplugBinding(group_id="plant", edge_node_id="e1")
    edge = await service.registry.create(NewDevice(name="e1", kind="sparkplug_edge", sparkplug=binding))
    below = SparkplugBinding(group_id="plant", edge_node_id="e1", device_id="mixer")
    mixer = await service.registry.create(
        NewDevice(name="mixer", kind="sparkplug_device", sparkplug=below, parent_id=edge.id)
    )
    store = CommandStore(records)
    for device_id in (edge.id, mixer.id):
        store.insert(row(device_id), key=None, most=9, supersede=True)
    found = {each.command.device_id: (each.edge_node_id, each.sparkplug_device) for each in store.open()}
    assert found == {edge.id: ("e1", None), mixer.id: ("e1", "mixer")}


def test_one_attempt_at_a_time_for_each_property(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    one, two = (store.insert(row(device_id), key=None, most=9, supersede=False)[0] for _ in range(2))
    other, _ = store.insert(row(device_id, name="mode"), key=None, most=9, supersede=False)
    assert store.move(one.id, WAITING, "sending", 2) is not None
    assert store.move(two.id, WAITING, "sending", 2) is None
    assert store.move(other.id, WAITING, "sending", 2) is not None
    assert store.move(one.id, UNDER_WAY, "timed_out", 3) is not None
    assert store.move(two.id, WAITING, "sending", 4) is not None


def test_of_many_who_move_it_one_does(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    command, _ = store.insert(row(device_id), key=None, most=9, supersede=True)
    with ThreadPoolExecutor(8) as pool:
        states = ["sending", "cancelled"] * 8
        done = [each for each in pool.map(lambda s: store.move(command.id, WAITING, s, 2), states) if each]
    assert len(done) == 1
    found = store.find(command.id)
    assert found is not None
    assert found.state == done[0].state


def test_a_newer_write_takes_the_place_of_what_waits(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    old, _ = store.insert(row(device_id), key=None, most=2, supersede=True)
    call, _ = store.insert(row(device_id, kind="call", value=None), key=None, most=2, supersede=False)
    new, ended = store.insert(row(device_id, value=7), key=None, most=2, supersede=True)
    assert [(each.id, each.state, each.superseded_by) for each in ended] == [(old.id, "superseded", new.id)]
    with pytest.raises(LimitExceeded):
        store.insert(row(device_id, name="mode"), key=None, most=2, supersede=True)
    assert [each.command.id for each in store.open()] == [call.id, new.id]


async def test_many_commands_of_one_device_keep_those_of_others_not_waiting(records: Records, device_id: str) -> None:
    service = DevicesService(records, LocalBus(), ManualClock())
    other_id = (await service.registry.create(NewDevice(name="fan"))).id
    store = CommandStore(records)
    many = [store.insert(row(device_id), key=None, most=99, supersede=False)[0].id for _ in range(5)]
    others = [store.insert(row(other_id), key=None, most=99, supersede=False)[0].id for _ in range(2)]
    assert [each.command.id for each in store.open()] == [*many, *others]
    assert [each.command.id for each in store.open(limit=4)] == [*many[:2], *others]
    assert store.move(many[4], WAITING, "sending", 2) is not None
    assert [each.command.id for each in store.open(limit=3)] == [many[0], many[4], others[0]]


def test_a_key_is_one_command(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: store.insert(row(device_id), key="k", most=99, supersede=False)[0].id, range(6)))
    assert len(set(made)) == 1
    with pytest.raises(Conflict):
        store.insert(row(device_id, value=6), key="k", most=99, supersede=False)
    assert store.insert(row(device_id, by_id="per_2"), key="k", most=99, supersede=False)[0].id != made[0]


def test_pages_and_trimming(records: Records, device_id: str) -> None:
    store = CommandStore(records)
    ids = []
    for number in range(7):
        command, _ = store.insert(row(device_id, name=f"p{number}"), key=None, most=99, supersede=False)
        ids.append(command.id)
        if number != 2:
            store.move(command.id, WAITING, "expired", 2)
    page = store.page(device_id=device_id, limit=3)
    rest = store.page(device_id=device_id, limit=9, before=int(page.next or 0))
    assert [each.id for each in page.items + rest.items] == ids[::-1]
    store.trim([device_id], 3)
    assert len(store.page(device_id=device_id).items) == 7, "what the ledger does not know stays"
    store.told([ledger_id for ledger_id, _ in store.untold()])
    store.trim([device_id], 3)
    assert [each.id for each in store.page(device_id=device_id).items] == [ids[6], ids[5], ids[4], ids[2]]
    assert store.history(ids[0]) == []


async def test_what_a_device_had_goes_with_it(records: Records, device_id: str) -> None:
    store, guards = CommandStore(records), GuardStore(records)
    command, _ = store.insert(row(device_id), key=None, most=9, supersede=True)
    guards.insert("ilk_1", NewInterlock(name="r", device_id=device_id, conditions=[NoAlarm()]), 1, 9)
    await DevicesService(records, LocalBus(), ManualClock()).registry.delete(device_id)
    assert store.find(command.id) is None
    assert guards.list() == []


def test_interlocks_and_locks(records: Records, device_id: str) -> None:
    guards = GuardStore(records)
    model_id = CommandStore(records).model_of(device_id)
    assert model_id is not None
    made = guards.insert("ilk_1", NewInterlock(name="r", device_id=device_id, conditions=[NoAlarm()]), 1, 2)
    guards.insert("ilk_2", NewInterlock(name="s", model_id=model_id[0], command="mode", conditions=[NoAlarm()]), 1, 2)
    with pytest.raises(LimitExceeded):
        guards.insert("ilk_3", NewInterlock(name="t", device_id=device_id, conditions=[NoAlarm()]), 1, 2)
    with pytest.raises(NotFound):
        guards.insert("ilk_3", NewInterlock(name="t", device_id="dev_none", conditions=[NoAlarm()]), 1, 9)
    assert [each.id for each in guards.standing(device_id, model_id[0], "setpoint")] == ["ilk_1"]
    assert [each.id for each in guards.standing(device_id, model_id[0], "mode")] == ["ilk_1", "ilk_2"]
    off = NewInterlock(name="r", device_id=device_id, conditions=[NoAlarm()], enabled=False)
    with pytest.raises(Outdated):
        guards.replace("ilk_1", off, made.revision + 1)
    assert guards.replace("ilk_1", off, made.revision)[1].revision == 2
    assert guards.standing(device_id, None, "setpoint") == []
    guards.place(Lock(id="lck_1", device_id=device_id, by_id="per_1", by_name="ada", reason="work", placed_ms=5))
    assert [each.id for each in guards.locks(device_id, standing=True)] == ["lck_1"]
    assert guards.release("lck_1", "ada", 6) is not None
    assert guards.release("lck_1", "ada", 7) is None
    assert guards.locks(device_id, standing=True) == []
    assert guards.locks(device_id)[0].released_by == "ada"
