"""How many handles a second the native Handle protocol resolves on one core, over UDP and over TCP.

    python bench/handle.py [--handles 1000000] [--seconds 5] [--window 200] [--loads 1] [--folder DIR]

Loads handles into LMDB, starts the server (one process, uvloop) and load generators (processes that keep some questions
for random handles open and count the right answers). Prints resolutions a second, latency, the server's CPU time for
each, and the latency at half of that load. Everything runs on this machine.

Over UDP each question is a packet of its own, and its latency is that of one answer. Over TCP ten connections ask in
blocks: a block is written at once and the next when all of its answers are there, so what is measured are pipelined
questions, and latency is that of a whole block. One question at a time (``--window 10``) costs the server more each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.identity.handle import HandleServer, HandleService, HandleSettings, HandleValue
from millwright.identity.handle.wire.codes import Flag, Op
from millwright.identity.handle.wire.message import Message, encode_message
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.identity.records import RecordIndex
from millwright.kernel import SystemClock
from processes import child, finish, memory, say
from support.handle import admin_value, site_for, value
from support.identifiers import MemoryLog, home, open_records

PREFIX = b"86.1000.1"
_CONNECTIONS = 10
HEAD = bytes((2, 11, 2, 11, 0, 0, 0, 0))


def name(number: int) -> bytes:
    # Spread over the keys, as serial numbers of many products are.
    return b"%s/%016x" % (PREFIX, number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)


def records(count: int) -> Iterator[tuple[bytes, tuple[HandleValue, ...]]]:
    admin = admin_value()
    for number in range(count):
        url = b"https://trace.example.com/product/%d" % number
        yield name(number), (value(1, b"URL", url), value(2, b"NAME", b"Bearing %d" % number), admin)


class ForgetfulLog(MemoryLog):
    """The log is not what is measured here; bench/records.py does that."""

    def append(self, message: bytes, after: int) -> int:
        position = super().append(message, after)
        self.messages.clear()
        return position


def fill(folder: Path, count: int) -> float:
    store = open_records(folder, ForgetfulLog())
    start = time.perf_counter()
    home(store, PREFIX)
    store.put_many(records(count), who="bench")
    took = time.perf_counter() - start
    store.close()
    return took


async def serve(folder: Path) -> None:
    store = RecordIndex(folder, read_only=True)
    settings = HandleSettings(host="127.0.0.1", port=0, requests_per_s=10_000_000)
    server = HandleServer(HandleService(store, site_for(1), settings, SystemClock()))
    await server.start()
    print(server.port, flush=True)
    profile = os.environ.get("PROFILE")
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.enable()
    await asyncio.to_thread(sys.stdin.readline)
    if profile:
        profiler.disable()
        profiler.dump_stats(profile)
    print(json.dumps(server.stats()), flush=True)
    await server.stop()


def question(handle: bytes) -> bytes:
    message = Message(op=Op.RESOLUTION, flags=Flag.PUBLIC_ONLY, body=encode_request(Resolve(handle)))
    return encode_message(message, (2, 11))


def questions(count: int, wanted: int) -> list[bytes]:
    chosen = random.Random(os.getpid())
    return [question(name(chosen.randrange(count))) for _ in range(wanted)]


class Asker:
    """A blocking UDP socket that asks for random handles: a generator must cost less than the server."""

    def __init__(self, port: int, count: int) -> None:
        self.asked = questions(count, 50_000)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.connect(("127.0.0.1", port))
        self.sent_at: dict[int, float] = {}
        self.latencies: list[float] = []
        self.sent = self.lost = 0

    def send(self) -> None:
        self.sent += 1
        body = self.asked[self.sent % len(self.asked)]
        self.sock.send(HEAD + struct.pack(">III", self.sent, 0, len(body)) + body)
        self.sent_at[self.sent] = time.perf_counter()

    def take(self) -> float:
        data = self.sock.recv(2048)
        now = time.perf_counter()
        at = self.sent_at.pop(int.from_bytes(data[8:12], "big"), None)
        if at is None or data[24:28] != b"\x00\x00\x00\x01":
            raise AssertionError(f"a wrong answer: {data[:60].hex()}")
        self.latencies.append(now - at)
        return now


def ask_udp(port: int, count: int, window: int, seconds: float) -> dict[str, Any]:
    """Keeps ``window`` questions open."""
    asker = Asker(port, count)
    asker.sock.settimeout(0.5)
    start = now = time.perf_counter()
    for _ in range(window):
        asker.send()
    while now - start < seconds:
        try:
            now = asker.take()
            asker.send()
        except TimeoutError:
            asker.lost += len(asker.sent_at)
            asker.sent_at.clear()
            for _ in range(window):
                asker.send()
            now = time.perf_counter()
    return summary(len(asker.latencies), now - start, asker.latencies, asker.lost)


def ask_paced(port: int, count: int, rate: float, seconds: float) -> dict[str, Any]:
    """Asks at a rate, whatever is answered."""
    asker = Asker(port, count)
    start = now = time.perf_counter()
    while now - start < seconds:
        while asker.sent < (now - start) * rate:
            asker.send()
        asker.sock.settimeout(max(0.0001, (asker.sent + 1) / rate - (now - start)))
        try:
            now = asker.take()
        except TimeoutError:
            now = time.perf_counter()
    # What is still under way is not lost.
    asker.lost = sum(now - at > 1 for at in asker.sent_at.values())
    return summary(len(asker.latencies), now - start, asker.latencies, asker.lost)


def block_of(window: int) -> int:
    """How many questions a TCP connection asks at once, so that all together have ``window`` open."""
    return max(1, window // _CONNECTIONS)


async def ask_tcp(port: int, count: int, window: int, seconds: float) -> dict[str, Any]:
    asked = questions(count, 50_000)
    latencies: list[float] = []
    answered = 0
    start = time.perf_counter()

    async def one(connection: int) -> None:
        nonlocal answered
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = connection * 7919
        depth = block_of(window)
        while time.perf_counter() - start < seconds:
            block = []
            for _ in range(depth):
                number += 1
                body = asked[number % len(asked)]
                block.append(struct.pack(">BBBBIIII", 2, 11, 2, 11, 0, number, 0, len(body)) + body)
            at = time.perf_counter()
            writer.write(b"".join(block))
            for _ in range(depth):
                head = await reader.readexactly(20)
                data = await reader.readexactly(int.from_bytes(head[16:20], "big"))
                if data[4:8] != b"\x00\x00\x00\x01":
                    raise AssertionError("a wrong answer")
            answered += depth
            latencies.append(time.perf_counter() - at)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(_CONNECTIONS)))
    return summary(answered, time.perf_counter() - start, latencies, 0)


def summary(answered: int, seconds: float, latencies: list[float], lost: int) -> dict[str, Any]:
    latencies.sort()
    p50, p99 = (latencies[len(latencies) * part // 100] * 1e3 for part in (50, 99))
    cpu = time.process_time()
    return {"answered": answered, "seconds": seconds, "p50_ms": p50, "p99_ms": p99, "lost": lost, "cpu_s": cpu}


async def measure(
    transport: str, port: str, watched: psutil.Process, options: argparse.Namespace, rate: float
) -> float:
    before = sum(watched.cpu_times()[:2])
    flags = ["--role", f"ask_{transport}", "--port", port, "--handles", str(options.handles)]
    flags += ["--window", str(options.window), "--seconds", str(options.seconds), "--rate", str(rate / options.loads)]
    loads = [child(__file__, *flags) for _ in range(options.loads)]
    results = [await finish(process) for process in loads]
    spent = sum(watched.cpu_times()[:2]) - before
    answered = sum(result["answered"] for result in results)
    reached = sum(result["answered"] / result["seconds"] for result in results)
    p50, p99 = (max(result[key] for result in results) for key in ("p50_ms", "p99_ms"))
    label = f"{transport.upper()}{' at half load' if rate else ''}"
    each = f" for a block of {block_of(options.window)}" if transport == "tcp" else ""
    print(f"{label:<18} {reached:,.0f} resolutions/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms{each}", end="")
    print(f", lost {sum(result['lost'] for result in results)}")
    print(f"  server CPU       {spent / answered * 1e6:.1f} µs each: {answered / spent:,.0f}/s a core", end="")
    print(f"; generators {sum(result['cpu_s'] for result in results):.1f} s")
    return reached


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary) / "identifiers"
        if not folder.exists():
            took = fill(folder.parent, options.handles)
            size = (folder / "data.mdb").stat().st_size
            print(
                f"loaded             {options.handles:,} handles in {took:.1f} s: {options.handles / took:,.0f}/s",
                end="",
            )
            print(f", {size / options.handles:.0f} bytes each")
        server = child(__file__, "--role", "serve", "--folder", str(folder))
        port = str(await say(server))
        watched = psutil.Process(server.pid)
        reached = await measure("udp", port, watched, options, 0)
        await measure("udp", port, watched, options, reached / 2)
        await measure("tcp", port, watched, options, 0)
        print(f"server memory      {memory(watched)}")
        await finish(server)
        print(f"load average       {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--handles", type=int, default=1_000_000, help="10000000 for ten million")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--window", type=int, default=200, help="questions without an answer yet, for each generator")
    parser.add_argument("--loads", type=int, default=1, help="processes that generate load")
    parser.add_argument("--folder", default="", help="keep the handles here, and use what is here")
    options = parser.parse_args()
    if options.role == "serve":
        uvloop.run(serve(Path(options.folder)))
    elif options.role == "ask_udp":
        if options.rate:
            print(json.dumps(ask_paced(options.port, options.handles, options.rate, options.seconds)))
        else:
            print(json.dumps(ask_udp(options.port, options.handles, options.window, options.seconds)))
    elif options.role == "ask_tcp":
        print(json.dumps(uvloop.run(ask_tcp(options.port, options.handles, options.window, options.seconds))))
    else:
        uvloop.run(run(options))


if __name__ == "__main__":
    main()
