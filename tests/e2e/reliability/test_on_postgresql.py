"""A whole node whose records are in PostgreSQL, which is stopped and started again under it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.node import RunningNode
from support.postgres import Postgres, find_binaries
from support.reliability import Fleet, assert_history, pids, problems, register

STALL_S = 4


@pytest.fixture
def cluster() -> Iterator[Postgres]:
    """A PostgreSQL of this test's own, because it is stopped."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed (apt install postgresql)")
    running = Postgres(binaries)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.mark.timeout(180)
def test_node_outlives_its_postgresql(cluster: Postgres, tmp_path: Path) -> None:
    node = RunningNode(tmp_path, {"sql": {"url": cluster.url(cluster.new_database())}})
    with node, Fleet(node, api := node.administrator()) as fleet:
        fleet.add_both("steady", 2, rate=100)
        fleet.await_progress(100)
        high = fleet.devices[0].sent + 400  # is counted to while PostgreSQL is away
        limit_rule(api, fleet.devices[0].device_id, high)
        time.sleep(1)
        before = pids(node)
        cluster.halt()
        assert fleet.devices[0].sent < high
        # What is connected goes on: intake needs no records.
        fleet.await_progress(500)
        assert pids(node) == before
        began = time.monotonic()
        assert api.get("/devices").status_code == 503
        assert time.monotonic() - began < 15
        with httpx.Client() as anyone:
            assert anyone.get(f"{node.url}/healthz").status_code == 200
            assert anyone.get(f"{node.url}/readyz").status_code == 503
        # Roles that start while it is away wait for it, and devices for them.
        node.kill("listener")
        node.kill("historian")
        time.sleep(STALL_S)
        cluster.resume()
        fleet.await_progress(50)
        node.wait_for("pages again", lambda: api.get("/devices").status_code == 200)
        node.wait_for("no problem is left", lambda: "steady-0" in names(api) and not problems(api), timeout_s=30)
        raised = node.wait_for("the alarm", lambda: api.get("/alarms").json()["items"], timeout_s=30)
        assert [(alarm["device_name"], alarm["active"]) for alarm in raised] == [("steady-0", True)]
        assert raised[0]["trigger_value"] == high + 1, "what was judged while PostgreSQL was away was forgotten"
        fleet.add("later", timed=False, rate=100)
        fleet.await_progress(50)
        fleet.finish()
        assert_history(node, api, fleet.devices)
        kept = {name for name, pid in pids(node).items() if pid == before[name]}
        assert kept == {"nats-server", "web"}, "a role did not outlive it"
        register(api, "written")
        api.close()


def limit_rule(api: httpx.Client, device_id: str, high: int) -> None:
    """An alarm once the device has counted so far."""
    body = {
        "name": "far",
        "enabled": True,
        "scope": {"device_id": device_id},
        "property": "n",
        "condition": {"kind": "limit", "high": high},
        "priority": "high",
        "message": "far",
    }
    reply = api.post("/rules", json=body)
    assert reply.status_code == 201, reply.text


def names(api: httpx.Client) -> set[str]:
    """The names of all devices."""
    return {each["name"] for each in api.get("/devices").json()["items"]}
