"""Modbus beside what people use today, in one run: 100 devices of 100 registers each second, by us and by Node-RED.

    PEER_NODE_RED=/folder python bench/peers_field.py [--devices 100] [--registers 100] [--seconds 20]

``PEER_NODE_RED`` is a folder into which npm has installed ``node-red`` and ``node-red-contrib-modbus`` (5.23.3: later
ones need a package that npm's registry does not have); without it only we are measured, and it says so. Devices are
connections to one server in a process of its own that answers any read (``bench/modbus.py``), so that the pollers are
measured and no simulator. Each reads all registers of a device with one question a second; Node-RED's flow has the
values counted by one function node and goes no further.

Said of each: the share of one core (user and system time, which other work on the machine changes little), what it
holds in memory, how many of the values due came, and how many answers came more than half a second after their time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.devices.connectors.contract import Point
from millwright.devices.connectors.modbus.connector import ModbusConnector
from millwright.devices.connectors.modbus.settings import ModbusSettings
from processes import child, finish, say
from support.ports import free_port

HERE = Path(__file__).parent
_SETTLE_S = 5.0
_LATE_S = 1.5
_COUNT = """
const seen = flow.get('seen') || {values: 0, late: 0, last: {}};
const now = Date.now();
if (seen.last[msg.topic] !== undefined && now - seen.last[msg.topic] > LATE_MS) seen.late++;
seen.last[msg.topic] = now;
seen.values += msg.payload.length;
flow.set('seen', seen);
"""
_TELL = (
    "const s = flow.get('seen') || {values: 0, late: 0}; msg.payload = {values: s.values, late: s.late}; return msg;"
)


async def millwright(options: argparse.Namespace) -> None:
    """The connector, every value decoded and delivered; says what came each time a line is read."""
    points = [Point(id=str(n), address=f"holding:{n}:uint16", interval_ms=1000) for n in range(options.registers)]
    seen = {"values": 0, "late": 0}
    sessions, tasks = [], []
    for _ in range(options.devices):
        session = await ModbusConnector().open(ModbusSettings(host="127.0.0.1", port=options.port))
        last = [0.0]

        async def take(samples: Any, last: list[float] = last) -> None:
            now = time.monotonic()
            seen["late"] += bool(last[0]) and now - last[0] > _LATE_S
            last[0] = now
            seen["values"] += sum(sample.value is not None for sample in samples)

        sessions.append(session)
        tasks.append(asyncio.ensure_future(session.run(points, take)))
    while await asyncio.to_thread(sys.stdin.readline) == "count\n":
        print(json.dumps(seen), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for session in sessions:
        await session.close()


def flow(options: argparse.Namespace, port: int) -> list[dict[str, Any]]:
    """A client and a reader for each device, one function for all, and a page that tells the count."""
    nodes: list[dict[str, Any]] = [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "count", "type": "function", "z": "tab", "func": _COUNT.replace("LATE_MS", str(round(1000 * _LATE_S))),
         "outputs": 0, "wires": []},
        {"id": "ask", "type": "http in", "z": "tab", "url": "/count", "method": "get", "wires": [["tell"]]},
        {"id": "tell", "type": "function", "z": "tab", "func": _TELL, "outputs": 1, "wires": [["answer"]]},
        {"id": "answer", "type": "http response", "z": "tab", "wires": []},
    ]  # fmt: skip
    for number in range(options.devices):
        client, reader = f"c{number}", f"r{number}"
        nodes.append(
            {"id": client, "type": "modbus-client", "name": f"device {number}", "clienttype": "tcp",
             "bufferCommands": True, "stateLogEnabled": False, "queueLogEnabled": False, "tcpHost": "127.0.0.1",
             "tcpPort": str(port),
             "tcpType": "DEFAULT", "unit_id": "1", "commandDelay": "1", "clientTimeout": "1000",
             "reconnectOnTimeout": True, "reconnectTimeout": "2000", "parallelUnitIdsAllowed": True}
        )  # fmt: skip
        nodes.append(
            {"id": reader, "type": "modbus-read", "z": "tab", "name": "", "topic": f"device {number}", "server": client,
             "showStatusActivities": False, "showErrors": False, "unitid": "1", "dataType": "HoldingRegister",
             "adr": "0", "quantity": str(options.registers), "rate": "1", "rateUnit": "s", "delayOnStart": False,
             "startDelayTime": "", "useIOFile": False, "ioFile": "", "useIOForPayload": False,
             "emptyMsgOnFail": False, "wires": [["count"], []]}
        )  # fmt: skip
    return nodes


@contextmanager
def node_red(folder: Path, options: argparse.Namespace, port: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Node-RED with the flow, and the port that it tells the count on."""
    web = free_port()
    with tempfile.TemporaryDirectory() as work:
        user = Path(work)
        (user / "node_modules").symlink_to(folder / "node_modules")
        (user / "package.json").write_text('{"name": "bench", "dependencies": {"node-red-contrib-modbus": "*"}}')
        (user / "flows.json").write_text(json.dumps(flow(options, port)))
        (user / "settings.js").write_text(
            "module.exports = {flowFile: 'flows.json', uiHost: '127.0.0.1', disableEditor: true, httpAdminRoot: false,"
            " credentialSecret: false, telemetry: {enabled: false, updateNotification: false},"
            " logging: {console: {level: 'warn'}}};"
        )
        command = ["node", str(folder / "node_modules" / "node-red" / "red.js"), "-p", str(web), "-u", work]
        process = subprocess.Popen([*command, "-s", str(user / "settings.js")], stdout=sys.stderr, stderr=sys.stderr)
        try:
            yield process, web
        finally:
            process.terminate()
            process.wait(20)


