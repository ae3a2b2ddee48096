"""What a NATS cluster of three costs beside one server, and how long a dying leader holds the intake up.

    python bench/cluster.py [--seconds 6] [--connections 16] [--window 2000] [--payload 200]

The same load as ``bench/mqtt_listener.py`` (QoS 1, acknowledged when JetStream has confirmed) with three brokers in
turn: one server; a cluster of three that keeps the stream once; a cluster of three that keeps it three times. Prints
messages a second, latency of acknowledgement and processor seconds for a million messages of the listener and of all
servers together, which other work on the machine changes little. Then the leader of the stream is killed by -9 while
frames are appended, three times: the longest time without a confirmation. Everything runs on this machine, so the
three servers share the processors and the disk that one has to itself.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
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

from millwright.devices.intake import INTAKE
from millwright.engines.nats import NatsConnection
from millwright.kernel import Unavailable
from processes import child, finish
from support.nats import RunningNats
from support.nats_cluster import NatsCluster

LISTENER = str(Path(__file__).parent / "mqtt_listener.py")
FRAME = bytes(128 * 1024)


async def under_load(url: str, pids: list[int], options: argparse.Namespace, replicas: int = 0) -> dict[str, Any]:
    """The listener under the load, and what it and the servers spent."""
    listener = child(LISTENER, "--role", "listen", "--url", url, "--replicas", str(replicas))
    port = (await asyncio.to_thread(listener.stdout.readline)).strip()  # type: ignore[union-attr]
    watched = [psutil.Process(listener.pid), *map(psutil.Process, pids)]
    before = [sum(each.cpu_times()[:2]) for each in watched]
    load = child(
        *(LISTENER, "--role", "load", "--port", port, "--connections", str(options.connections)),
        *("--seconds", str(options.seconds), "--window", str(options.window), "--payload", str(options.payload)),
    )
    result = await finish(load)
    spent = [sum(each.cpu_times()[:2]) - was for each, was in zip(watched, before, strict=True)]
    await finish(listener)
    millions = result["messages"] / 1e6
    return {
        "messages_per_s": round(result["messages"] / result["seconds"]),
        "p50_ms": round(result["p50_ms"], 1),
        "p99_ms": round(result["p99_ms"], 1),
        "listener_cpu_s_per_million": round(spent[0] / millions, 2),
        "servers_cpu_s_per_million": round(sum(spent[1:]) / millions, 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


async def appends(url: str, pids: list[int], many: int = 2_000) -> float:
    """Microseconds of processor time of all servers for an append by itself, eight in flight."""
    connection = NatsConnection(url, "bench")
    await connection.start()
    watched = [psutil.Process(pid) for pid in pids]
    before = sum(sum(each.cpu_times()[:2]) for each in watched)

    async def one_after_another(name: str) -> None:
        for number in range(many // 8):
            await connection.append("intake.bench", bytes(1024), message_id=f"{name}-{number}", timeout_s=30)

    await asyncio.gather(*(one_after_another(f"{time.time()}-{place}") for place in range(8)))
    await connection.stop()
    return round((sum(sum(each.cpu_times()[:2]) for each in watched) - before) / many * 1e6)


async def prepare(url: str, replicas: int) -> None:
    """Make the intake anew, kept by so many servers."""
    connection = NatsConnection(url, "bench", replicas=replicas)
    await connection.start()
    await connection.remove_stream(INTAKE.name)
    await connection.ensure_stream(INTAKE)
    await connection.stop()


async def fall_over(cluster: NatsCluster) -> float:
    """The longest time between two confirmations when the leader of the stream is killed."""
    connection = NatsConnection(cluster.url, "bench")
    await connection.start()
    victim = await cluster.leader(INTAKE.name)
    confirmed = [time.monotonic()]
    killed_s = 0.0
    number = 0
    while not killed_s or len(confirmed) < 50 or confirmed[-1] < killed_s + 1:
        if not killed_s and len(confirmed) > 20:
            cluster.kill(victim)
            killed_s = time.monotonic()
        number += 1
        while True:
            try:
                await connection.append("intake.bench", FRAME, message_id=f"{killed_s}-{number}", timeout_s=3)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                break
        confirmed.append(time.monotonic())
    await connection.stop()
    cluster.start(victim)
    await cluster.in_step(INTAKE.name)
    return max(later - earlier for earlier, later in itertools.pairwise(confirmed))


async def run(options: argparse.Namespace) -> None:
    measured: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with RunningNats(folder / "alone") as nats:
            pids = [nats._process.pid]  # type: ignore[union-attr]
            measured["one server"] = await under_load(nats.url, pids, options)
            measured["one server"]["servers_cpu_us_per_append"] = await appends(nats.url, pids)
        (folder / "cluster").mkdir()
        async with NatsCluster(folder / "cluster") as cluster:
            pids = [process.pid for process in cluster.processes if process]
            for replicas in (1, 3):
                await prepare(cluster.url, replicas)
                found = await under_load(cluster.url, pids, options, replicas)
                found["servers_cpu_us_per_append"] = await appends(cluster.url, pids)
                measured[f"three servers, kept by {replicas}"] = found
            gaps = [await fall_over(cluster) for _ in range(3)]
    for what, figures in measured.items():
        print(json.dumps({"broker": what} | figures))
    print(json.dumps({"killed": "leader", "longest_s_without_confirmation": [round(gap, 1) for gap in gaps]}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--window", type=int, default=2000, help="unacknowledged messages a connection")
    parser.add_argument("--payload", type=int, default=200, help="bytes a message")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
