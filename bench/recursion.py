"""How fast a recursive node answers out of its cache, beside what it keeps itself, in one run.

    python bench/recursion.py [--names 100000] [--seconds 4] [--window 200] [--rounds 3]

One server (one process, uvloop) keeps half of the names itself. The other half another server keeps, and this one has
asked for them before. The same generator as in bench/handle.py asks for random names of one half, then of the other, in
turns, over UDP, over TCP and over HTTP (the REST API, by the application alone, without a socket). What counts is the
server's CPU time for each answer: local divided by cached is what recursion from the cache is worth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import handle as handles
from handle import ForgetfulLog, records
from millwright.identity.handle import HandleServer, HandleService, HandleSettings
from millwright.identity.handle.records import StoredRecord
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.message import Message, encode_message
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.identity.records import RecordIndex
from millwright.identity.recursion import RecursionSettings, Recursor
from millwright.identity.recursion.cache import Entry
from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.kernel import SystemClock
from processes import child, finish, say
from support.handle import site_for
from support.identifiers import home, open_records

HERE, ELSEWHERE = b"86.1000.1", b"86.1000.2"


def question(handle: bytes) -> bytes:
    flags = Flag.PUBLIC_ONLY | Flag.RECURSIVE
    return encode_message(Message(op=Op.RESOLUTION, flags=flags, body=encode_request(Resolve(handle))), (2, 11))


def names_of(prefix: bytes) -> None:
    """Have the generator ask for names of a prefix, with the flag of recursion."""
    handles.question = question
    handles.PREFIX = prefix


async def prepared(folder: Path, count: int) -> tuple[RecordIndex, Recursor]:
    store = RecordIndex(folder, read_only=True)
    recursor = Recursor(store, RecursionSettings(enabled=True, max_entries=count, max_mb=1_000), SystemClock())  # type: ignore[arg-type]
    handles.PREFIX = ELSEWHERE
    now_s = time.time()
    for name, values in records(count):
        kept = StoredRecord.build(name, [each for each in values if each.public])
        recursor._cache.put(Entry(name.upper(), Rc.SUCCESS, kept, now_s, 86_400))
    return store, recursor


async def serve(folder: Path, count: int) -> None:
    store, recursor = await prepared(folder, count)
    settings = HandleSettings(host="127.0.0.1", port=0, requests_per_s=10_000_000)
    service = HandleService(store, site_for(1), settings, SystemClock(), recursion=recursor)  # type: ignore[arg-type]
    server = HandleServer(service)
    await server.start()
    print(server.port, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(recursor.counters()), flush=True)
    await server.stop()


async def over_http(folder: Path, count: int, rounds: int) -> list[float]:
    """CPU microseconds a request of the REST API: here and elsewhere, by turns."""
    store, recursor = await prepared(folder, count)
    unlimited = ResolutionSettings(requests_per_s=0, misses_per_min=0)
    app = resolution_app(store, unlimited, SystemClock(), recursion=recursor)  # type: ignore[arg-type]
    spent: dict[bytes, list[float]] = {HERE: [], ELSEWHERE: []}
    sizes: set[int] = set()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        else:
            sizes.add(len(message["body"]) // 100)

    async def one(scope: dict[str, Any]) -> None:
        await app(scope, None, send)

    for _ in range(rounds):
        for prefix in (HERE, ELSEWHERE):
            handles.PREFIX = prefix
            scopes = [
                {
                    "type": "http", "method": "GET", "path": "/api/handles/" + handles.name(number % count).decode(),
                    "query_string": b"", "headers": [(b"host", b"x")], "client": ("127.0.0.1", 1),
                }
                for number in range(0, 30_011 * 7, 7)
            ]  # fmt: skip
            began_s = time.process_time()
            for start in range(0, len(scopes), 15):
                # Some fifteen questions a turn of the loop, as at full load.
                await asyncio.gather(*map(one, scopes[start : start + 15]))
            spent[prefix].append((time.process_time() - began_s) / len(scopes) * 1e6)
    return [statistics.median(spent[HERE]), statistics.median(spent[ELSEWHERE])]


async def measure(
    transport: str, prefix: bytes, port: str, watched: psutil.Process, options: Any
) -> tuple[float, float]:
    before = sum(watched.cpu_times()[:2])
    flags = ["--role", f"ask_{transport}", "--port", port, "--names", str(options.names), "--prefix", prefix.decode()]
    flags += ["--window", str(options.window), "--seconds", str(options.seconds)]
    result = await finish(child(__file__, *flags))
    spent = sum(watched.cpu_times()[:2]) - before
    return result["answered"] / result["seconds"], spent / result["answered"] * 1e6


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        store = open_records(Path(temporary), ForgetfulLog())
        home(store, HERE)
        handles.PREFIX = HERE
        store.put_many(records(options.names), who="bench")
        store.close()
        folder = Path(temporary) / "identifiers"
        server = child(__file__, "--role", "serve", "--folder", str(folder), "--names", str(options.names))
        port = str(await say(server))
        watched = psutil.Process(server.pid)
        print(f"names              {options.names:,} here, {options.names:,} of elsewhere in the cache")
        for transport in ("udp", "tcp"):
            found: dict[bytes, list[tuple[float, float]]] = {HERE: [], ELSEWHERE: []}
            for _ in range(options.rounds):
                for prefix in (HERE, ELSEWHERE):
                    found[prefix].append(await measure(transport, prefix, port, watched, options))
            cost = [statistics.median(each[1] for each in found[prefix]) for prefix in (HERE, ELSEWHERE)]
            rate = [statistics.median(each[0] for each in found[prefix]) for prefix in (HERE, ELSEWHERE)]
            show(transport.upper(), cost, f"; answered {rate[0]:,.0f}/s and {rate[1]:,.0f}/s")
        counted = await finish(server)
        print(f"cache hits         {counted['recursion_hits']:,.0f}, misses {counted['recursion_misses']:,.0f}")
        show("HTTP", await over_http(folder, options.names, options.rounds), "")
        print(f"load average       {os.getloadavg()[0]:.1f}")


def show(label: str, cost: list[float], more: str) -> None:
    here, elsewhere = cost
    print(f"{label:<18} {here:.1f} µs here, {elsewhere:.1f} µs from the cache: {here / elsewhere:.2f} of local{more}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--prefix", default="", help=argparse.SUPPRESS)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--window", type=int, default=200, help="questions without an answer yet")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.role == "serve":
        uvloop.run(serve(Path(options.folder), options.names))
    elif options.role == "ask_udp":
        names_of(options.prefix.encode())
        print(json.dumps(handles.ask_udp(options.port, options.names, options.window, options.seconds)))
    elif options.role == "ask_tcp":
        names_of(options.prefix.encode())
        print(json.dumps(uvloop.run(handles.ask_tcp(options.port, options.names, options.window, options.seconds))))
    else:
        uvloop.run(run(options))


if __name__ == "__main__":
    main()
