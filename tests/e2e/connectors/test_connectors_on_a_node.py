"""A machine on a real node: from the API to history, through the death of the host and of the broker."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from support.node import RunningNode


def rows(api: httpx.Client, device_id: str, name: str) -> list[list[Any]]:
    """Time and value of everything that is kept of a property."""
    now_ms = int(time.time() * 1000)
    query = {"device_id": device_id, "property": name, "from_ms": now_ms - 600_000, "to_ms": now_ms + 1000}
    answer = api.get("/readings", params={**query, "limit": 10_000})
    if answer.status_code == 503:  # while there is no broker, nobody can be asked
        return []
    assert answer.status_code == 200, answer.text
    return [[each["time_ms"], each["value"]] for each in answer.json()["items"]]


def test_a_machine_on_a_node(tmp_path: Path) -> None:
    with RunningNode(tmp_path, {"connectors": {"linger_s": 1.0, "first_retry_s": 0.1}}) as node:
        api = node.administrator()
        assert node.find_process("connectors") is None, "without a connection it costs nothing"
        settings = {"machine": "e2e", "outage_s": 3600.0}
        tested = api.post("/connectors/test", json={"kind": "simulator", "settings": settings})
        assert tested.json()["identity"]["serial"] == "e2e", tested.text
        made = api.post("/connectors", json={"name": "press", "kind": "simulator", "settings": settings}).json()
        tags = [{"address": "counter/1", "type": "integer", "interval_ms": 100}]
        thing = api.post(f"/connectors/{made['id']}/things", json={"tags": tags, "device_name": "press-1"}).json()
        device_id = thing["device_id"]
        node.wait_for("values in history", lambda: len(rows(api, device_id, "counter_1")) > 3)
        node.wait_for("presence", lambda: api.get(f"/devices/{device_id}").json()["presence"]["online"])

        dead = node.kill("connectors")
        node.wait_for(
            "another host", lambda: (found := node.find_process("connectors")) is not None and found.pid != dead
        )
        born_ms = node.find_process("connectors").create_time() * 1000
        again = node.wait_for(
            "its values", lambda: [at for at, _ in rows(api, device_id, "counter_1") if at > born_ms][3:]
        )

        pid = node.kill("nats-server")
        broken_ms = int(time.time() * 1000)
        node.wait_for(
            "another broker", lambda: (found := node.find_process("nats-server")) is not None and found.pid != pid
        )
        end_ms = int(time.time() * 1000) + 2000
        node.wait_for("values again", lambda: (rows(api, device_id, "counter_1") or [[0, 0]])[-1][0] > end_ms, 40)
        kept = [time_ms for time_ms, _ in rows(api, device_id, "counter_1") if again[0] <= time_ms < end_ms]
        assert kept[0] < broken_ms
        gaps = [after - first for first, after in pairwise(kept)]
        # Every cycle of the outage is there: a value that was lost would leave a hole of two cycles or more. A machine
        # short of processor time may be late itself, but the host notes when a value was, not when it was stored.
        assert max(gaps) < 1000, gaps
        assert len(kept) == len(set(kept))

        listed = node.cli("connectors", "list", "--json")
        assert json.loads(listed.stdout)[0]["health"]["state"] == "running", listed.stderr
        assert "counter/1,press-1,counter_1" in node.cli("connectors", "export", "press").stdout
        assert api.patch(f"/connectors/{made['id']}", json={"enabled": False}).status_code == 200
        node.wait_for("the host is gone", lambda: node.find_process("connectors") is None)
        node.wait_for("offline", lambda: not api.get(f"/devices/{device_id}").json()["presence"]["online"])
        api.close()
