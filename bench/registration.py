"""How many identifiers of a file are registered a second, durably, and what that costs those who look at pages.

    python bench/registration.py [--rows 1000000] [--system handle|gs1] [--batch 5000]

Starts a whole node, sends a CSV file of rows with five fields and imports it through the API; prints the rate from the
import's start to its end as the import itself tells it, the largest memory of its process, how long a page's request
takes meanwhile, when everything can be searched, and how long that takes. Everything runs on this machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.kernel import ROOT
from support.identifiers import home, records_over
from support.node import RunningNode

FIELDS: list[dict[str, Any]] = [
    {"number": 1, "name": "name", "required": True},
    {"number": 2, "name": "made_on", "type": "date"},
    {"number": 3, "name": "weight", "type": "quantity", "unit": "kg"},
    {"number": 4, "name": "batch", "visibility": "granted"},
    {"number": 5, "name": "page", "type": "url"},
]
PART = 8 * 1024 * 1024


def lines(count: int, system: str) -> Iterator[bytes]:
    yield b"identifier,name,made_on,weight,batch,page\n"
    head = "88.118.8/P" if system == "handle" else "(01)09506000134352(21)"
    for at in range(count):
        yield f"{head}{at:09},Bearing {at},2026-01-02,1.5 kg,B{at % 977},https://trace.example.com/p/{at}\n".encode()


def send(api: httpx.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    answer.raise_for_status()
    return answer.json()


def parts(stream: Iterator[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for line in stream:
        waiting += line
        if len(waiting) >= PART:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


class Costs:
    """What the processes of a node spend: the import's own, and the others'."""

    def __init__(self, node: RunningNode) -> None:
        self._node = node
        self._began: dict[int, float] = {}
        self._spent: dict[int, tuple[str, float]] = {}
        self.memory = 0
        self.look(first=True)

    def look(self, *, first: bool = False) -> None:
        for process in self._node.processes():
            try:
                line, times = process.cmdline(), process.cpu_times()
                role = line[line.index("run") + 1] if "run" in line else Path(line[0]).name
                if role == "importer":
                    # What belongs to it alone: the pages of the index that it has mapped are the system's cache.
                    self.memory = max(self.memory, process.memory_full_info().uss)
            except (psutil.Error, IndexError):
                continue
            spent = times.user + times.system
            if first:
                self._began[process.pid] = spent
            self._spent[process.pid] = role, spent

    def by_role(self) -> dict[str, float]:
        """Seconds of CPU since the first look, the most first."""
        total: dict[str, float] = {}
        for pid, (role, spent) in self._spent.items():
            total[role] = total.get(role, 0.0) + spent - self._began.get(pid, 0.0)
        return dict(sorted(total.items(), key=lambda each: -each[1]))


def run(options: argparse.Namespace, folder: Path) -> None:
    with RunningNode(folder) as node:
        with records_over(node.nats_url, node.data) as register:
            home(register, b"88.118.8", b"GS1:950600", organisation_id=ROOT)
        api = node.administrator()
        template = send(api, "POST", "/identifier-templates", json={"name": "Bench", "fields": FIELDS})["id"]
        send(api, "POST", f"/identifier-templates/{template}/publish", json={})
        made = send(api, "POST", "/identifiers/imports", json={"file_name": "bench.csv"})["id"]
        path, offset = f"/identifiers/imports/{made}", 0
        for part in parts(lines(options.rows, options.system)):
            headers = {"Content-Type": "application/octet-stream"}
            send(api, "PUT", f"{path}/file", params={"offset": offset}, content=part, headers=headers)
            offset += len(part)
        send(api, "POST", f"{path}/start", json={"template_id": template, "batch_size": options.batch})
        costs, pages = Costs(node), []
        while (found := send(api, "GET", path))["state"] in ("waiting", "running"):
            began = time.perf_counter()
            send(api, "GET", "/identifier-templates")
            pages.append(time.perf_counter() - began)
            costs.look()
            time.sleep(0.1)
        took = (found["ended_ms"] - found["started_ms"]) / 1000
        assert found["registered"] == options.rows, found
        pages.sort()
        print(
            f"imported           {options.rows:,} rows ({options.system}) in {took:.1f} s: {options.rows / took:,.0f}/s"
        )
        spent = {role: seconds / options.rows * 1e6 for role, seconds in costs.by_role().items()}
        shown = ", ".join(f"{role} {each:.1f}" for role, each in spent.items() if each >= 0.1)
        print(f"CPU of a row       {sum(spent.values()):.1f} µs until its end: {shown}")
        began = time.perf_counter()
        while True:
            page = send(api, "GET", "/identifiers/search", params={"q": f"bearing {options.rows - 1}"})
            if page["total"] and not page["lag"]["building"] and not page["lag"]["behind_ms"]:
                break
            time.sleep(0.2)
        print(f"searchable         {time.perf_counter() - began:.1f} s after its end")
        asked = []
        for at in range(0, options.rows, max(1, options.rows // 50)):
            began = time.perf_counter()
            assert send(api, "GET", "/identifiers/search", params={"q": f"B{at % 977} {at}"})["total"]
            asked.append(time.perf_counter() - began)
        asked.sort()
        print(f"a search           p50 {asked[len(asked) // 2] * 1e3:.1f} ms, slowest {asked[-1] * 1e3:.1f} ms")
        print(f"its process        {costs.memory / 1e6:.0f} MB at most")
        p50, p99 = (pages[len(pages) * part // 100] * 1e3 for part in (50, 99))
        print(f"a page's request   p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--system", choices=("handle", "gs1"), default="handle")
    parser.add_argument("--batch", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    main()
