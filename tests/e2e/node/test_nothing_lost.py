"""``kill -9`` of any process in the middle of a QoS 1 stream: what was acknowledged is in history, exactly once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.node import RunningNode
from support.qos1 import CountingDevice


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with RunningNode(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture(scope="module")
def api(node: RunningNode) -> Iterator[httpx.Client]:
    client = node.administrator()
    yield client
    client.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["nats-server", "listener", "historian", "web"])
def test_kill_in_mid_stream_loses_and_doubles_nothing(node: RunningNode, api: httpx.Client, name: str) -> None:
    device = api.post("/devices", json={"name": f"counter-{name}"}).json()
    token = api.post(f"/devices/{device['id']}/credentials", json={}).json()["token"]
    counter = CountingDevice(node.mqtt_port, token, f"counter-{name}")
    with counter:
        for _ in range(2):
            time.sleep(1.5)
            before = node.kill(name)
            node.wait_for(f"{name} is back", lambda before=before: _is_another(node, name, before))
        time.sleep(1.5)
        counter.finish()
    assert len(counter.acknowledged) > 500
    wanted = {counter.times[number]: float(number) for number in counter.acknowledged}
    found = node.wait_for(
        f"{len(wanted)} readings in history",
        lambda: (rows := _history(api, device["id"], wanted)) and len(rows) >= len(wanted) and rows,
        timeout_s=30,
    )
    assert len(found) == len({row["time_ms"] for row in found}), "a reading is there twice"
    assert {row["time_ms"]: row["value"] for row in found} == wanted


def _is_another(node: RunningNode, name: str, before: int) -> bool:
    process = node.find_process(name)
    return process is not None and process.pid != before


def _history(api: httpx.Client, device_id: str, wanted: dict[int, float]) -> list[dict[str, Any]]:
    """Every reading there is; none while a process that answers is still coming back."""
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"device_id": device_id, "property": "n", "from_ms": min(wanted), "to_ms": max(wanted) + 1}
    try:
        while True:
            reply = api.get("/readings", params=query | {"limit": 10_000})
            if reply.status_code != 200:
                return []
            rows += reply.json()["items"]
            if reply.json()["next"] is None:
                return rows
            query["cursor"] = reply.json()["next"]
    except httpx.HTTPError:
        return []
