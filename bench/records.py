"""How many identifiers a second are registered durably through the log, and how soon one is resolved.

    python bench/records.py [--identifiers 200000] [--batch 5000] [--singles 300] [--sync 10s] [--folder KEPT]

Starts a whole node and registers identifiers from a process beside it, as an import does: in batches, each of which is
in the stream and synced in the index when it is acknowledged; names are spread, the worst case for an index, or follow
one another. Then changes one at a time, and asks the resolver role by the native protocol from the moment of the
acknowledgement until it answers with the new value. An index is built from the log alone, and then, as a mirror, asked
in the same way. Everything runs on this machine.

``--folder`` keeps the node: the next run registers nothing, and bench/resolution.py and bench/handle.py (with
``--handles``) and bench/digital_link.py (with ``--products``) take its ``KEPT/data`` as their ``--folder``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from digital_link import COMPANY, products
from handle import HEAD, PREFIX, name, question
from millwright.engines.nats import NatsConnection
from millwright.identity.handle import HandleValue
from millwright.identity.records import Follower, Records, StreamLog
from millwright.kernel import SystemClock
from processes import memory
from support.handle import admin_value, value
from support.identifiers import home, make_records
from support.node import RunningNode

CHANGED = PREFIX + b"/changed"


def made(count: int, spread: bool) -> Iterator[tuple[bytes, tuple[HandleValue, ...]]]:
    admin = admin_value()
    for number in range(count):
        url = value(1, b"URL", b"https://trace.example.com/product/%d" % number)
        called = name(number) if spread else b"%s/P%09d" % (PREFIX, number)
        yield called, (url, value(2, b"NAME", b"Bearing %d" % number), admin)


def fill(records: Records, named: Iterator[tuple[bytes, tuple[HandleValue, ...]]], batch: int, what: str) -> None:
    count = 0
    started, cpu = time.perf_counter(), time.process_time()
    slowest = said = 0.0
    while part := [
        (name, lambda _view, _before, values=values: values) for name, values in itertools.islice(named, batch)
    ]:
        began = time.perf_counter()
        records.change_many(part, who="bench")
        count += len(part)
        now = time.perf_counter()
        slowest = max(slowest, now - began)
        if now - said > 30 and now - started > 30:
            print(f"                   {count:,} {what}: {count / (now - started):,.0f}/s", flush=True)
            said = now
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    if count:
        print(f"registered         {count:,} {what} in batches of {batch:,}: {count / took:,.0f}/s durable", end="")
        print(f"; {cpu / count * 1e6:.1f} µs of CPU each, making them included, slowest batch {slowest * 1e3:.0f} ms")


def sizes(node: RunningNode, records: Records) -> None:
    count = records.stats()["handles"]
    log = sum(path.stat().st_size for path in (node.data / "nats" / "jetstream").rglob("IDENTITY/msgs/*.blk"))
    index = (node.data / "identifiers" / "data.mdb").stat().st_size
    print(f"kept               {count:,}: {log / 1e9:.2f} GB of log and {index / 1e9:.2f} GB of index", end="")
    print(f", {log / count:.0f} and {index / count:.0f} bytes each")


class Asker:
    """Asks the resolver role over UDP for the one value."""

    def __init__(self, port: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect(("127.0.0.1", port))
        self._sock.settimeout(1)
        self._body = question(CHANGED)
        self._number = 0

    def holds(self, data: bytes) -> bool:
        self._number += 1
        head = self._number.to_bytes(4, "big") + bytes(4) + len(self._body).to_bytes(4, "big")
        self._sock.send(HEAD + head + self._body)
        return data in self._sock.recv(2048)


def measure(records: Records, singles: int, holds: Callable[[bytes], bool], where: str) -> None:
    writing, seen = [], []
    for number in range(singles):
        data = b"%s %09d" % (where.encode(), number)
        began = time.perf_counter()
        records.change_many([(CHANGED, lambda _view, _before, data=data: (value(1, data=data),))], who="bench")
        acknowledged = time.perf_counter()
        while not holds(data):
            time.sleep(0.0002)
        writing.append(acknowledged - began)
        seen.append(time.perf_counter() - acknowledged)
        time.sleep(0.003 * (number % 7))
    print(f"{'one at a time':<18} {percentiles(writing)} until acknowledged")
    print(f"{where:<18} {percentiles(seen)} from then until it shows")


def percentiles(times: list[float]) -> str:
    times.sort()
    p50, p99 = (times[len(times) * part // 100] * 1e3 for part in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


async def run(options: argparse.Namespace, folder: Path, temporary: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    node = RunningNode(folder, {"nats": {"sync": options.sync, "max_store_gb": options.store_gb}})
    with node:
        bus = NatsConnection(node.nats_url, "bench")
        await bus.start()
        log: Any = StreamLog(bus)
        records = make_records(node.data, log, durable=True)
        await records.start()
        there = records.stats()["handles"]
        if there < options.identifiers + options.products:
            await asyncio.to_thread(home, records, PREFIX, f"GS1:{COMPANY}".encode())
            names = made(options.identifiers, not options.sequential)
            await asyncio.to_thread(fill, records, names, options.batch, "handles")
            await asyncio.to_thread(fill, records, products(0, options.products), options.batch, "products")
        sizes(node, records)
        broker = node.find_process("nats-server")
        print(f"memory             this process {memory(psutil.Process())}; the broker {memory(broker)}")
        asker = Asker(node.handle_port)
        await asyncio.to_thread(measure, records, options.singles, asker.holds, "resolver role")

        mirror = make_records(temporary / "mirror", log, mirror=True, keys=records._keys, durable=True)
        began = time.perf_counter()
        await mirror.start()
        follower = Follower(mirror, bus, SystemClock())
        await asyncio.to_thread(mirror.catch_up)
        took = time.perf_counter() - began
        count = mirror.stats()["handles"]
        print(f"built from the log {count:,} in {took:.1f} s: {count / took:,.0f}/s", end="")
        print(f"; digests are {'equal' if mirror.digest == records.digest else 'NOT EQUAL'}")
        await follower.start()

        def holds(data: bytes) -> bool:
            with mirror.view() as view:
                record = view.find(CHANGED)
                return record is not None and data in record.data

        await asyncio.to_thread(measure, records, options.singles, holds, "a mirror")
        await follower.stop()
        print(f"resolver role      {memory(node.find_process('resolver'))}")
        await mirror.stop()
        await records.stop()
        await bus.stop()
    print(f"load average       {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identifiers", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--sequential", action="store_true", help="names that follow one another")
    parser.add_argument("--singles", type=int, default=300, help="changes of one at a time")
    parser.add_argument("--products", type=int, default=0, help="register so many for bench/digital_link.py, too")
    parser.add_argument("--folder", type=Path, help="keep the node here, and use what is here")
    parser.add_argument("--store-gb", type=int, default=16, help="what the broker may keep")
    parser.add_argument("--sync", default="10s", help="`always`: the stream is on the disk at each acknowledgement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(run(options, options.folder or Path(temporary) / "node", Path(temporary)))


if __name__ == "__main__":
    main()
