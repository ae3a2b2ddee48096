"""What polling 100 Modbus devices of 100 registers each second costs of a core, beside pymodbus doing the same.

    python bench/modbus.py [--devices 100] [--registers 100] [--seconds 8] [--type uint16]

Devices are TCP connections to a server in a process of its own that answers any read with its registers, so that we are
measured and not a simulator. In turn, each in a process of its own: the connector, every value decoded and delivered;
``pymodbus`` as its documentation shows it, one read of all registers for each device and second, decoded with its own
conversion; and the same clients asking for each register by itself, as a naive poller does. Prints the share of one
core (user and system time of the polling process), how many values came, and questions a second at full speed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import sys
import time
from typing import Any

from millwright.devices.connectors.contract import Point
from millwright.devices.connectors.modbus.connector import ModbusConnector
from millwright.devices.connectors.modbus.settings import ModbusSettings
from processes import child, finish, say


class Device(asyncio.Protocol):
    """Answers reads of registers: the number of a register is its value."""

    answers = 0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.rest = transport, b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        while len(data) >= 8 and len(data) >= (size := 6 + int.from_bytes(data[4:6], "big")):
            transaction, _, _, unit, function = struct.unpack(">HHHBB", data[:8])
            question, data = data[8:size], data[size:]
            if function not in (3, 4):  # who it is, for example: it does not say
                self.transport.write(struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, 1))
                continue
            start, count = struct.unpack(">HH", question)
            head = struct.pack(">HHHBBB", transaction, 0, 3 + 2 * count, unit, function, 2 * count)
            self.transport.write(head + struct.pack(f">{count}H", *range(start, start + count)))
            Device.answers += 1
        self.rest = data


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Device, "127.0.0.1", 0)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(Device.answers), flush=True)
    server.close()


async def millwright(options: argparse.Namespace) -> int:
    width = 1 if options.type.endswith("16") else 2 if options.type.endswith("32") else 4
    points = [
        Point(id=str(n), address=f"holding:{n}:{options.type}", interval_ms=1000)
        for n in range(0, options.registers, width)
    ]
    values = 0

    async def take(samples: Any) -> None:
        nonlocal values
        values += sum(sample.value is not None for sample in samples)

    sessions = [
        await ModbusConnector().open(ModbusSettings(host="127.0.0.1", port=options.port))
        for _ in range(options.devices)
    ]
    tasks = [asyncio.ensure_future(each.run(points, take)) for each in sessions]
    await measured(options.seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for each in sessions:
        await each.close()
    return values


async def pymodbus(options: argparse.Namespace, each_alone: bool = False) -> int:
    from pymodbus.client import AsyncModbusTcpClient

    values, going_on = 0, True
    kind = getattr(AsyncModbusTcpClient.DATATYPE, options.type.upper())

    async def poll(client: Any) -> None:
        nonlocal values
        due = time.monotonic()
        while going_on:  # Its client swallows a cancellation now and then.
            if each_alone:
                for n in range(options.registers):
                    if not going_on:
                        return
                    found = await client.read_holding_registers(n, count=1)
                    values += len(found.registers)
            else:
                found = await client.read_holding_registers(0, count=options.registers)
                width = kind.value[1]
                for at in range(0, options.registers, width):
                    values += client.convert_from_registers(found.registers[at : at + width], kind) is not None
            due += 1
            await asyncio.sleep(max(0, due - time.monotonic()))

    clients = [AsyncModbusTcpClient("127.0.0.1", port=options.port) for _ in range(options.devices)]
    for client in clients:
        assert await client.connect()
    tasks = [asyncio.ensure_future(poll(client)) for client in clients]
    await measured(options.seconds)
    going_on = False
    await asyncio.wait(tasks, timeout=20)
    for client in clients:
        client.close()
    return values


async def full_speed(options: argparse.Namespace, ours: bool) -> float:
    """Questions a second, one connection, one after another, 100 registers each."""
    from pymodbus.client import AsyncModbusTcpClient

    from millwright.devices.connectors.line import open_tcp
    from millwright.devices.connectors.modbus.link import TcpLink
    from millwright.devices.connectors.modbus.pdu import read_data, read_request

    link = TcpLink(await open_tcp("127.0.0.1", options.port, 2), 2, 1, 0)
    client = AsyncModbusTcpClient("127.0.0.1", port=options.port)
    assert await client.connect()
    question = read_request(3, 0, 100)
    end, count = time.monotonic() + 2, 0
    while time.monotonic() < end:
        if ours:
            read_data(question, await link.ask(1, question))
        else:
            await client.read_holding_registers(0, count=100)
        count += 1
    link.close()
    client.close()
    return count / 2


async def measured(seconds: float) -> None:
    """Leave the first second out: connecting and planning are no polling."""
    global _CPU_S
    await asyncio.sleep(1.5)
    begin = time.process_time()
    await asyncio.sleep(seconds)
    _CPU_S = time.process_time() - begin


_CPU_S = 0.0


async def poller(options: argparse.Namespace) -> None:
    begin = time.monotonic()
    if options.role.startswith("speed"):
        print(json.dumps({"questions_per_s": await full_speed(options, options.role.endswith("ours"))}))
        return
    ways = {"millwright": millwright, "pymodbus": pymodbus, "each": lambda o: pymodbus(o, each_alone=True)}
    values = await ways[options.role](options)
    rounds = (time.monotonic() - begin) or 1
    print(json.dumps({"core": _CPU_S / options.seconds, "values_per_s": values / rounds}))


async def run(options: argparse.Namespace) -> None:
    server = child(__file__, "--role", "serve")
    port = await say(server)
    print(f"{options.devices} devices × {options.registers} registers at 1 s; load average {os.getloadavg()[0]:.1f}")
    shared = ["--port", str(port), "--devices", str(options.devices), "--registers", str(options.registers)]
    shared += ["--seconds", str(options.seconds), "--type", options.type]
    named = {
        "millwright": "Millwright's connector",
        "pymodbus": "pymodbus, one read a device",
        "each": "pymodbus, one read a register",
    }
    for role, name in named.items():
        found = await finish(child(__file__, "--role", role, *shared))
        print(f"{name:<32} {100 * found['core']:6.1f} % of a core, {found['values_per_s']:,.0f} values/s")
    for role, name in (("speed-ours", "Millwright"), ("speed-theirs", "pymodbus")):
        found = await finish(child(__file__, "--role", role, *shared))
        print(f"{name:<32} {found['questions_per_s']:,.0f} questions/s over one connection, 100 registers each")
    await finish(server)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--registers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--type", default="uint16", help="uint16, float32, int64 …")
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--role", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve() if options.role == "serve" else poller(options) if options.role else run(options))


if __name__ == "__main__":
    main()
