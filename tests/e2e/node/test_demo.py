"""``millwright demo``: history at once, the fault within a minute, and nothing left after Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from support.ports import free_port


@pytest.mark.timeout(180)
def test_plant_gets_into_trouble_and_everything_ends(tmp_path: Path) -> None:
    port = free_port()
    output = (tmp_path / "out").open("wb")
    demo = subprocess.Popen(
        [sys.executable, "-m", "millwright", "demo", "--no-browser", "--port", str(port), "--speed", "900"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env={key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")},
    )
    output.close()
    family: list[psutil.Process] = []
    try:
        text = wait(lambda: shown if "Ctrl-C" in (shown := (tmp_path / "out").read_text()) else None, 60)
        began = time.monotonic()
        family = psutil.Process(demo.pid).children(recursive=True)
        name, password = re.search(r"Sign in +(\S+) / (\S+)", text).groups()  # type: ignore[union-attr]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1", headers={"Origin": f"http://127.0.0.1:{port}"}, timeout=20
        ) as api:
            assert api.post("/session", json={"name": name, "password": password}).status_code == 201
            devices = {item["name"]: item for item in api.get("/devices").json()["items"]}
            assert len(devices) == 9
            wait(lambda: not offline(api), 30, lambda: f"offline: {offline(api)}")
            wait(lambda: readings(api, devices["tep-reactor"]["id"], "pressure", days=3) >= 900, 30)
            wait(lambda: readings(api, devices["Meter"]["id"], "active_energy", days=366) >= 35_000, 60)
            alarms = wait(lambda: [a for a in alarms_of(api) if a["rule_name"] == "A feed lost"], 60)
            assert time.monotonic() - began < 60
            assert alarms[0]["device_name"] == "Feed control"
            assert alarms[0]["message_zh"]
            assert api.get("/dead-letters").json()["items"] == []
        page = re.search(r"http://\S+/id/\S+", text)
        assert page is not None
        assert "Shift supervisor" not in httpx.get(page[0]).text
        assert "R-4711" in httpx.get(page[0]).text
        assert httpx.get(f"http://127.0.0.1:{port}/01/09506000134352/10/TEP-0006").status_code in (200, 307)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(40) == 0
        assert psutil.wait_procs(family, 5)[1] == []
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait(10)
        for process in psutil.wait_procs(family, 20)[1]:
            process.kill()


def offline(api: httpx.Client) -> list[str]:
    return [item["name"] for item in api.get("/devices").json()["items"] if not item["presence"]["online"]]


def alarms_of(api: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/alarms").json()["items"]
    return found


def readings(api: httpx.Client, device_id: str, name: str, days: int) -> int:
    now_ms = time.time_ns() // 1_000_000
    query = {"device_id": device_id, "property": name, "from_ms": now_ms - days * 86_400_000, "to_ms": now_ms}
    reply = api.get("/readings/buckets", params=query | {"aggregates": "count", "buckets": 10})
    return sum(sum(series["count"]) for series in reply.json()["series"]) if reply.status_code == 200 else 0


def wait(condition: Callable[[], Any], timeout_s: float, explain: Callable[[], str] = str) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s {explain()}"
        time.sleep(0.2)
    return found
