"""How many QoS 1 messages a second the listener makes durable on one core, and what a connection costs.

    python bench/mqtt_listener.py [--listeners 2] [--seconds 8] [--connections 16] [--window 2000]
        [--payload 200] [--idle 5000]

Starts nats-server, the listener (uvloop; one process, or more on one port) and load generators (processes of
pre-encoded, pipelined PUBLISH packets that count PUBACKs; every PUBACK means the message is in JetStream). Prints
messages a second, latency of acknowledgement, CPU seconds of each process and memory of idle connections. Everything
runs on this machine.
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
from support.mqtt import connect_bytes, publish_bytes, running_listener
from support.mqtt5 import connect5_bytes, publish5_bytes
from support.mqtt_processes import running_process
from support.nats import RunningNats
from support.ports import free_port

TOPIC = "millwright/v1/telemetry"


class Publisher(asyncio.Protocol):
    """Keeps ``window`` messages unacknowledged on one connection."""

    def __init__(self, name: str, window: int, payload: bytes, stop_s: float, level: int) -> None:
        self.level = level
        self.name, self.window, self.payload, self.stop_s = name, window, payload, stop_s
        self.acknowledged = 0
        self.latencies: list[float] = []
        self.connected = False
        self.done = asyncio.get_running_loop().create_future()
        # A block is half a window: it is sent when the block before it was acknowledged in full.
        self.block = max(1, window // 2)
        self.blocks = [
            b"".join(
                (publish5_bytes if level == 5 else publish_bytes)(TOPIC, payload, 1, 1 + part * self.block + i)
                for i in range(self.block)
            )
            for part in range(2)
        ]
        self.sent_at = [0.0, 0.0]
        self.part = 0
        self.pending = 0
        self.rest = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        connect = connect5_bytes if self.level == 5 else connect_bytes
        transport.write(connect(self.name, username=f"device:{self.name}"))

    def send(self, part: int) -> None:
        self.sent_at[part] = time.perf_counter()
        self.transport.write(self.blocks[part])
        self.pending += self.block

    def data_received(self, data: bytes) -> None:
        if not self.connected:
            self.connected = True
            assert (data[0], data[3]) == (0x20, 0), data
            data = data[2 + data[1] :]
            self.send(0)
            self.send(1)
        size = self.rest + len(data)
        count, self.rest = divmod(size, 4)
        while count:
            step = min(count, self.block - self.acknowledged % self.block)
            self.acknowledged += step
            self.pending -= step
            count -= step
            if self.acknowledged % self.block == 0:
                now = time.perf_counter()
                self.latencies.append(now - self.sent_at[self.part])
                if time.time() < self.stop_s:
                    self.send(self.part)
                elif not self.pending and not self.done.done():
                    self.done.set_result(None)
                self.part ^= 1

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"lost: {exc}"))


async def load(port: int, connections: int, window: int, payload: int, seconds: float, name: str, level: int) -> None:
    body = json.dumps({"ts": 1_750_000_000_000, "values": {f"temperature{i}": 21.5 + i for i in range(6)}}).encode()
    body = (body + b" " * payload)[: max(payload, len(body))]
    loop, start = asyncio.get_running_loop(), time.time()
    publishers = [Publisher(f"{name}{i}", window, body, start + seconds, level) for i in range(connections)]
    for publisher in publishers:
        await loop.create_connection(lambda p=publisher: p, "127.0.0.1", port)
    await asyncio.wait_for(asyncio.gather(*(p.done for p in publishers)), seconds + 20)
    took = time.time() - start
    latencies = sorted(x for p in publishers for x in p.latencies)
    cpu = time.process_time()
    print(
        json.dumps(
            {
                "messages": sum(p.acknowledged for p in publishers),
                "seconds": took,
                "payload": len(body),
                "p50_ms": latencies[len(latencies) // 2] * 1e3,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1e3,
                "cpu_s": cpu,
            }
        )
    )


async def idle(port: int, connections: int) -> None:
    opened = []
    for start in range(0, connections, 100):
        opened += await asyncio.gather(
            *(asyncio.open_connection("127.0.0.1", port) for _ in range(min(100, connections - start)))
        )
        for number, (_, writer) in enumerate(opened[start:], start):
            writer.write(connect_bytes(f"idle{number}", keep_alive_s=600, username=f"device:idle{number}"))
        for reader, _ in opened[start:]:
            assert (await reader.readexactly(4)) == b"\x20\x02\x00\x00"
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def listen(url: str, profile: str, number: int, listeners: int, port: int, folder: Path, replicas: int) -> None:
    limits: dict[str, Any] = {"max_connections": 100_000, "max_unauthenticated_per_address": 100_000}
    if listeners == 1:
        process = running_listener(url, port=port, replicas=replicas, **limits)
    else:
        process = running_process(url, folder, number, listeners, port=port, **limits)
    async with process as listener:
        print(listener.port, flush=True)
        if profile:
            import cProfile

            profiler = cProfile.Profile()
            profiler.enable()
        await asyncio.to_thread(sys.stdin.readline)
        if profile:
            profiler.disable()
            profiler.dump_stats(profile)
        stats = listener.stats()
    print(json.dumps(stats), flush=True)


def spent_s(processes: list[psutil.Process]) -> float:
    """Processor time that they used."""
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))


def memory(processes: list[psutil.Process]) -> int:
    """Bytes that they have in memory."""
    return int(sum(process.memory_info().rss for process in processes))


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with RunningNats(Path(folder)) as nats:
            server = psutil.Process(nats._process.pid)  # type: ignore[union-attr]
            port = str(free_port())
            listeners = [
                child(__file__, "--role", "listen", "--url", nats.url, "--profile", options.profile if n == 1 else "",
                      "--number", str(n), "--listeners", str(options.listeners), "--port", port, "--folder", folder)
                for n in range(1, options.listeners + 1)
            ]  # fmt: skip
            for each_listener in listeners:
                assert each_listener.stdout.readline().strip() == port  # type: ignore[union-attr]
            watched = [psutil.Process(each_listener.pid) for each_listener in listeners]
            rss = memory(watched)
            if options.idle:
                idlers = child(__file__, "--role", "idle", "--port", port, "--connections", str(options.idle))
                assert await asyncio.to_thread(idlers.stdout.readline) == "ready\n"  # type: ignore[union-attr]
                grown = memory(watched) - rss
                print(f"idle connections   {options.idle}, {grown / options.idle / 1024:.1f} KB each")
                print(f"  connected at a cost of {spent_s(watched) / options.idle * 1e6:.0f} µs CPU each")
                before = spent_s(watched)
                await asyncio.sleep(3)
                print(f"  idle CPU           {(spent_s(watched) - before) / 3 * 100:.1f} % of a core")
                await finish(idlers)
            cpu = [spent_s(watched), spent_s([server])]
            each = max(1, options.connections // options.processes)
            flags = ["--window", str(options.window), "--payload", str(options.payload), "--level", str(options.level)]
            loads = [
                child(__file__, "--role", "load", "--port", port, "--connections", str(each),
                      "--seconds", str(options.seconds), "--name", f"load{n}-", *flags)
                for n in range(options.processes)
            ]  # fmt: skip
            results = [await finish(process) for process in loads]
            spent = [spent_s(watched) - cpu[0], spent_s([server]) - cpu[1]]
            rss = memory(watched)
            stats = [await finish(each_listener) for each_listener in listeners]
    names = ("messages_in", "messages_acked", "frames", "handed_over")
    counters = {name: sum(each["counters"].get(name, 0) for each in stats) for name in names}
    messages = sum(r["messages"] for r in results)
    seconds = max(r["seconds"] for r in results)
    print(
        f"connections        {each * options.processes} × window {options.window}, {results[0]['payload']} bytes each"
    )
    print(f"acknowledged       {messages} messages in {seconds:.1f} s: {messages / seconds:,.0f} messages/s")
    print(f"  per listener CPU s {messages / spent[0]:,.0f} messages/s a core")
    p50, p99 = (max(r[key] for r in results) for key in ("p50_ms", "p99_ms"))
    print(f"ack latency        p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    print(f"frames             {counters['frames']}, {messages / max(1, counters['frames']):.0f} messages each")
    print(
        f"CPU seconds        listener {spent[0]:.1f}, nats-server {spent[1]:.1f}, "
        f"generators {sum(r['cpu_s'] for r in results):.1f}"
    )
    print(f"listener memory    {rss / 1e6:.0f} MB")
    if options.listeners > 1:
        shares = [each["counters"]["messages_in"] for each in stats]
        print(f"processes          {options.listeners}, messages {shares}, handed over {counters['handed_over']}")
    print(f"load average       {os.getloadavg()[0]:.1f}")
    assert counters["messages_in"] == counters["messages_acked"] == messages, counters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)
    parser.add_argument("--listeners", type=int, default=1, help="processes of the listener, on one port")
    parser.add_argument("--name", default="load", help=argparse.SUPPRESS)
    parser.add_argument("--replicas", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--window", type=int, default=2000, help="unacknowledged messages a connection")
    parser.add_argument("--payload", type=int, default=200, help="bytes a message")
    parser.add_argument("--level", type=int, choices=(4, 5), default=4, help="of the protocol: 4 is 3.1.1")
    parser.add_argument("--idle", type=int, default=0, help="also open this many idle connections and weigh them")
    parser.add_argument("--profile", default="", help="write cProfile statistics of the listener to this file")
    options = parser.parse_args()
    work = {
        "run": lambda: run(options),
        "listen": lambda: listen(
            options.url,
            options.profile,
            options.number,
            options.listeners,
            options.port,
            options.folder,
            options.replicas,
        ),
        "idle": lambda: idle(options.port, options.connections),
        "load": lambda: load(
            options.port,
            options.connections,
            options.window,
            options.payload,
            options.seconds,
            options.name,
            options.level,
        ),
    }[options.role]
    uvloop.run(work())


if __name__ == "__main__":
    main()
