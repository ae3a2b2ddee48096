"""A node whose broker is a cluster of three: a server that dies in mid-stream costs seconds and no reading."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.nats_cluster import NatsCluster
from support.node import RunningNode
from support.qos1 import CountingDevice

AGAIN_S = 30.0
"""A new leader is chosen within ten seconds; the rest is for a machine that is busy."""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path) as running:
        yield running


@pytest.mark.timeout(240)
async def test_leader_and_follower_die_in_mid_stream(cluster: NatsCluster, tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"nats": {"url": cluster.url}, "historian": {"flush_ms": 200}})
    with node:
        api = node.administrator()
        device = api.post("/devices", json={"name": "counter"}).json()
        token = api.post(f"/devices/{device['id']}/credentials", json={}).json()["token"]
        counter = CountingDevice(node.mqtt_port, token, "counter", rate=200)
        try:
            with counter:
                for role in ("leader", "follower"):
                    await asyncio.to_thread(_more_are_acknowledged, counter)
                    leader = await cluster.leader("INTAKE")
                    victim = leader if role == "leader" else (leader + 1) % 3
                    cluster.kill(victim)
                    await asyncio.to_thread(_more_are_acknowledged, counter)  # without the server
                    cluster.start(victim)
                    await cluster.in_step("INTAKE")
                await asyncio.to_thread(counter.finish)
            wanted = {counter.times[number]: float(number) for number in counter.acknowledged}
            found = await asyncio.to_thread(
                node.wait_for,
                f"{len(wanted)} readings in history",
                lambda: (rows := _history(api, device["id"], wanted)) and len(rows) >= len(wanted) and rows,
                timeout_s=AGAIN_S,
            )
        finally:
            api.close()
    assert len(found) == len(wanted), "a reading is there twice"
    assert {row["time_ms"]: row["value"] for row in found} == wanted


def _more_are_acknowledged(counter: CountingDevice, many: int = 100) -> None:
    before, deadline = len(counter.acknowledged), time.monotonic() + AGAIN_S
    while len(counter.acknowledged) < before + many:
        assert time.monotonic() < deadline, f"{len(counter.acknowledged) - before} acknowledged in {AGAIN_S:g} s"
        time.sleep(0.05)


def _history(api: httpx.Client, device_id: str, wanted: dict[int, float]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"device_id": device_id, "property": "n", "from_ms": min(wanted), "to_ms": max(wanted) + 1}
    while True:
        reply = api.get("/readings", params=query | {"limit": 10_000})
        if reply.status_code != 200:
            return []
        rows += reply.json()["items"]
        if reply.json()["next"] is None:
            return rows
        query["cursor"] = reply.json()["next"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _start_broker(node: RunningNode) -> subprocess.Popen[bytes]:
    with (node.folder / "up.out").open("ab") as log:
        return subprocess.Popen(node.command("broker"), env=node.environ(), stdout=log, stderr=log)


@pytest.mark.timeout(120)
def test_a_node_is_one_server_of_the_cluster_and_brokers_are_the_others(tmp_path: Path) -> None:
    """``millwright up`` with ``[nats] cluster_port``, ``millwright broker`` on the other machines."""
    ports = NatsCluster(tmp_path)
    nodes = [
        RunningNode(
            _made(tmp_path / f"machine{place}"),
            {
                "nats": {
                    "port": chosen.port,
                    "cluster_port": chosen.cluster_port,
                    "routes": chosen.routes,
                    "secret": chosen.secret,
                    "max_store_gb": 4,
                }
            },
        )
        for place, chosen in enumerate(ports.settings(place) for place in range(3))
    ]
    node, *others = nodes
    brokers = [_start_broker(other) for other in others]
    try:
        with node:
            api = node.administrator()
            device = api.post("/devices", json={"name": "counter"}).json()
            token = api.post(f"/devices/{device['id']}/credentials", json={}).json()["token"]
            with CountingDevice(node.mqtt_port, token, "counter", rate=200) as counter:
                _more_are_acknowledged(counter)
                brokers[0].kill()  # one of three
                _more_are_acknowledged(counter)
                counter.finish()
            api.close()
    finally:
        for broker in brokers:
            broker.kill()
            broker.wait(10)
