"""What all that `millwright edge up` starts takes: idle, and with 500 tags at one second. Aim: 512 MB.

    python bench/edge_memory.py [--tags 500] [--settle-s 20] [--run-s 60]

The tags are registers of Modbus devices, 100 each, placed at the edge by its parent. RSS counts what several processes
share for each of them. PSS counts it once: it is measured when the parent, which runs here too, has ended, so that
nothing is shared with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from processes import child
from startup import measure
from support.edge import EdgeNode, Parent, enrol
from support.reliability import history

_TAGS_OF_ONE = 100


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tags", type=int, default=500)
    parser.add_argument("--settle-s", type=float, default=20)
    parser.add_argument("--run-s", type=float, default=60)
    options = parser.parse_args()
    devices = child(str(Path(__file__).with_name("modbus.py")), "--role", "serve")
    assert devices.stdout is not None
    port = json.loads(devices.stdout.readline())
    found: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = _measure(Path(folder), port, options)
    finally:
        devices.communicate("\n", 10)
    print(json.dumps({**found, "load": psutil.getloadavg()[0]}, indent=2))


def _measure(folder: Path, port: int, options: argparse.Namespace) -> dict[str, Any]:
    with Parent(folder / "parent") as parent:
        api = parent.administrator()
        made = enrol(api)
        edge_id = made["edge"]["id"]
        edge = EdgeNode(folder / "edge", parent)
        assert edge.join(made["enrolment"]["code"]).returncode == 0
        edge.start()
        try:
            edge.wait_for("the link", lambda: api.get(f"/edges/{edge_id}").json()["state"] == "connected")
            time.sleep(options.settle_s)
            idle = measure(edge)
            _follow(api, edge, edge_id, port, options.tags)
            time.sleep(options.run_s)
            working = measure(edge)
            api.close()
            parent.stop()
            time.sleep(2)
            alone = measure(edge)
        finally:
            edge.stop()
            edge.line.cut()
    return {
        "idle_rss_mb": _sum(idle, "rss_mb"),
        "working_rss_mb": _sum(working, "rss_mb"),
        "working_pss_mb": _sum(alone, "pss_mb"),
        "idle": idle,
        "working": working,
    }


def _follow(api: httpx.Client, edge: EdgeNode, edge_id: str, port: int, tags: int) -> None:
    """Connections to devices of a hundred registers each; returns when values arrive at the parent."""
    device_id = ""
    for number in range(0, tags, _TAGS_OF_ONE):
        settings = {"host": "127.0.0.1", "port": port}
        connection = {"name": f"m{number}", "kind": "modbus", "settings": settings, "edge_id": edge_id}
        made = api.post("/connectors", json=connection)
        assert made.status_code == 201, made.text
        here = [
            {"address": f"holding:{each}:uint16", "type": "integer", "interval_ms": 1000}
            for each in range(min(_TAGS_OF_ONE, tags - number))
        ]
        thing = {"tags": here, "device_name": f"machine {number}"}
        reply = api.post(f"/connectors/{made.json()['id']}/things", json=thing)
        assert reply.status_code == 201, reply.text
        device_id = reply.json()["device_id"]
    edge.wait_for("values at the parent", lambda: _has_values(api, device_id), timeout_s=60)


def _has_values(api: httpx.Client, device_id: str) -> bool:
    named = api.get(f"/devices/{device_id}/properties").json()
    return bool(named) and bool(history(api, device_id, named[0]["name"]))


def _sum(memory: dict[str, dict[str, float]], kind: str) -> float:
    return round(sum(each[kind] for each in memory.values()), 1)


if __name__ == "__main__":
    main()
