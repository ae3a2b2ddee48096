"""A server of vehicles on free ports, a door that knows a few, a terminal that speaks GB/T 32960, and its reports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from millwright.devices.mqtt import JetStreamIntake
from millwright.devices.mqtt.ports import Principal, Refusal
from millwright.devices.vehicles import VehicleServer, VehiclesSettings, writing
from millwright.devices.vehicles.frames import Answer, FrameReader, Message
from millwright.engines.nats import NatsConnection
from millwright.kernel import SystemClock, Unavailable
from support.ports import free_port

VIN = "LSVAM4187C2184847"
OTHER_VIN = "LFV2A21K6A3098765"
ICCID = "89860012345678901234"
T = 1_750_000_000_000

VEHICLE: dict[str, Any] = {
    "vehicle_state": 1, "charge_state": 3, "run_mode": 1, "speed": 88.8, "odometer": 12345.6, "total_voltage": 350.5,
    "total_current": -12.3, "soc": 77, "dcdc_state": 1, "gear": 14, "driving_force": True, "braking_force": False,
    "insulation_resistance": 5000, "accelerator": 30, "brake": 0,
}  # fmt: skip
MOTOR: dict[str, Any] = {
    "motor.1.state": 1, "motor.1.controller_temperature": 50, "motor.1.speed": -3000, "motor.1.torque": -55.5,
    "motor.1.temperature": 66, "motor.1.controller_voltage": 350.1, "motor.1.controller_current": 10.1,
}  # fmt: skip
EXTREMES: dict[str, Any] = {
    "extreme.max_voltage_subsystem": 1, "extreme.max_voltage_cell": 96, "extreme.max_cell_voltage": 3.295,
    "extreme.min_voltage_subsystem": 1, "extreme.min_voltage_cell": 1, "extreme.min_cell_voltage": 3.2,
    "extreme.max_temperature_subsystem": 1, "extreme.max_temperature_probe": 10, "extreme.max_temperature": 29,
    "extreme.min_temperature_subsystem": 1, "extreme.min_temperature_probe": 1, "extreme.min_temperature": -20,
}  # fmt: skip
CELLS = [round(3.2 + number / 1000, 3) for number in range(96)]
PROBES = [20 + number % 10 for number in range(32)]


def electric(vin: str = VIN, time_ms: int = T, **changes: Any) -> bytes:
    """A report as an electric car sends it; ``changes`` are of the vehicle's item, ``command`` is the message's."""
    command = changes.pop("command", 0x02)
    items = [
        writing.vehicle(VEHICLE | changes),
        writing.motors(MOTOR, 1),
        writing.place(121.473701, 31.230416),
        writing.extremes(EXTREMES),
        writing.alarms(2, ["insulation", "soc_low"], {"motor": [0xDEADBEEF]}),
        writing.voltages({"storage.1.voltage": 350.5, "storage.1.current": -12.3}, {1: CELLS}),
        writing.temperatures({1: PROBES}),
    ]
    return writing.report(vin, time_ms, items, command=command)


@dataclass
class Known:
    """A device that was let in."""

    device_id: str
    name: str = "vehicle"
    revision: int = 1
    organisation_id: str = "org_root"
    gateway: bool = False

    def may_publish(self, topic: str) -> bool:
        return self.gateway and topic.startswith("v1/gateway/")

    def may_subscribe(self, topic_filter: str) -> bool:
        return False


@dataclass
class ListedDoor:
    """Knows who is in ``known``, by (name, secret)."""

    known: dict[tuple[str, str], Known] = field(
        default_factory=lambda: {
            (VIN, ICCID): Known("dev_car"),
            (OTHER_VIN, ICCID): Known("dev_other"),
            ("city", "secret"): Known("dev_city", gateway=True),
        }
    )
    asked: int = 0
    busy: bool = False

    async def authenticate(
        self, username: str | None, password: bytes | None, client_id: str, peer: str
    ) -> Principal | Refusal:
        self.asked += 1
        await asyncio.sleep(0)
        if self.busy:
            raise Unavailable("away", code="test.away")
        found = self.known.get((username or "", (password or b"").decode()))
        return found or Refusal(4, "credential_unknown", arrival=False)


@asynccontextmanager
async def running_server(
    nats_url: str,
    door: Any = None,
    *,
    wrap_intake: Callable[[Any], Any] = lambda intake: intake,
    tls: Any = None,
    pacer: Any = None,
    **settings: Any,
) -> AsyncIterator[VehicleServer]:
    connection = NatsConnection(nats_url, "test vehicles")
    await connection.start()
    try:
        intake = JetStreamIntake(connection, "vehicles1")
        await intake.start()
        settings.setdefault("port", free_port())
        server = VehicleServer(
            VehiclesSettings(host="127.0.0.1", **settings),
            door or ListedDoor(),
            wrap_intake(intake),
            connection,
            SystemClock(),
            listener_id="vehicles1",
            tls=tls,
            pacer=pacer,
        )
        await server.start()
        try:
            yield server
        finally:
            await server.stop()
    finally:
        await connection.stop()


class Terminal:
    """A terminal, or a platform: sends bytes, reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self._ready: list[Message] = []

    @classmethod
    async def open(cls, port: int, **options: Any) -> Terminal:
        return cls(*await asyncio.open_connection("127.0.0.1", port, **options))

    @classmethod
    async def logged_in(cls, port: int, vin: str = VIN, iccid: str = ICCID, **options: Any) -> Terminal:
        terminal = await cls.open(port, **options)
        assert (await terminal.ask(writing.login(vin, T, 1, iccid))).answer == Answer.SUCCESS
        return terminal

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self, timeout_s: float = 10) -> Message | None:
        """The next answer; ``None`` when the server closed the connection."""
        async with asyncio.timeout(timeout_s):
            while not self._ready:
                try:
                    data = await self._reader.read(65536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._ready = self._frames.feed(data)
                assert not self._frames.skipped
        return self._ready.pop(0)

    async def ask(self, data: bytes) -> Message:
        """Send a message; its answer."""
        self.send(data)
        found = await self.answer()
        assert found is not None, "the server closed the connection"
        return found

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError, OSError):
            await self._writer.wait_closed()
