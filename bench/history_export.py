"""How many rows of history are exported a second, and what memory that takes.

    python bench/history_export.py [--rows 500000] [--formats csv,parquet,arrow,xlsx]

Starts a whole node, brings a file of history in (twenty series), and exports it in each format through the API. Prints
rows a second as the run itself tells its start and end, the size of the file, the largest memory of its process and how
much that is beyond what it has before its first row. Everything runs on this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.node import RunningNode

T0 = 1_700_000_000_000
PART = 8 * 1024 * 1024
OCTETS = {"Content-Type": "application/octet-stream"}


def fill(api: httpx.Client, rows: int) -> None:
    api.post("/devices", json={"name": "past"})
    path = f"/readings/imports/{api.post('/readings/imports', json={'file_name': 'past.csv'}).json()['id']}"
    lines = (f"{T0 + at},past,p{at % 20},{at % 997 / 10}\n" for at in range(rows))
    data = ("time,device,property,value\n" + "".join(lines)).encode()
    for offset in range(0, len(data), PART):
        api.put(f"{path}/file", params={"offset": offset}, content=data[offset : offset + PART], headers=OCTETS)
    settings: dict[str, Any] = api.post(f"{path}/preview", json={}).json()["settings"]
    api.post(f"{path}/start", json=settings)
    while api.get(path).json()["state"] in ("waiting", "running"):
        time.sleep(0.2)


def exporter(node: RunningNode) -> psutil.Process | None:
    for process in node.processes():
        try:
            if process.cmdline()[-2:] == ["run", "history_exporter"]:
                return process
        except psutil.Error:
            continue
    return None


def take(node: RunningNode, api: httpx.Client, rows: int, form: str) -> None:
    window = {"kind": "between", "from_ms": T0, "to_ms": T0 + rows}
    made = api.post("/readings/exports", json={"name": form, "settings": {"window": window, "format": form}}).json()
    run = api.post(f"/readings/exports/{made['id']}/run").json()
    path = f"/readings/exports/runs/{run['id']}"
    idle = largest = 0
    while (found := api.get(path).json())["state"] in ("waiting", "running"):
        process = exporter(node)
        if process is not None:
            now = process.memory_info().rss
            if not found["readings"]:
                idle = now
            largest = max(largest, now)
        time.sleep(0.02)
    took_s = (found["ended_ms"] - found["started_ms"]) / 1000
    print(f"{form}: {found['state']}, {found['readings']:,} rows in {took_s:.1f} s: "
          f"{found['readings'] / took_s:,.0f} rows/s, {found['file_bytes'] / 1e6:.1f} MB; its process at most "
          f"{largest / 1e6:.0f} MB, {max(0, largest - idle) / 1e6:.0f} MB more than before; "
          f"load {psutil.getloadavg()[0]:.1f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--formats", default="csv,parquet,arrow,xlsx")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RunningNode(Path(folder)) as node:
        api = node.administrator()
        fill(api, chosen.rows)
        for form in chosen.formats.split(","):
            take(node, api, chosen.rows, form)
        api.close()


if __name__ == "__main__":
    main()
