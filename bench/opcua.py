"""What OPC UA costs: 5,000 tags at one second through the connector, beside asyncua's own subscription.

    python bench/opcua.py [--tags 5000] [--interval-ms 1000] [--seconds 10] [--publishing-ms 0] [--profile FILE]

The server is asyncua's; it and the client are processes of their own. Every tag changes in every interval and every
change is a notification. The client's processor time is what counts: the server is the slower side, so the most that
one core could take is figured from it.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.devices.connectors.contract import Point, Sample
from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings
from processes import child, finish
from support.opcua import RunningServer

ADDRESS = "nsu=urn:example:plant;s=Tag{}"


async def ours(options: argparse.Namespace) -> tuple[int, float]:
    """Follow by the connector; returns what was delivered between two lines of input, and the processor time."""
    count = 0

    async def deliver(samples: Sequence[Sample]) -> None:
        nonlocal count
        count += len(samples)

    session = await OpcUaConnector().open(
        OpcUaSettings(url=options.url, publishing_interval_ms=options.publishing_ms, timeout_s=20)
    )
    points = [
        Point(id=f"t{number}", address=ADDRESS.format(number), interval_ms=options.interval_ms)
        for number in range(options.tags)
    ]
    began = time.perf_counter()
    running = asyncio.create_task(session.run(points, deliver))
    while count < options.tags:
        await asyncio.sleep(0.05)
        assert not running.done(), running.exception()
    print(json.dumps({"set_up_s": time.perf_counter() - began}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before = count, time.process_time()
    await asyncio.to_thread(sys.stdin.readline)
    found = count - before[0], time.process_time() - before[1]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await session.close()
    return found


async def library(options: argparse.Namespace) -> tuple[int, float]:
    """Follow by the library's own subscription, which makes an object and a task of each notification."""
    from asyncua import Client

    logging.getLogger("asyncua").setLevel(logging.CRITICAL)

    class Handler:
        count = 0

        def datachange_notification(self, node: Any, value: Any, data: Any) -> None:  # noqa: ARG002
            self.count += 1

    handler = Handler()
    client = Client(options.url, timeout=20, watchdog_intervall=60)
    await client.connect()
    index = await client.get_namespace_index("urn:example:plant")
    subscription = await client.create_subscription(options.publishing_ms or options.interval_ms, handler)
    nodes = [client.get_node(f"ns={index};s=Tag{number}") for number in range(options.tags)]
    began = time.perf_counter()
    await subscription.subscribe_data_change(nodes, queuesize=100, sampling_interval=options.interval_ms)
    while handler.count < options.tags:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    print(json.dumps({"set_up_s": time.perf_counter() - began}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    before = handler.count, time.process_time()
    await asyncio.to_thread(sys.stdin.readline)
    found = handler.count - before[0], time.process_time() - before[1]
    await client.disconnect()
    return found


async def client(options: argparse.Namespace) -> None:
    profiler = cProfile.Profile() if options.profile else None
    if profiler:
        profiler.enable()
    seen, spent_s = await (ours if options.role == "ours" else library)(options)
    if profiler:
        profiler.disable()
        profiler.dump_stats(options.profile)
    print(json.dumps({"seen": seen, "spent_s": spent_s}), flush=True)


async def run(options: argparse.Namespace) -> None:
    sent_ms = options.publishing_ms or options.interval_ms
    print(f"{options.tags} tags every {options.interval_ms} ms, sent every {sent_ms} ms")
    for role in ("ours", "library"):
        with RunningServer(tags=options.tags) as server:
            process = child(
                __file__, "--role", role, "--url", server.url, "--tags", str(options.tags),
                "--interval-ms", str(options.interval_ms), "--publishing-ms", str(options.publishing_ms),
                *(("--profile", options.profile) if role == "ours" and options.profile else ()),
            )  # fmt: skip
            assert process.stdin
            assert process.stdout
            ready = json.loads(await asyncio.to_thread(process.stdout.readline))
            server.do("tick", interval_s=options.interval_ms / 1000)
            await asyncio.sleep(2 * options.interval_ms / 1000)
            assert server.process
            served = psutil.Process(server.process.pid)
            before, began = sum(served.cpu_times()[:2]), time.perf_counter()
            process.stdin.write("\n")
            process.stdin.flush()
            await asyncio.sleep(options.seconds)
            serving = sum(served.cpu_times()[:2]) - before
            memory = psutil.Process(process.pid).memory_info().rss
            found, seconds = await finish(process), time.perf_counter() - began
        share, whole = found["spent_s"] / seconds * 100, found["seen"] / found["spent_s"]
        print(f"{role:<8} {found['seen'] / seconds:7,.0f} notifications/s at {share:.1f} % of a core")
        print(f"         {whole:7,.0f} on a whole one; set up in {ready['set_up_s']:.1f} s, {memory / 1e6:.0f} MB")
        print(f"         the server used {serving / seconds * 100:.0f} % of a core")
    print(f"load average {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--tags", type=int, default=5000)
    parser.add_argument("--interval-ms", type=int, default=1000)
    parser.add_argument("--publishing-ms", type=int, default=0, help="the connector's setting publishing_interval_ms")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--profile", default="", help="write cProfile statistics of the connector to this file")
    options = parser.parse_args()
    uvloop.run(run(options) if options.role == "run" else client(options))


if __name__ == "__main__":
    main()
