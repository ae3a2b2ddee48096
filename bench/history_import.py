"""How many rows of history are brought in a second, and how long live readings wait meanwhile.

    python bench/history_import.py [--rows 500000] [--form long|wide]

Starts a whole node, sends a CSV file and imports it through the API (``long``: a row a reading; ``wide``: ten of them
a row). Prints rows and readings a second as the import itself tells its start and end, the largest memory of its
process, and how long a live reading takes from its PUBACK to the newest values before and while the import runs.
Everything runs on this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.mqtt import hang_up
from support.node import RunningNode

T0 = 1_700_000_000_000
WIDTH = 10
PART = 8 * 1024 * 1024
OCTETS = {"Content-Type": "application/octet-stream"}


def content(rows: int, form: str) -> bytes:
    if form == "long":
        head = "time,device,property,value\n"
        return (head + "".join(f"{T0 + at},past,p{at % 20},{at % 997 / 10}\n" for at in range(rows))).encode()
    head = "time," + ",".join(f"p{at}" for at in range(WIDTH)) + "\n"
    lines = (f"{T0 + at}," + ",".join(str((at + each) % 997 / 10) for each in range(WIDTH)) for at in range(rows))
    return (head + "\n".join(lines) + "\n").encode()


class Live:
    """One device that sends, and looks for what it sent."""

    def __init__(self, node: RunningNode, api: httpx.Client) -> None:
        self._api, self._count = api, 0
        self._device = api.post("/devices", json={"name": "live"}).json()["id"]
        token = api.post(f"/devices/{self._device}/credentials", json={}).json()["token"]
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "live")
        self._client.username_pw_set(token)
        self._client.connect("127.0.0.1", node.mqtt_port)
        self._client.loop_start()

    def wait_s(self) -> float:
        self._count += 1
        self._client.publish("millwright/v1/telemetry", json.dumps({"n": self._count}), qos=1).wait_for_publish(10)
        began = time.perf_counter()
        while True:
            found = self._api.get("/readings/latest", params={"device_id": self._device}).json()["items"]
            if found and found[0]["value"] == self._count:
                return time.perf_counter() - began
            time.sleep(0.01)

    def close(self) -> None:
        hang_up(self._client)


def worker(node: RunningNode) -> psutil.Process | None:
    for process in node.processes():
        try:
            if process.cmdline()[-2:] == ["run", "history_importer"]:
                return process
        except psutil.Error:
            continue
    return None


def run(node: RunningNode, rows: int, form: str) -> None:
    api = node.administrator()
    api.post("/devices", json={"name": "past"})
    live = Live(node, api)
    quiet = [live.wait_s() for _ in range(8)]
    path = f"/readings/imports/{api.post('/readings/imports', json={'file_name': 'past.csv'}).json()['id']}"
    data = content(rows, form)
    for offset in range(0, len(data), PART):
        part = data[offset : offset + PART]
        api.put(f"{path}/file", params={"offset": offset}, content=part, headers=OCTETS)
    settings: dict[str, Any] = api.post(f"{path}/preview", json={}).json()["settings"]
    if form == "wide":
        settings["device_id"] = "past"
    api.post(f"{path}/start", json=settings)
    largest, busy = 0, []
    while (found := api.get(path).json())["state"] in ("waiting", "running"):
        process = worker(node)
        if process is not None:
            largest = max(largest, process.memory_info().rss)
        if found["rows"]:
            busy.append(live.wait_s())
        else:
            time.sleep(0.1)
    took_s = (found["ended_ms"] - found["started_ms"]) / 1000
    print(f"{form}: {found['state']}, {found['rows']:,} rows, {found['readings']:,} readings in {took_s:.1f} s: "
          f"{found['rows'] / took_s:,.0f} rows/s, {found['readings'] / took_s:,.0f} readings/s; "
          f"its process at most {largest / 1e6:.0f} MB")  # fmt: skip
    print(f"a live reading is seen after {statistics.median(quiet) * 1000:.0f} ms before, "
          f"{statistics.median(busy or [0]) * 1000:.0f} ms (at most {max(busy, default=0) * 1000:.0f}) meanwhile; "
          f"load {psutil.getloadavg()[0]:.1f}")  # fmt: skip
    live.close()
    api.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--form", choices=["long", "wide"], default="long")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RunningNode(Path(folder)) as node:
        run(node, chosen.rows, chosen.form)


if __name__ == "__main__":
    main()
