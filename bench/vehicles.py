"""Reports of vehicles (GB/T 32960) a second: taken in and durable, and read into telemetry; a connection's memory.

    python bench/vehicles.py [--seconds 6] [--connections 16] [--window 400] [--idle 3000]

A nats-server, the server of vehicles (a process of its own, uvloop), and a generator of pre-encoded reports of an
electric car (96 cells, 32 probes; 0.4 KB) that counts answers: each means that the report is in JetStream. Then the
same reports through the historian's decoder, without a store. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.devices.intake import Run
from millwright.devices.telemetry import Collector, JsonDecoder, KnownDevice, TelemetrySettings
from millwright.devices.vehicles import VehicleRuns, writing
from processes import child, finish
from support.nats import RunningNats
from support.ports import free_port
from support.vehicles import Known, T, electric, running_server

VIN = "LSVAM4187C2184847"


def vin_of(number: int) -> str:
    return f"{VIN[:9]}{number:08d}"


class Everybody:
    """Lets everybody in, each as a device of its own."""

    async def authenticate(self, username: str | None, *_: Any) -> Any:
        return Known(f"dev_{username}")


async def serve(url: str, port: int) -> None:
    async with running_server(url, Everybody(), port=port, max_new_per_address=20_000, idle_s=3600) as server:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps({"acked": server.committer.messages_acked, "frames": server.committer.frames}), flush=True)


class Vehicle(asyncio.Protocol):
    """Keeps ``window`` reports unanswered."""

    def __init__(self, vin: str, window: int) -> None:
        self.block = b"".join(electric(vin, T + 1000 * number) for number in range(window // 2))
        self.half, self.vin = window // 2, vin
        self.answered, self.rest, self.begun = 0, 0, False
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(writing.login(self.vin, T, 1, "-"))

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            assert data[3] == 1, data
            self.ready.set_result(None)
            return
        before = self.answered // self.half
        count, self.rest = divmod(self.rest + len(data), 31)  # an answer has 25 bytes and its time
        self.answered += count
        for _ in range(self.answered // self.half - before):
            self.transport.write(self.block)

    def begin(self) -> None:
        self.transport.write(self.block + self.block)


async def load(port: int, connections: int, window: int, seconds: float, server: psutil.Process) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    every = [
        (await loop.create_connection(partial(Vehicle, vin_of(n), window), "127.0.0.1", port))[1]
        for n in range(connections)
    ]
    await asyncio.gather(*(each.ready for each in every))
    for each in every:
        each.begin()
    await asyncio.sleep(1)
    begin, answered, cpu = time.perf_counter(), sum(each.answered for each in every), server.cpu_times()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begin
    count, after = sum(each.answered for each in every) - answered, server.cpu_times()
    for each in every:
        each.transport.abort()
    used = after.user + after.system - cpu.user - cpu.system
    return {"reports_per_s": round(count / took), "server_cpu_us_a_report": round(used / max(count, 1) * 1e6, 1)}


async def idle(port: int, count: int, server: psutil.Process) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    before, begin = server.memory_info().rss, time.perf_counter()
    every: list[Vehicle] = []
    for start in range(0, count, 200):
        made = [
            loop.create_connection(partial(Vehicle, vin_of(100_000 + n), 2), "127.0.0.1", port)
            for n in range(start, min(start + 200, count))
        ]
        every += [each for _, each in await asyncio.gather(*made)]
    await asyncio.gather(*(each.ready for each in every))
    took = time.perf_counter() - begin
    grown = server.memory_info().rss - before
    for each in every:
        each.transport.abort()
    return {"connections": count, "logins_per_s": round(count / took), "bytes_a_connection": round(grown / count)}


def decode(seconds: float) -> dict[str, Any]:
    settings = TelemetrySettings()
    collector = Collector(settings)
    runs: Any = VehicleRuns(None, collector, JsonDecoder(collector, settings))  # type: ignore[arg-type]  # no platform
    device, reports, readings = KnownDevice("dev_1"), 0, 0
    payloads = [electric(time_ms=T + 1000 * number) for number in range(50)]
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        runs.decode(Run("dev_1", "gbt32960/2016", T + 100_000, 0, payloads), device, 1)
        reports, readings = reports + len(payloads), readings + len(collector.take().batch)
    took = time.process_time() - begin
    return {"decoded_reports_per_s_of_cpu": round(reports / took), "readings_per_s_of_cpu": round(readings / took)}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("seconds", 6.0), ("connections", 16), ("window", 400), ("idle", 3000)):
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        await serve(given.serve[0], int(given.serve[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        async with RunningNats(Path(folder) / "nats") as nats:
            port = free_port()
            process = child(__file__, "--serve", nats.url, str(port))
            assert process.stdout is not None
            await asyncio.to_thread(process.stdout.readline)
            server = psutil.Process(process.pid)
            found = await load(port, given.connections, given.window, given.seconds, server)
            found |= await idle(port, given.idle, server)
            await finish(process)
    found |= decode(3.0)
    print(json.dumps(found | {"load_average": round(os.getloadavg()[0], 1)}, indent=1))


if __name__ == "__main__":
    uvloop.run(main())
