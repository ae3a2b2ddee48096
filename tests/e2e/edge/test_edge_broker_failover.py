"""A parent whose broker is a cluster of three: what an edge brings goes on over the death of a server, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.edge import EdgeNode, Parent, add_device, enrol
from support.nats_cluster import NatsCluster
from support.reliability import Device, Fleet, assert_history, await_arrival


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path) as running:
        yield running


@pytest.mark.timeout(240)
async def test_an_edge_goes_on_when_a_server_of_its_parent_dies(cluster: NatsCluster, tmp_path: Path) -> None:
    with Parent(tmp_path / "parent", {"nats": {"url": cluster.url}}) as parent:
        api = parent.administrator()
        made = enrol(api)
        edge = EdgeNode(tmp_path / "edge", parent)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        try:
            with edge:
                edge_id = made["edge"]["id"]
                devices = [add_device(api, f"press {number}", edge_id) for number in range(2)]
                with Fleet(edge, api) as fleet:
                    for number, (device_id, token) in enumerate(devices):
                        fleet.send(
                            Device(
                                edge.mqtt_port, device_id, token, f"p{number}", timed=not number, rate=100, window=50
                            )
                        )
                    await asyncio.to_thread(await_arrival, parent, api, fleet)
                    # The server that takes what edges bring (it leads the stream), then the one they are linked to.
                    for what in ("leads", "linked"):
                        leader = await cluster.leader("INTAKE")
                        linked = _linked_to(parent, cluster)
                        victim = leader if what == "leads" else linked
                        cluster.kill(victim)
                        await asyncio.to_thread(await_arrival, parent, api, fleet)
                        assert _linked_to(parent, cluster) != victim
                        cluster.start(victim)
                        await cluster.in_step("INTAKE")
                    await asyncio.to_thread(fleet.finish)
                    await asyncio.to_thread(assert_history, parent, api, fleet.devices, 60)
                assert api.get(f"/edges/{edge_id}").json()["status"]["given_up"] == 0
        finally:
            edge.line.cut()
            api.close()


def _linked_to(parent: Parent, cluster: NatsCluster) -> int:
    """The server that the role ``edges`` speaks with."""
    ports = [cluster.settings(place).port for place in range(3)]
    deadline = time.monotonic() + 20
    while True:
        process = parent.find_process("edges")
        found = {each.raddr.port for each in process.net_connections() if each.raddr} if process else set()
        linked = [place for place, port in enumerate(ports) if port in found]
        if len(linked) == 1:
            return linked[0]
        assert time.monotonic() < deadline, f"linked to {linked}"
        time.sleep(0.1)
