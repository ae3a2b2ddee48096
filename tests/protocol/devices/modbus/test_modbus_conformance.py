"""The suite that every connector passes, over each transport."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from pymodbus import FramerType

from millwright.devices.connectors.modbus.connector import ModbusConnector
from support.modbus import device, pymodbus_on_a_wire, pymodbus_server

conformance = pytest.importorskip("millwright.devices.connectors.conformance")
ADDRESSES = ["1:holding:5", "coil:0", "discrete:3", "input:2", "40010:uint32"]


@pytest.mark.parametrize("transport", ["tcp", "rtu", "rtu_over_tcp"])
async def test_it_conforms(transport: str) -> None:
    async with AsyncExitStack() as stack:
        settings: dict[str, object] = {"transport": transport, "timeout_s": 5}
        if transport == "rtu":
            settings["serial_port"] = await stack.enter_async_context(pymodbus_on_a_wire(device(1)))
            settings["parity"] = "none"  # A pseudo terminal knows no other.
        else:
            framer = FramerType.SOCKET if transport == "tcp" else FramerType.RTU
            settings["host"] = "127.0.0.1"
            settings["port"] = await stack.enter_async_context(pymodbus_server(device(1), framer=framer))
        await conformance.check(
            ModbusConnector(),
            settings,
            addresses=ADDRESSES,
            bad_address="holding:60000",
            # pymodbus's serial server keeps its port, and a port has no other end that could be refused.
            kill=None if transport == "rtu" else stack.aclose,
        )
