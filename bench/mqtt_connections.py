"""How many clients a second the listener takes in, what each costs, and how long a storm takes in which all come back.

    python bench/mqtt_connections.py [--connections 10000] [--level 5] [--storms 1]

Starts nats-server, the listener (one process) and a process of clients. The clients connect as fast as they are
answered, 500 at a time; then all of them are cut off and connect anew at once. Needs a limit of open files above the
number of connections in each of both processes. Everything runs on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from processes import child, finish
from support.mqtt import connect_bytes, running_listener
from support.mqtt5 import connect5_bytes
from support.nats import RunningNats

DEVICES = 100


class Client(asyncio.Protocol):
    """One connection; ``ready`` when its CONNACK came."""

    def __init__(self, hello: bytes) -> None:
        self.hello = hello
        self.ready = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.hello)

    def data_received(self, data: bytes) -> None:
        assert data[0] == 0x20, data
        assert data[3] == 0, data
        if not self.ready.done():
            self.ready.set_result(time.perf_counter())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(error or ConnectionError("the listener closed the connection"))


async def clients(port: int, count: int, level: int, storms: int) -> None:
    """Connect in a stream, then all at once as often as asked; a line of JSON for each."""
    loop, open_ = asyncio.get_running_loop(), asyncio.Semaphore(500)

    def hello(number: int) -> bytes:
        make = connect5_bytes if level == 5 else connect_bytes
        return make(f"c{number}", keep_alive_s=600, username=f"device:d{number % DEVICES}")

    async def one(number: int) -> Client:
        _, client = await loop.create_connection(lambda: Client(hello(number)), "127.0.0.1", port)
        return client

    async def bounded(number: int) -> Client:
        async with open_:
            client = await one(number)
            await client.ready
            return client

    async def stormy(number: int) -> Client:
        client = await one(number)
        await client.ready
        return client

    for storm in range(storms + 1):
        began = time.perf_counter()
        found = await asyncio.gather(*(map(bounded if not storm else stormy, range(count))))
        times = sorted(client.ready.result() - began for client in found)
        print(
            json.dumps(
                {
                    "cpu_s": time.process_time(),
                    "seconds": times[-1],
                    "p50_s": times[count // 2],
                    "p99_s": times[count * 99 // 100],
                    "storm": storm,
                }
            ),
            flush=True,
        )
        await asyncio.to_thread(sys.stdin.readline)
        for client in found:
            client.transport.abort()
        await asyncio.sleep(1)


async def listen(url: str) -> None:
    limits = {"max_connections": 100_000, "max_unauthenticated_per_address": 100_000, "connect_timeout_s": 60}
    async with running_listener(url, max_connections_per_device=100_000, **limits) as listener:
        print(listener.port, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        stats = listener.stats()
    print(json.dumps(stats), flush=True)


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with RunningNats(Path(folder)) as nats:
            listener = child(__file__, "--role", "listen", "--url", nats.url)
            port = listener.stdout.readline().strip()  # type: ignore[union-attr]
            watched = psutil.Process(listener.pid)
            before = watched.memory_info().rss
            many = str(options.connections)
            flags = ["--connections", many, "--level", str(options.level), "--storms", str(options.storms)]
            load = child(__file__, "--role", "clients", "--port", port, *flags)
            for storm in range(options.storms + 1):
                cpu = sum(watched.cpu_times()[:2])
                line = await asyncio.to_thread(load.stdout.readline)  # type: ignore[union-attr]
                told, spent = json.loads(line), sum(watched.cpu_times()[:2]) - cpu
                name = "storm, all at once" if storm else "in a stream"
                rate = options.connections / told["seconds"]
                print(f"{name:18} {options.connections} in {told['seconds']:.2f} s: {rate:,.0f} connects/s,")
                print(f"{'':18} CONNACK p50 {told['p50_s']:.2f} s, p99 {told['p99_s']:.2f} s,", end=" ")
                print(f"{spent / options.connections * 1e6:.0f} µs CPU of the listener each")
                if not storm:
                    own = told["cpu_s"] / options.connections
                    print(f"{'':18} the clients' own CPU {own * 1e6:.0f} µs each: one core of them is the bound")
                    grown = watched.memory_info().rss - before
                    print(f"memory             {grown / options.connections / 1024:.1f} KB a connection")
                load.stdin.write("\n")  # type: ignore[union-attr]
                load.stdin.flush()  # type: ignore[union-attr]
            await asyncio.to_thread(load.wait)
            stats = await finish(listener)
    print(f"waited their turn  {stats['counters']['connects_waited']}")
    print(f"load average       {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--level", type=int, choices=(4, 5), default=5, help="of the protocol: 4 is 3.1.1")
    parser.add_argument("--storms", type=int, default=1)
    options = parser.parse_args()
    work = {
        "run": lambda: run(options),
        "listen": lambda: listen(options.url),
        "clients": lambda: clients(options.port, options.connections, options.level, options.storms),
    }[options.role]
    uvloop.run(work())


if __name__ == "__main__":
    main()
