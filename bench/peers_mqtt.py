"""QoS 1 messages by our listener and by mosquitto, in turn, under the same load: what a message costs.

    python bench/peers_mqtt.py [--seconds 5] [--rounds 2]

Ours answers when JetStream has confirmed, which survives the death of any process. mosquitto answers when it has the
message in memory; it writes its store now and then (``autosave_interval``), so what it acknowledged since is lost with
it. Once nobody is there for the messages and it drops them; once they are queued for a session that is away.

Needs mosquitto (a Debian package). What is compared is processor time, which other work on the machine changes little.
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
from support.ports import free_port

HERE = Path(__file__).parent


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
            words = ("--role", "listen", "--url", nats.url, "--port", str(free_port()))
            listener = child(str(HERE / "mqtt_listener.py"), *words)
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


async def run(options: argparse.Namespace) -> None:
    costs: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for measuring in (
            mqtt_mosquitto(options.seconds, queued=False),
            mqtt_mosquitto(options.seconds, queued=True),
            mqtt_ours(options.seconds),
        ):
            each = await measuring
            print(json.dumps(each, ensure_ascii=False), flush=True)
            costs.setdefault(each["of"], []).append(each["cpu_us_per_message"])
    for name, found in costs.items():
        print(f"{statistics.median(found):8.2f} µs of CPU  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if not shutil.which("mosquitto"):
        raise SystemExit("mosquitto is not on PATH; install the Debian package")
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
