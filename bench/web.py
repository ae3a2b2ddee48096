"""How many requests a second the web role answers, by wrk, in a whole node with its broker and historian.

    python bench/web.py [--seconds 5] [--connections 16]

Starts a node on free ports in a temporary folder, registers 1,000 devices, stores readings of ten, then asks.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.node import RunningNode

SENDERS, PROPERTIES, DEVICES = 10, 10, 1000


def fill(node: RunningNode, client: httpx.Client) -> list[str]:
    """Register the devices, send one message from each of the first ten; their ids once it can be read."""
    rows = [{"name": f"pump-{number}", "tags": ["bench"]} for number in range(DEVICES)]
    client.post("/devices/import", json=rows).raise_for_status()
    ids = [device["id"] for device in client.get("/devices", params={"limit": SENDERS}).json()["items"]]
    for device in ids:
        token = client.post(f"/devices/{device}/credentials", json={}).raise_for_status().json()["token"]
        sender = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        sender.username_pw_set(token)
        sender.connect("127.0.0.1", node.mqtt_port)
        sender.loop_start()
        values = {f"p{number}": number * 1.5 for number in range(PROPERTIES)}
        sender.publish("millwright/v1/telemetry", json.dumps(values), qos=1).wait_for_publish(10)
        sender.disconnect()
        sender.loop_stop()
    for _ in range(100):
        if len(client.get("/readings/latest", params={"device_id": ids}).json()["items"]) == SENDERS * PROPERTIES:
            return ids
        time.sleep(0.1)
    raise SystemExit("the readings did not become visible")


def measure(url: str, token: str, seconds: int, connections: int) -> str:
    """One line: requests a second, latencies, failures."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    text = subprocess.run(
        [*command, "-H", f"Authorization: Bearer {token}", url], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    latency = dict(re.findall(r"(50|99)%\s+(\S+)", text))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return (
        f"{float(rate[1]) if rate else 0:9.0f}/s   p50 {latency.get('50', '?'):>9}   "
        f"p99 {latency.get('99', '?'):>9}   failed {failed[1] if failed else 0}"
    )


def main(seconds: int, connections: int) -> None:
    """Start, fill, measure."""
    with tempfile.TemporaryDirectory() as folder, RunningNode(Path(folder)) as node:
        token = (node.data / "cli.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{node.url}/api/v1", headers=headers, timeout=30, trust_env=False) as client:
            ids = fill(node, client)
            pid = next(r["pid"] for r in client.get("/system").json()["roles"] if r["role"] == "web")
        latest = "&".join(f"device_id={device}" for device in ids)
        paths = {
            "/healthz": "/healthz",
            "session": "/api/v1/session",
            "50 devices": "/api/v1/devices?limit=50",
            "overview": "/api/v1/overview",
            f"latest of {SENDERS} devices": f"/api/v1/readings/latest?{latest}",
        }
        print(f"load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores before, {connections} connections")
        for name, path in paths.items():
            print(f"{name:24}", measure(node.url + path, token, seconds, connections), flush=True)
        print(f"web role: {psutil.Process(pid).memory_info().rss / 1e6:.0f} MB resident")


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on PATH (Debian: apt-get install wrk)")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    given = parser.parse_args()
    main(given.seconds, given.connections)
