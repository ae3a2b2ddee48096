"""How many handles a second are resolved over HTTP on one core, random keys, with nginx and a static file as ceiling.

    python bench/resolution.py [--handles 1000000] [--seconds 8] [--folder KEPT]

Loads the register first (10 million: ``--handles 10000000``; ``--folder`` keeps it for the next run), reads its index
through, and asks for as long as it will measure. The server is that of the role ``resolver``, in a process of its own,
held to one core, and wrk to the others. Then at half of that rate, for the latency. Every record has three values, one
of them HS_ADMIN, of which the answer has some 400 bytes. ``CPU`` is the processor time of the server for each request,
and what one core could do at that: it says the same on a machine where other things run, too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from handle import fill, name
from millwright.identity.handle.rest.api import QUICK_HEADERS
from millwright.identity.records import RecordIndex
from millwright.identity.resolution import ResolutionSettings, resolution_app
from millwright.identity.resolution.server import ResolutionServer
from processes import child, finish, memory, say
from support.nats import free_port

SCRIPT = """
local requests, at = {}, 0
function init()
  HEADERS
  for path in io.lines("PATHS") do requests[#requests + 1] = wrk.format("GET", path) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""
PACED = "function delay() return DELAY end\n"
PATHS = 200_000
CONSTANT = b"x" * 419


async def constant(_scope: Any, _receive: Any, send: Any) -> None:
    """What the server itself costs: an answer of the same size that nothing was done for."""
    headers = [*QUICK_HEADERS, (b"etag", b'"0123456789abcdef1a3"'), (b"content-length", b"419")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": CONSTANT, "more_body": False})


async def serve(folder: str, port: int) -> None:
    """Answer until the parent says that it is enough."""
    if folder:
        # A register as a node opens it, read only.
        records = RecordIndex(Path(folder), read_only=True)
        settings = ResolutionSettings(host="127.0.0.1", port=port, requests_per_s=0, misses_per_min=0)
        part = ResolutionServer(resolution_app(records, settings), settings)
        await part.start()
        print(json.dumps({"port": port}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await part.stop()
        return
    server = Server(
        constant, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False
    )
    task = asyncio.create_task(server.serve())
    await asyncio.sleep(0.3)
    print(json.dumps({"port": port}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    server.stop()
    await asyncio.wait({task}, timeout=5)


def hold(process: psutil.Process, cores: list[int]) -> None:
    """Hold every thread of a process to some cores."""
    for thread in process.threads():
        os.sched_setaffinity(thread.id, cores)


def measure(
    server: psutil.Process,
    url: str,
    paths: Iterable[str],
    seconds: int,
    connections: int,
    cores: list[int],
    delay_ms: int = 0,
    accept: str = "",
) -> dict[str, float]:
    """What wrk found: requests a second, latencies in milliseconds, failures; and the server's time for each, with that
    of the processes that it started and that ended."""
    before_s = sum(server.cpu_times()[:4])
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script, tempfile.NamedTemporaryFile("w") as listed:
        listed.write("\n".join(paths) + "\n")
        listed.flush()
        headers = f'wrk.headers["Accept"] = "{accept}"' if accept else ""
        script.write(SCRIPT.replace("PATHS", listed.name).replace("HEADERS", headers))
        script.write(PACED.replace("DELAY", str(delay_ms)) if delay_ms else "")
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency"]
        command += ["-s", script.name, url]
        text = subprocess.run(
            ["taskset", "-c", ",".join(map(str, cores)), *command], capture_output=True, text=True, check=True
        ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    count = re.search(r"(\d+) requests in", text)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return {
        "rate": float(rate[1]) if rate else 0.0,
        "p50_ms": milliseconds(text, "50%"),
        "p99_ms": milliseconds(text, "99%"),
        "failed": float(failed[1]) if failed else 0.0,
        "cpu_us": (sum(server.cpu_times()[:4]) - before_s) / int(count[1]) * 1e6 if count else 0.0,
    }


def milliseconds(text: str, quantile: str) -> float:
    """A latency of wrk's report."""
    found = re.search(rf"{quantile}\s+([\d.]+)(us|ms|s)", text)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]] if found else 0.0


def shown(found: dict[str, float]) -> str:
    """One line."""
    return (
        f"{found['rate']:10,.0f}/s   p50 {found['p50_ms']:7.2f} ms   p99 {found['p99_ms']:7.2f} ms   "
        f"CPU {found['cpu_us']:5.1f} µs, {1e6 / max(found['cpu_us'], 0.001):7,.0f}/s a core   "
        f"failed {found['failed']:.0f}"
    )


@contextmanager
def nginx(body: bytes, core: int) -> Iterator[tuple[psutil.Process, str] | None]:
    """A static file of the same size by nginx, one worker on the same core; ``None`` where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        home, port = Path(folder), free_port()
        home.chmod(0o755)
        (home / "file").write_bytes(body)
        (home / "conf").write_text(
            f"daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 100000000; open_file_cache max=10;\n"
            " default_type application/json;\n"
            f" client_body_temp_path {home}/a; proxy_temp_path {home}/b; fastcgi_temp_path {home}/c;\n"
            f" uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;\n"
            f" server {{ listen 127.0.0.1:{port}; location / {{ root {home}; try_files /file =404; }} }} }}\n"
        )
        running = subprocess.Popen([program, "-c", str(home / "conf"), "-p", str(home)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            for each in (psutil.Process(running.pid), *psutil.Process(running.pid).children()):
                hold(each, [core])
            workers = psutil.Process(running.pid).children()
            yield workers[0], f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(5)


def read_through(folder: Path) -> None:
    """Read the index once, as after some days of service: what is measured is not the disk."""
    size = 0
    for path in sorted(folder.rglob("*.mdb")):
        with path.open("rb") as file:
            while block := file.read(1 << 24):
                size += len(block)
    print(f"{size / 1e9:.2f} GB of the index are in memory as far as the machine has it", flush=True)


def main(options: argparse.Namespace) -> None:
    """Load, serve, measure."""
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_cores = cores[0], cores[1:] or cores
    print(f"load {psutil.getloadavg()[0]:.1f} on {len(cores)} cores before", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary) / "identifiers"
        if not folder.exists():
            took = fill(folder.parent, options.handles)
            print(f"loaded {options.handles:,} handles in {took:.1f} s", flush=True)
        port = free_port()
        process = child(__file__, "serve", str(folder), str(port))
        try:
            asyncio.run(say(process))
            server = psutil.Process(process.pid)
            hold(server, [server_core])
            url = f"http://127.0.0.1:{port}"
            chance = random.Random(1)
            names = [name(chance.randrange(options.handles)).decode() for _ in range(PATHS)]
            handles = [f"/api/handles/{each}" for each in names]
            first = httpx.get(url + handles[0], trust_env=False).content
            assert json.loads(first)["responseCode"] == 1, first
            print(f"an answer has {len(first)} bytes of JSON")
            read_through(folder)
            measure(server, url, handles, max(2, options.seconds), options.connections, load_cores)  # warm
            full = measure(server, url, handles, options.seconds, options.connections, load_cores)
            print(f"{'handles, full load':26}{shown(full)}", flush=True)
            delay_ms = 10
            half = measure(
                server,
                url,
                handles,
                options.seconds,
                max(1, int(full["rate"] / 2 * delay_ms / 1000)),
                load_cores,
                delay_ms,
            )
            print(f"{'handles, half load':26}{shown(half)}", flush=True)
            key = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
            for label, paths in (
                ("one that is not there", [f"/api/handles/86.1000.1/none-{number}" for number in range(10_000)]),
                ("chosen by type", [f"{each}?type=URL" for each in handles]),
                ("the page", [f"/id/{each}" for each in names]),
                ("DID of a key", [f"/1.0/identifiers/{key}"]),
            ):
                found = measure(server, url, paths, 3, options.connections, load_cores)
                print(f"{label:26}{shown(found)}", flush=True)
            print(f"memory: {memory(server)}")
        finally:
            asyncio.run(finish(process))
        process = child(__file__, "serve", "", str(port))
        try:
            asyncio.run(say(process))
            server = psutil.Process(process.pid)
            hold(server, [server_core])
            bare = measure(server, url, ["/handle"], options.seconds, options.connections, load_cores)
            ratio = bare["cpu_us"] / full["cpu_us"]
            print(f"{'Granian, a constant':26}{shown(bare)}   ratio of CPU {ratio:.2f}", flush=True)
        finally:
            asyncio.run(finish(process))
        with nginx(first, server_core) as ceiling:
            if ceiling is None:
                print("nginx is not installed: no ceiling")
                return
            top = measure(*ceiling, ["/handle"], options.seconds, options.connections, load_cores)
            print(f"{'nginx, a static file':26}{shown(top)}   ratio {full['rate'] / top['rate']:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(sys.argv[2], int(sys.argv[3])))
        raise SystemExit
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on PATH (Debian: apt-get install wrk)")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--handles", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--folder", help="keeps the register for the next run")
    main(parser.parse_args())