def told(name: str, options: argparse.Namespace, process: psutil.Process, found: dict[str, float]) -> None:
    due = options.devices * options.registers * found["seconds"]
    memory = process.memory_info()
    print(
        f"{name:<24} {100 * found['cpu_s'] / found['seconds']:6.1f} % of a core, {memory.rss / 1e6:.0f} MB, "
        f"{100 * found['values'] / due:.1f} % of the values due, {found['late']:.0f} answers late"
    )


async def measured(options: argparse.Namespace, process: psutil.Process, count: Any) -> dict[str, float]:
    """What came and what it cost, once everything is under way."""
    async with asyncio.timeout(60):
        while (await count())["values"] < options.devices * options.registers:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
    await asyncio.sleep(_SETTLE_S)
    before, cpu, began = await count(), sum(process.cpu_times()[:2]), time.monotonic()
    await asyncio.sleep(options.seconds)
    after, spent = await count(), sum(process.cpu_times()[:2]) - cpu
    found = {key: after[key] - before[key] for key in ("values", "late")}
    return {**found, "cpu_s": spent, "seconds": time.monotonic() - began}


async def run(options: argparse.Namespace) -> None:
    server = child(str(HERE / "modbus.py"), "--role", "serve")
    port = int(await say(server))
    print(f"{options.devices} devices × {options.registers} registers at 1 s; load average {os.getloadavg()[0]:.1f}")
    words = ["--role", "ours", "--port", str(port), "--devices", str(options.devices)]
    ours = child(__file__, *words, "--registers", str(options.registers))
    process = psutil.Process(ours.pid)
    told("Millwright's connector", options, process, await measured(options, process, lambda: say(ours, "count")))
    await finish(ours)
    folder = os.environ.get("PEER_NODE_RED", "")
    if not folder or not shutil.which("node") or not (Path(folder) / "node_modules/node-red-contrib-modbus").exists():
        print(
            "Node-RED is left out: PEER_NODE_RED names no folder with node-red and node-red-contrib-modbus, or no node"
        )
    else:
        with node_red(Path(folder).absolute(), options, port) as (started, web):

            async def count() -> Any:
                def ask() -> Any:
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{web}/count", timeout=10) as answer:
                            return json.loads(answer.read())
                    except OSError:
                        assert started.poll() is None, "Node-RED has ended"
                        return {"values": 0, "late": 0}

                return await asyncio.to_thread(ask)

            process = psutil.Process(started.pid)
            told("Node-RED", options, process, await measured(options, process, count))
    await finish(server)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--registers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--role", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(millwright(options) if options.role else run(options))


if __name__ == "__main__":
    main()
