"""What a :class:`ConnectorRoute` must do, and one over Modbus TCP (pymodbus, client and server)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from millwright.devices.commands import ConnectorPoint, ConnectorRoute, Written
from millwright.devices.commands.model import Value
from millwright.kernel import MillwrightError, Unavailable, Unsupported
from support.ports import free_port


async def check_connector_route(
    route: ConnectorRoute, device_id: str, *, writable: str, values: tuple[Value, Value], unmapped: str
) -> None:
    """The contract. ``values``: two that the property ``writable`` can take; ``unmapped`` is no point of the device."""
    assert await route.find(device_id, unmapped) is None
    assert await route.find("dev_nobody", writable) is None
    point = await route.find(device_id, writable)
    assert point is not None
    assert point.writable
    for value in values:
        written = await route.write(point.connection_id, point.address, value, 5.0)
        assert written.accepted
        assert written.read_back in (None, value)
    refusal: MillwrightError | None = None
    try:
        assert isinstance((await route.call(point.connection_id, point.address, {}, 5.0)).accepted, bool)
    except Unsupported as error:  # what a protocol cannot do it says in an error of ours, with advice
        refusal = error
    assert refusal is None or refusal.hint
    with pytest.raises(MillwrightError):
        await route.write("con_nobody", point.address, values[0], 1.0)


@asynccontextmanager
async def modbus_machine(*registers: int) -> AsyncIterator[int]:
    """A Modbus TCP server with these registers from 0 on; its port."""
    held = SimDevice(1, [SimData(0, values=list(registers), datatype=DataType.REGISTERS)])
    port = free_port()
    server = ModbusTcpServer(held, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()


async def register_of(port: int, address: int) -> int:
    """What a register holds, asked by a client of its own."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    try:
        assert await client.connect()
        return int((await client.read_holding_registers(address, count=1)).registers[0])
    finally:
        client.close()


class ModbusPoints:
    """Holding registers as points: property → register."""

    def __init__(self, port: int, device_id: str, registers: dict[str, tuple[int, bool]]) -> None:
        self._port, self._device_id, self._registers = port, device_id, registers
        self.writes = 0

    async def find(self, device_id: str, name: str) -> ConnectorPoint | None:
        found = self._registers.get(name) if device_id == self._device_id else None
        return None if found is None else ConnectorPoint("con_1", str(found[0]), found[1])

    async def write(self, connection_id: str, address: str, value: Value, timeout_s: float) -> Written:
        if connection_id != "con_1":
            raise Unavailable("There is no such connection.", code="test.no_connection")
        client = AsyncModbusTcpClient("127.0.0.1", port=self._port, timeout=timeout_s, retries=0)
        try:
            if not await client.connect():
                raise Unavailable("The machine does not answer.", code="test.away", hint="Look at its network.")
            self.writes += 1
            done = await client.write_register(int(address), int(value))
            if done.isError():
                return Written(accepted=False, message=str(done))
            read = await client.read_holding_registers(int(address), count=1)
            return Written(accepted=True, read_back=None if read.isError() else read.registers[0])
        except ModbusException as error:
            raise Unavailable(str(error), code="test.away", hint="Look at its network.") from error
        finally:
            client.close()

    async def call(self, connection_id: str, address: str, inputs: dict[str, Value], timeout_s: float) -> Written:
        raise Unsupported("Modbus has no methods.", code="test.no_methods", hint="Write a register instead.")
