"""A program: watches the network of the namespace it runs in and prints a report a line; opens connections first."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys

import msgspec

from millwright.devices.network.model import NetworkReport, ScanOrder
from millwright.devices.network.settings import NetworkSettings
from millwright.devices.network.watch import NetworkWatch
from millwright.kernel import SystemClock


async def main() -> None:
    order = json.loads(sys.argv[1])

    async def take(report: NetworkReport) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()

    kept = [socket.create_connection((host, port)) for host, port in order.get("connect", ())]
    for channel in kept:
        channel.sendall(b"x" * 3000)
    settings = msgspec.convert(order["settings"], NetworkSettings)
    watch = NetworkWatch(settings, SystemClock(), take, root_pid=os.getpid(), own={1883: "MQTT"})
    await watch.start()
    while line := await asyncio.to_thread(sys.stdin.readline):
        watch.scan(msgspec.json.decode(line, type=ScanOrder))
    await watch.stop()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
