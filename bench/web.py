"""How many requests a second the web role answers, by wrk, with the broker and the historian beside it.

    python bench/web.py [--seconds 8] [--connections 32]

Starts a node's parts on free ports in a temporary folder, registers devices with readings, then asks.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.web import RunningWeb, running_web

PATHS = ("/healthz", "/api/v1/session", "/api/v1/devices?limit=50", "/api/v1/overview")


async def measure(web: RunningWeb, path: str, token: str, seconds: int, connections: int) -> str:
    """One line: requests a second, latencies, errors."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command += ["-H", f"Authorization: Bearer {token}", web.url + path]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    text = (await process.communicate())[0].decode()
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    latency = dict(re.findall(r"(50|99)%\s+(\S+)", text))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return (
        f"{path:45} {float(rate[1]) if rate else 0:9.0f}/s   p50 {latency.get('50', '?'):>9}   "
        f"p99 {latency.get('99', '?'):>9}   failed {failed[1] if failed else 0}"
    )


async def main(seconds: int, connections: int) -> None:
    """Serve, fill, measure."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        async with running_web(Path(folder), history=True) as web:
            administrator = await web.set_up()
            print(f"served after {time.perf_counter() - began:.2f} s")
            opened = await web.services.parties.sign_in("Anna", "copper kettles whistle")
            token = (await web.services.parties.people.add_token(opened.session, "bench", ["viewer"])).token
            rows = [{"name": f"pump-{number}", "tags": ["bench"]} for number in range(1000)]
            answer = await administrator.post("/api/v1/devices/import", json=rows)
            assert answer.status_code < 300, answer.text
            devices = (await administrator.get("/api/v1/devices", params={"limit": 10})).json()["items"]
            latest = "&".join(f"device_id={device['id']}" for device in devices)
            for path in (*PATHS, f"/api/v1/readings/latest?{latest}"):
                print(await measure(web, path, token, seconds, connections), flush=True)
            memory = psutil.Process(os.getpid()).memory_info().rss
            print(f"this process, historian and client included: {memory / 1e6:.0f} MB resident")


if __name__ == "__main__":
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on PATH (Debian: apt-get install wrk)")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(given.seconds, given.connections))
