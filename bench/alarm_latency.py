"""How soon an alarm is raised: from a device's PUBLISH to the event a watcher of the console hears, in a whole node.

    python bench/alarm_latency.py [--rate 50000] [--seconds 20] [--every 0.1]

Starts a node on free ports, loads it with ``--rate`` messages a second of ten values (50,000 is half of the intake the
node is made for), and lets one quiet device after the other cross its limit. The event on ``/live`` comes after the
alarm is committed to the records. Aim: 200 ms p99.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvloop

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

# ruff: noqa: E402
from support.mqtt import connect_bytes, publish_bytes
from support.node import RunningNode

CONNECTIONS, POINTS = 40, 10


async def import_devices(api: httpx.AsyncClient, name: str, count: int, **more: str) -> list[tuple[str, str]]:
    """Id and token of each new device."""
    rows = [{"name": f"{name}-{number}", **more} for number in range(count)]
    report = (await api.post("/devices/import?issue=true", json=rows)).raise_for_status().json()
    return [(each["device_id"], each["token"]) for each in report["credentials"]]


async def watch(api: httpx.AsyncClient, heard: dict[str, float], ready: asyncio.Event) -> None:
    """Note when the alarm of each device is first told."""
    async with api.stream("GET", "/live", timeout=None) as reply:
        reply.raise_for_status()
        ready.set()
        kind = ""
        async for line in reply.aiter_lines():
            if line.startswith("event:"):
                kind = line.partition(":")[2].strip()
            elif line.startswith("data:") and kind == "alarm":
                heard.setdefault(json.loads(line[5:])["device_id"], time.perf_counter())


async def raise_alarms(port: int, devices: list[tuple[str, str]], every_s: float, sent: dict[str, float]) -> None:
    """One device after the other connects, then crosses its limit."""
    for device_id, token in devices:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(connect_bytes(device_id, username=token))
        await reader.readexactly(4)
        await asyncio.sleep(every_s)
        body = json.dumps({"ts": int(time.time() * 1000), "values": {"temperature": 99.0}}).encode()
        sent[device_id] = time.perf_counter()
        writer.write(publish_bytes("millwright/v1/telemetry", body, 1, 1))
        await reader.readexactly(4)
        writer.close()


async def run(options: argparse.Namespace) -> None:
    """Start, load, measure, report."""
    with tempfile.TemporaryDirectory(prefix="alarm-latency-") as name, RunningNode(Path(name)) as node:
        token = (node.data / "cli.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"{node.url}/api/v1", headers=headers, timeout=30) as api:
            model = {"name": "Pump", "properties": [{"name": "temperature", "type": "number", "unit": "Cel"}]}
            model_id = (await api.post("/models", json=model)).raise_for_status().json()["id"]
            count = max(1, int((options.seconds - 2) / (options.every + 0.01)))
            quiet = await import_devices(api, "quiet", count, model="Pump")
            loud = await import_devices(api, "loud", CONNECTIONS)
            rule: dict[str, Any] = {
                "name": "Too hot",
                "scope": {"model_id": model_id},
                "property": "temperature",
                "condition": {"kind": "limit", "high": 80},
                "priority": "high",
            }
            (await api.post("/rules", json=rule)).raise_for_status()
            tokens = Path(name) / "tokens"
            tokens.write_text("\n".join(token for _, token in loud))
            load = await asyncio.create_subprocess_exec(
                sys.executable, str(HERE / "generator.py"), "--port", str(node.mqtt_port), "--tokens", str(tokens),
                "--wait", "--connections", str(CONNECTIONS), "--points", str(POINTS), "--rate", str(options.rate),
                "--messages", str(int(options.rate * options.seconds)),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert load.stdin is not None
            assert load.stdout is not None
            await load.stdout.readline()
            sent: dict[str, float] = {}
            heard: dict[str, float] = {}
            ready = asyncio.Event()
            watching = asyncio.create_task(watch(api, heard, ready))
            await ready.wait()
            load.stdin.write(b"go\n")
            await asyncio.sleep(1)
            await raise_alarms(node.mqtt_port, quiet, options.every, sent)
            under_load = load.returncode is None
            figures = json.loads(await load.stdout.readline())
            await load.wait()
            for _ in range(100):
                if len(heard) >= len(sent):
                    break
                await asyncio.sleep(0.1)
            watching.cancel()
            lag = next(
                each["gauges"].get("lag_ms", 0.0)
                for each in (await api.get("/system")).json()["roles"]
                if each["role"] == "historian"
            )
    delays = sorted((heard[device] - at) * 1000 for device, at in sent.items() if device in heard)
    print(
        f"load        {figures['points_per_s']:,} readings/s for {figures['seconds']:.0f} s, ack {figures['ack_ms']}, "
        f"lag of decoding at its end {lag:.0f} ms; load average {psutil.getloadavg()[0]:.1f}"
    )
    print(
        f"raised      {len(delays)} of {len(sent)} alarms, publish → committed and told: "
        f"p50 {delays[len(delays) // 2]:.0f} ms, p99 {delays[len(delays) * 99 // 100]:.0f} ms, "
        f"worst {delays[-1]:.0f} ms" + ("" if under_load else " (the load ended before the last of them)")
    )
    assert len(delays) == len(sent), "alarms are missing"


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=50_000, help="messages/s of ten values")
    parser.add_argument("--seconds", type=float, default=20, help="how long the load lasts")
    parser.add_argument("--every", type=float, default=0.1, help="seconds between two alarms")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
