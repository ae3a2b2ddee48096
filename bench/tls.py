"""What a device costs that signs in by certificate: processor time of the handshake, memory of the connection.

    python bench/tls.py [--connections 500] [--kind ec|rsa|ed25519]

One listener (a process of its own, uvloop) over real records; the clients are in another process. The pace of the door
is lifted, so that the listener is measured and not its patience. Beside it the same with a token over TLS, and with a
token and no TLS. Prints processor time, which holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import ssl

from millwright.devices import NewCredential
from support.mqtt import connect_bytes
from support.mtls import mutual_tls
from support.nats import RunningNats

_AT_ONCE = 20


async def serve(kind: str) -> None:
    """The listener; prints where it is, then a line of figures whenever it is asked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            RunningNats(folder / "nats") as nats,
            mutual_tls(nats.url, folder, tls_handshakes_per_s=1e6, max_unauthenticated_per_address=100_000) as running,
        ):
            made = await running.device("pump", kind)
            token = (await running.service.credentials.issue(made.issued.subject_id, NewCredential())).token
            print(json.dumps({"folder": name, "tls": running.port, "plain": running.listener.port, "token": token}))
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.readline)


async def connect(options: argparse.Namespace) -> None:
    """Opens connections and keeps them."""
    context = None
    if options.way != "plain":
        folder = Path(options.folder)
        context = ssl.create_default_context(cafile=str(folder / "tls" / "ca.pem"))
        if options.way == "certificate":
            context.load_cert_chain(folder / "pump.pem", folder / "pump.key")
    slots, kept = asyncio.Semaphore(_AT_ONCE), []

    async def one(number: int) -> None:
        async with slots:
            reader, writer = await asyncio.open_connection("localhost", options.port, ssl=context)
            username = None if options.way == "certificate" else options.token
            writer.write(connect_bytes(f"c{number}", username=username))
            assert (await reader.readexactly(4))[3] == 0
            kept.append((reader, writer))

    await asyncio.gather(*(one(number) for number in range(options.connections)))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for _, writer in kept:
        writer.transport.abort()


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(options: argparse.Namespace) -> None:
    """Start both sides and compare."""
    listener = child("--role", "serve", "--kind", options.kind)
    assert listener.stdout
    where: dict[str, Any] = json.loads(listener.stdout.readline())
    watched = psutil.Process(listener.pid)
    print(f"{options.connections} connections, keys of kind {options.kind}")
    for way in ("plain", "token", "certificate"):
        port = where["plain"] if way == "plain" else where["tls"]
        for warm in (True, False):
            count = 20 if warm else options.connections
            cpu, rss = sum(watched.cpu_times()[:2]), watched.memory_info().rss
            clients = child(
                *("--role", "connect", "--way", way, "--port", str(port), "--folder", where["folder"]),
                *("--token", where["token"], "--connections", str(count)),
            )
            assert clients.stdout
            assert clients.stdout.readline() == "ready\n"
            spent, grown = sum(watched.cpu_times()[:2]) - cpu, watched.memory_info().rss - rss
            clients.communicate("\n", timeout=60)
            if not warm:
                print(f"  {way:<12} {spent / count * 1e6:7.0f} µs CPU, {grown / count / 1024:6.1f} KB each")
    listener.communicate("\n", timeout=60)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--way", default="", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--kind", choices=["ec", "rsa", "ed25519"], default="ec")
    options = parser.parse_args()
    if options.role == "run":
        run(options)
    else:
        uvloop.run(serve(options.kind) if options.role == "serve" else connect(options))


if __name__ == "__main__":
    main()
