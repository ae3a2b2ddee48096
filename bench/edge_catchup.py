"""An edge catches up after a cut: how much faster than real time its backlog reaches the parent, new data beside it.

Two whole nodes on this machine, four devices that count; the link is cut for some seconds and joined again. The backlog
is through when every frame received before the link was joined is in the parent's stream. Says the load average beside.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.devices.edge.positions import EdgePositions
from millwright.devices.intake import INTAKE
from millwright.engines.nats import NatsConnection
from support.edge import EdgeNode, Parent, add_device, enrol
from support.reliability import Device, Fleet, history


def main() -> None:
    """Cut, wait, join, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cut-s", type=float, default=10)
    parser.add_argument("--rate", type=float, default=300, help="messages a second of each of four devices")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Parent(Path(folder) / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        edge_id = made["edge"]["id"]
        edge = EdgeNode(Path(folder) / "edge", parent, {"edge": {"live_after_s": 2}})
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        with edge, Fleet(edge, api) as fleet:
            for number in range(4):
                device_id, token = add_device(api, f"d{number}", edge_id)
                sender = Device(
                    edge.mqtt_port, device_id, token, f"d{number}", timed=True, rate=options.rate, window=200
                )
                fleet.send(sender)
            fleet.await_progress(100)
            time.sleep(2)
            edge.line.cut()
            before = fleet.acknowledged()
            time.sleep(options.cut_s)
            held = fleet.acknowledged() - before
            newest = [device.sent for device in fleet.devices]
            joined = time.monotonic()
            edge.line.join()
            up_s, through_s, live_s = asyncio.run(_watch(parent, edge, edge_id, fleet, newest, api, joined))
            fleet.finish()
        edge.line.cut()
        api.close()
    print(f"cut for {options.cut_s:g} s, {held:,} messages held, {held / options.cut_s:,.0f} a second")
    print(f"link up after {up_s:.1f} s; first new value at the parent {live_s:.1f} s after the join")
    took_s = max(through_s - up_s, 1e-3)
    print(
        f"backlog through {took_s:.2f} s after that: {options.cut_s / took_s:.0f} × real time, with what came meanwhile"
    )
    print(f"load average {os.getloadavg()[0]:.1f}")


async def _watch(
    parent: Parent, edge: EdgeNode, edge_id: str, fleet: Fleet, newest: list[int], api: object, joined: float
) -> tuple[float, float, float]:
    """Seconds from the join: link up, backlog through, a new value readable."""
    near, far = NatsConnection(edge.nats_url, "bench"), NatsConnection(parent.nats_url, "bench")
    await near.start()
    await far.start()
    state = await near.state(INTAKE.name)
    epoch, wanted = re.sub(r"[^0-9A-Za-z]", "", state.created), state.last_sequence
    positions = EdgePositions(far)
    first = (await positions.lanes(edge_id, epoch)).get("all", 0)
    up_s = live_s = 0.0
    device, number = fleet.devices[0], newest[0]
    while True:
        reached = (await positions.lanes(edge_id, epoch)).get("all", 0)
        now_s = time.monotonic() - joined
        if not up_s and reached > first:
            up_s = now_s
        if reached >= wanted:
            break
        await asyncio.sleep(0.01)
    through_s = now_s
    while not live_s:
        rows = await asyncio.to_thread(history, api, device.device_id, "n") or []  # type: ignore[arg-type]  # a client
        live_s = time.monotonic() - joined if any(row["value"] > number for row in rows) else 0.0
    await near.stop()
    await far.stop()
    return up_s, through_s, live_s


if __name__ == "__main__":
    main()
