"""The worker with a connector's points over real Modbus, and after a crash in the midst of sending."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright import certificates, devices, parties
from millwright.devices import DevicesService, ModelDocument, NewDevice, PropertySpec
from millwright.devices.commands.guard_store import GuardStore
from millwright.devices.commands.hearing import Hearing
from millwright.devices.commands.judging import Judge
from millwright.devices.commands.model import OPEN, WAITING, Command
from millwright.devices.commands.routes.mqtt import MqttRoute
from millwright.devices.commands.routes.sparkplug import SparkplugRoute
from millwright.devices.commands.sending import Sender
from millwright.devices.commands.settings import CommandsSettings
from millwright.devices.commands.store import CommandStore
from millwright.devices.commands.telling import Teller
from millwright.devices.commands.worker import CommandWorker
from millwright.devices.models import ServiceSpec
from millwright.devices.models.store import ModelStore
from millwright.devices.mqtt.delivery import FIND, FOUND, Ask, Deliver, Delivered, Found, subject_of
from millwright.devices.telemetry import Decoded
from millwright.engines.nats import StreamSpec
from millwright.engines.sql import Records
from millwright.historian import Reading, ReadingBatch, series_id
from millwright.kernel import ManualClock, SystemClock, new_id
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from support.bus import LocalBus
from support.connector_route import ModbusPoints, check_connector_route, modbus_machine, register_of
from support.mqtt import until
from support.sqlite import migrated


class Stream:
    """Where ledger entries go."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    async def ensure_stream(self, spec: StreamSpec) -> None:
        assert spec.name == "LEDGER"

    async def append(self, subject: str, payload: bytes, *, message_id: str = "", timeout_s: float = 5.0) -> int:
        self.entries += [each["entry"] for each in msgspec.json.decode(payload)]
        return len(self.entries)


class Desk:
    """A listener as the worker sees it: says that devices are there, and takes what is to be delivered."""

    def __init__(self, bus: LocalBus, remembered: str = "") -> None:
        self._bus, self._remembered = bus, remembered
        self.delivered: list[Deliver] = []
        self.asked: list[Deliver] = []

    async def open(self) -> None:
        await self._bus.subscribe(FIND, self._find)
        await self._bus.serve(subject_of("l1"), self._deliver)

    async def _find(self, _subject: str, payload: bytes) -> None:
        asks = msgspec.msgpack.decode(payload, type=list[Ask])
        await self._bus.publish(FOUND, msgspec.msgpack.encode(Found("l1", "boot", {each.key: 0 for each in asks})))

    async def _deliver(self, payload: bytes) -> bytes:
        request = msgspec.msgpack.decode(payload, type=Deliver)
        if request.payload is None:
            self.asked.append(request)
            return msgspec.msgpack.encode(Delivered(self._remembered or "unknown"))  # type: ignore[arg-type]
        self.delivered.append(request)
        return msgspec.msgpack.encode(Delivered("taken"))


@pytest.fixture
def records(tmp_path: Path) -> Any:
    found = migrated(tmp_path, [parties.MIGRATIONS, certificates.MIGRATIONS, devices.MIGRATIONS])
    yield found.scoped(EVERYTHING)
    found.close()


@asynccontextmanager
async def working(records: Records, bus: LocalBus, stream: Stream, points: Any = None) -> AsyncIterator[CommandWorker]:
    store, clock = CommandStore(records), SystemClock()

    async def nothing(*_: object) -> Any:
        return {}

    judge = Judge(GuardStore(records), clock, nothing, nothing, nothing)
    worker = CommandWorker(
        store,
        Sender(store, judge, nothing, clock),
        Hearing(store, ModelStore(records), bus, clock),
        Teller(store, Recorder(stream), clock),
        bus,
        clock,
        CommandsSettings(),
        mqtt=MqttRoute(bus, clock),
        sparkplug=SparkplugRoute(bus, clock, {}),
    )
    if points is not None:
        worker.use_connectors(points)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def device(records: Records) -> str:
    service = DevicesService(records, LocalBus(), SystemClock())
    document = ModelDocument(
        name="m",
        properties=(PropertySpec(name="setpoint", type="integer", writable=True),),
        services=(ServiceSpec(name="go"),),
    )
    model = await service.models.create(document)
    return (await service.registry.create(NewDevice(name="pump", model_id=model.id))).id


def asked(records: Records, device_id: str, **more: Any) -> Command:
    now = SystemClock().now_ms()
    row: dict[str, Any] = {
        "id": new_id("cmd"), "device_id": device_id, "kind": "write", "name": "setpoint", "value": 7, "inputs": {},
        "unit": None, "tolerance": None, "confirm": "any", "reason": "", "by_id": "per_1", "by_name": "ada",
        "asked_ms": now, "expires_ms": now + 60_000, "timeout_s": 3.0, "batch_id": None,
    }  # fmt: skip
    return CommandStore(records).insert(row | more, key=None, most=99, supersede=False)[0]


