"""`millwright up` to ready, and what the whole node takes when idle. Aims: 3 s, 700 MB.

    python bench/startup.py [--runs 3]

Memory is PSS (shared pages counted once) beside RSS, summed over the supervisor and everything below it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.node import RunningNode


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--idle-s", type=float, default=8.0)
    arguments = parser.parse_args()
    fresh, again = [], []
    memory: dict[str, dict[str, float]] = {}
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            node = RunningNode(Path(folder))
            with node:
                fresh.append(node.ready_s)
            with node:
                again.append(node.ready_s)
                time.sleep(arguments.idle_s)
                memory = measure(node)
    total = {kind: round(sum(each[kind] for each in memory.values()), 1) for kind in ("rss_mb", "pss_mb")}
    figures = {
        "ready_fresh_s": round(statistics.median(fresh), 2),
        "ready_again_s": round(statistics.median(again), 2),
        "idle_total": total,
        "idle": memory,
        "load": psutil.getloadavg()[0],
    }
    print(json.dumps(figures, indent=2))


def measure(node: RunningNode) -> dict[str, dict[str, float]]:
    """Memory of every process, in megabytes."""
    assert node.process is not None
    found = {}
    for process in [psutil.Process(node.process.pid), *node.processes()]:
        line = process.cmdline()
        name = line[line.index("run") + 1] if "run" in line else Path(line[0]).name
        name = "supervisor" if process.pid == node.process.pid else name
        info = process.memory_full_info()
        found[name] = {"rss_mb": round(info.rss / 1e6, 1), "pss_mb": round(info.pss / 1e6, 1)}
    return found


if __name__ == "__main__":
    main()
