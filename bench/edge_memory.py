"""What all that `millwright edge up` starts takes: idle, and with 500 tags at one second. Aim: 512 MB.

    python bench/edge_memory.py [--tags 500] [--settle-s 20] [--run-s 60]

The tags are registers of Modbus devices, 100 each, placed at the edge by its parent. RSS counts what several processes
share for each of them; PSS is too small here, for the parent shares it too. ``machine_mb`` is what a machine has to
find that runs nothing else: pages that a process has for itself, and of each file the most that one has mapped.
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
            idle, idle_machine = measure(edge), _machine_mb(edge)
            _follow(api, edge, edge_id, port, options.tags)
            time.sleep(options.run_s)
            working, working_machine = measure(edge), _machine_mb(edge)
            api.close()
        finally:
            edge.stop()
            edge.line.cut()
    return {
        "idle": {"rss_mb": _sum(idle, "rss_mb"), "pss_mb": _sum(idle, "pss_mb"), "machine_mb": idle_machine},
        "working": {
            "rss_mb": _sum(working, "rss_mb"),
            "pss_mb": _sum(working, "pss_mb"),
            "machine_mb": working_machine,
        },
        "idle_rss_mb": {name: each["rss_mb"] for name, each in idle.items()},
        "working_rss_mb": {name: each["rss_mb"] for name, each in working.items()},
    }


def _machine_mb(edge: EdgeNode) -> float:
    """What the edge would take of a machine of its own."""
    own, files = 0, dict[str, int]()
    assert edge.process is not None
    for process in [psutil.Process(edge.process.pid), *edge.processes()]:
        mapped: dict[str, int] = {}
        for each in process.memory_maps(grouped=False):
            own += each.anonymous
            mapped[each.path] = mapped.get(each.path, 0) + each.rss - each.anonymous
        for path, size in mapped.items():
            files[path] = max(files.get(path, 0), size)
    return round((own + sum(files.values())) / 1e6, 1)


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
