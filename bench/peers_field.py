"""Field work beside what people use today, in one run: mosquitto for MQTT, node-opcua for OPC UA, and ours, in turn.

    python bench/peers_field.py [--seconds 5] [--rounds 2] [--tags 5000]

MQTT: messages of QoS 1 by the load of ``bench/mqtt_listener.py``. Ours answers when JetStream has confirmed, which
survives the death of any process. mosquitto answers when it has the message in memory; it writes its store now and then
(``autosave_interval``), so what it acknowledged since is lost with it. Once nobody is there for the messages and it
drops them; once they are queued for a session that is away.

OPC UA: 5,000 tags that change every second, from the same server: the connector, and a client by node-opcua.

Needs mosquitto (a Debian package) and node-opcua (``tools/provision_tests.py`` installs it). What is compared is
processor time, which other work on the machine changes little. Telegraf and Node-RED are not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


from mqtt_listener import TOPIC
from processes import child, finish
from support.nats import RunningNats
from support.oidc import node_path
from support.opcua import NodeServer, RunningServer
from support.ports import free_port

HERE = Path(__file__).parent

CLIENT = """
import { createRequire } from "node:module";
const { OPCUAClient, ClientMonitoredItemGroup, TimestampsToReturn, AttributeIds } =
    createRequire(process.argv[4] + "/")("node-opcua");
const [, , url, tags] = process.argv;
const client = OPCUAClient.create({ endpointMustExist: false });
await client.connect(url);
const session = await client.createSession();
const index = (await session.readNamespaceArray()).indexOf("urn:example:plant");
const subscription = await session.createSubscription2({
    requestedPublishingInterval: 1000, requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 1 });
let seen = 0;
const items = Array.from({ length: Number(tags) }, (_, n) =>
    ({ nodeId: `ns=${index};s=Tag${n}`, attributeId: AttributeIds.Value }));
const group = ClientMonitoredItemGroup.create(
    subscription, items, { samplingInterval: 1000, queueSize: 100, discardOldest: true }, TimestampsToReturn.Both);
group.on("changed", () => { seen += 1; });
const ready = setInterval(() => { if (seen >= Number(tags)) { clearInterval(ready); console.log("ready"); } }, 50);
process.stdin.on("data", () => console.log(JSON.stringify({ seen })));
process.stdin.on("end", () => process.exit(0));
"""


def cpu_s(*processes: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes)


async def load(port: int, seconds: float) -> dict[str, Any]:
    """The load on whatever listens there."""
    words = (
        "--role",
        "load",
        "--port",
        str(port),
        "--connections",
        "16",
        "--seconds",
        str(seconds),
        "--window",
        "2000",
    )
    found: dict[str, Any] = await finish(child(str(HERE / "mqtt_listener.py"), *words))
    return found


async def mqtt_ours(seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with RunningNats(Path(folder)) as nats:
            listener = child(str(HERE / "mqtt_listener.py"), "--role", "listen", "--url", nats.url)
            port = int(listener.stdout.readline())  # type: ignore[union-attr]
            watched = (psutil.Process(listener.pid), psutil.Process(nats._process.pid))  # type: ignore[union-attr]
            before = cpu_s(*watched)
            found = await load(port, seconds)
            spent = cpu_s(*watched) - before
            await finish(listener)
    return told("Millwright, in JetStream when acknowledged", found, spent)


async def mqtt_mosquitto(seconds: float, queued: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "max_inflight_messages 0\nmax_queued_messages 0\n"
        )
        Path(folder).chmod(0o777)
        broker = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    break
            if queued:
                await asyncio.to_thread(leave_a_session, port)
            watched = psutil.Process(broker.pid)
            before = cpu_s(watched)
            found = await load(port, seconds)
            spent = cpu_s(watched) - before
        finally:
            broker.kill()
            broker.wait(10)
    name = "mosquitto, queued in memory for a session that is away" if queued else "mosquitto, nobody is there for it"
    return told(name, found, spent)


def leave_a_session(port: int) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="away", clean_session=False)
    client.connect("127.0.0.1", port)
    client.subscribe(TOPIC, qos=1)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        client.loop(0.1)
    client.disconnect()


def told(name: str, found: dict[str, Any], spent: float) -> dict[str, Any]:
    return {
        "of": name,
        "messages_per_s": round(found["messages"] / found["seconds"]),
        "p99_ms": round(found["p99_ms"], 1),
        "cpu_us_per_message": round(spent / found["messages"] * 1e6, 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


async def opcua(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """A client of tags that change every second: its processor time for a notification."""
    with tempfile.TemporaryDirectory() as folder, RunningServer(tags=options.tags) as server:
        if name == "Millwright":
            command = [sys.executable, str(HERE / "opcua.py"), "--role", "ours", "--url", server.url]
            command += ["--tags", str(options.tags)]
        else:
            script = Path(folder) / "client.mjs"
            script.write_text(CLIENT)
            command = [str(node_path() / "node"), str(script), server.url, str(options.tags)]
            command.append(str(NodeServer.installed))
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"HOME": folder}
        )
        try:
            found = await asyncio.to_thread(follow, process, server, options)
        finally:
            process.kill()
            process.communicate()
    return {"of": f"OPC UA, {options.tags} tags a second: {name}"} | found


def follow(process: subprocess.Popen[str], server: RunningServer, options: argparse.Namespace) -> dict[str, Any]:
    """Let the tags change and see what the client spends on it."""
    assert process.stdin
    assert process.stdout

    def ask() -> None:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]

    def answer() -> dict[str, Any]:
        for line in process.stdout or ():
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise SystemExit("the client ended by itself")

    ready = process.stdout.readline()
    if not ready:
        raise SystemExit("the client did not start")
    server.do("tick", interval_s=1.0)
    time.sleep(2)
    watched = psutil.Process(process.pid)
    before, began = cpu_s(watched), time.perf_counter()
    ask()
    first = answer()["seen"] if ready == "ready\n" else 0  # ours tells the difference by itself
    time.sleep(options.seconds)
    spent, took = cpu_s(watched) - before, time.perf_counter() - began
    ask()
    seen = answer()["seen"] - first
    return {
        "notifications_per_s": round(seen / took),
        "cpu_us_per_notification": round(spent / seen * 1e6, 1),
        "load_average": round(os.getloadavg()[0], 1),
    }


async def run(options: argparse.Namespace) -> None:
    costs: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for measuring in (
            mqtt_mosquitto(options.seconds, queued=False),
            mqtt_mosquitto(options.seconds, queued=True),
            mqtt_ours(options.seconds),
            opcua("node-opcua", options),
            opcua("Millwright", options),
        ):
            each = await measuring
            print(json.dumps(each, ensure_ascii=False), flush=True)
            cost = each.get("cpu_us_per_message") or each["cpu_us_per_notification"]
            costs.setdefault(each["of"], []).append(cost)
    for name, found in costs.items():
        print(f"{statistics.median(found):8.2f} µs of CPU  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tags", type=int, default=5000)
    options = parser.parse_args()
    if not shutil.which("mosquitto"):
        raise SystemExit("mosquitto is not on PATH; install the Debian package")
    if not (NodeServer.installed / "node_modules" / "node-opcua").is_dir():
        raise SystemExit("node-opcua is not installed: run `python tools/provision_tests.py`")
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