async def ended(records: Records, command: Command) -> Command:
    store = CommandStore(records)
    found: list[Command] = [command]

    def over() -> bool:
        now = store.find(command.id)
        assert now is not None
        found[0] = now
        return now.state not in OPEN

    await until(over, timeout_s=20)
    return found[0]


async def test_the_contract_holds_over_modbus() -> None:
    async with modbus_machine(1, 2) as port:
        points = ModbusPoints(port, "dev_1", {"setpoint": (0, True), "speed": (1, False)})
        await check_connector_route(points, "dev_1", writable="setpoint", values=(40, 41), unmapped="mode")


async def test_a_point_of_a_connection_is_written_and_read_back(records: Records) -> None:
    device_id, stream = await device(records), Stream()
    async with modbus_machine(1, 2) as port:
        points = ModbusPoints(port, device_id, {"setpoint": (0, True), "speed": (1, False), "go": (0, True)})
        async with working(records, LocalBus(), stream, points):
            done = await ended(records, asked(records, device_id))
            assert (done.state, done.route, done.after.value if done.after else None) == ("confirmed", "connector", 7)
            assert await register_of(port, 0) == 7
            odd = await ended(records, asked(records, device_id, name="speed"))
            assert (odd.state, odd.outcome.code if odd.outcome else "") == ("failed", "commands.point_not_writable")
            call = await ended(records, asked(records, device_id, kind="call", name="go", value=None))
            assert (call.state, call.outcome.code if call.outcome else "") == ("failed", "test.no_methods")
    assert [each["action"] for each in stream.entries] == ["commands.confirmed", "commands.failed", "commands.failed"]
    gone = ModbusPoints(port, device_id, {"setpoint": (0, True)})  # the machine is away
    async with working(records, LocalBus(), stream, gone):
        late = await ended(records, asked(records, device_id, timeout_s=0.5))
    assert (late.state, late.attempts) == ("timed_out", 3)


@pytest.mark.parametrize(
    ("kind", "remembered", "sent", "states"),
    [
        ("write", "taken", 0, ["sent"]),
        ("call", "taken", 0, ["sent"]),
        ("write", "absent", 1, ["queued", "sending", "sent"]),
        ("call", "absent", 1, ["queued", "sending", "sent"]),
        ("write", "unknown", 1, ["queued", "sending", "sent"]),
        ("call", "unknown", 0, ["sent"]),
    ],
)
async def test_after_a_crash_in_the_midst_of_sending(
    records: Records, kind: str, remembered: str, sent: int, states: list[str]
) -> None:
    device_id, bus = await device(records), LocalBus()
    store = CommandStore(records)
    more = {"name": "go", "value": None} if kind == "call" else {}
    command = asked(records, device_id, kind=kind, **more)
    now = SystemClock().now_ms()
    token = {"listener": "l1", "boot": "boot", "topic": "millwright/v1/commands/request", "as": "own"}
    store.move(
        command.id, WAITING, "sending", now, attempts=1, sent_ms=now, deadline_ms=now + 60_000, route="mqtt_own",
        attempt=token,
    )  # fmt: skip
    desk = Desk(bus, remembered)
    await desk.open()
    async with working(records, bus, Stream()):
        before = 2

        def there() -> bool:
            return [each.state for each in store.history(command.id)][before:] == states

        await until(there, timeout_s=10)
        await asyncio.sleep(0.6)
        assert there(), "and no more comes of it"
    assert [each.attempt for each in desk.asked] == [f"{command.id}.1"]
    assert [each.attempt for each in desk.delivered] == [f"{command.id}.2"] * sent


async def test_a_reading_received_ahead_of_the_clock_confirms_nothing(records: Records) -> None:
    device_id, store, clock = await device(records), CommandStore(records), ManualClock(SystemClock().now_ms())
    sent_ms = clock.now_ms()
    command = asked(records, device_id)
    store.move(command.id, WAITING, "sending", sent_ms, attempts=1, sent_ms=sent_ms, deadline_ms=sent_ms + 60_000)
    hearing = Hearing(store, ModelStore(records), LocalBus(), clock)
    known = {each.command.id: each for each in store.open()}
    hearing.watch(each.command for each in known.values())
    for ahead_ms, states in ((86_400_000, []), (5_001, []), (4_999, ["confirmed"])):
        reading = Reading(series_id(device_id, "setpoint"), sent_ms, 7.0, received_ms=sent_ms + ahead_ms)
        assert hearing.offer(Decoded(ReadingBatch.of([reading])))
        assert [each.state for each in await hearing.take(known)] == states
