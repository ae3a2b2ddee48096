"""Ingest beside what people use today, in one run: mosquitto → Node-RED → InfluxDB 1.x, and Millwright, in turn.

    python bench/peers.py [--messages 200000] [--rounds 2]

Both get the same messages from ``bench/generator.py``: QoS 1, from the first publish until the last reading is stored.
Needs ``mosquitto`` and ``influxd`` (Debian packages mosquitto and influxdb) and npm; Node-RED and its InfluxDB node
are installed from npm into the folder given by ``--folder``. The flow is generous to the peer: messages are batched
1,000 at a time before they are written. Prints a line of JSON for each measurement and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
CONNECTIONS = 40

BATCH = """
let batch = context.get('batch') || [];
batch.push({measurement: 'readings', tags: {device: msg.topic}, fields: msg.payload.values,
            timestamp: new Date(msg.payload.ts)});
clearTimeout(context.get('timer'));
if (batch.length >= 1000) {
    context.set('batch', []);
    return {payload: batch};
}
context.set('batch', batch);
context.set('timer', setTimeout(() => {
    const rest = context.get('batch');
    context.set('batch', []);
    if (rest.length) node.send({payload: rest});
}, 200));
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_port(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port} after {seconds:g} s")


def influx(port: int, statement: str) -> dict:
    query = urllib.parse.urlencode({"db": "bench", "q": statement}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query", query, timeout=60) as reply:
        return json.load(reply)


def stored(port: int) -> int:
    found = influx(port, "SELECT count(p0) FROM readings")["results"][0].get("series")
    return found[0]["values"][0][1] if found else 0


def flow(broker: int, database: int) -> list[dict]:
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(broker), "clientid": "node-red",
         "protocolVersion": "4", "keepalive": "60", "cleansession": True, "autoConnect": True},
        {"id": "in", "type": "mqtt in", "z": "tab", "topic": "bench/#", "qos": "1", "datatype": "json",
         "broker": "broker", "wires": [["batch"]]},
        {"id": "batch", "type": "function", "z": "tab", "func": BATCH, "outputs": 1, "wires": [["out"]]},
        {"id": "db", "type": "influxdb", "hostname": "127.0.0.1", "port": str(database), "protocol": "http",
         "database": "bench", "influxdbVersion": "1.x"},
        {"id": "out", "type": "influxdb batch", "z": "tab", "influxdb": "db", "precision": "ms",
         "retentionPolicy": "", "wires": []},
    ]  # fmt: skip


def cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def install(folder: Path) -> Path:
    """Where Node-RED's program is; installs it when it is not there."""
    missing = [name for name in ("mosquitto", "influxd", "npm") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"not on PATH: {', '.join(missing)}; install the Debian packages mosquitto, influxdb and npm")
    node_red = folder / "node_modules" / "node-red" / "red.js"
    if not node_red.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-save", "--prefix", str(folder)]
        subprocess.run([*command, "node-red", "node-red-contrib-influxdb"], check=True, stdout=sys.stderr)
    return node_red


def measure_millwright(options: argparse.Namespace) -> dict:
    """Millwright's listener, broker and historian under the load."""
    command = [sys.executable, str(HERE / "ingest.py"), "--messages", str(options.messages), "--json"]
    command += ["--points", str(options.points), "--connections", str(CONNECTIONS)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def measure_peer(options: argparse.Namespace, node_red: Path) -> dict:
    """mosquitto, Node-RED and InfluxDB under the load."""
    work = Path(tempfile.mkdtemp(prefix="peers-"))
    mqtt, http, rpc, ui = free_port(), free_port(), free_port(), free_port()
    (work / "mosquitto.conf").write_text(
        f"listener {mqtt} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 0\n"
    )
    (work / "influxdb.conf").write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
        f'[meta]\ndir = "{work}/meta"\n[data]\ndir = "{work}/data"\nwal-dir = "{work}/wal"\n'
        f'[http]\nbind-address = "127.0.0.1:{http}"\nlog-enabled = false\n'
    )
    user = work / "node-red"
    user.mkdir()
    (user / "node_modules").symlink_to((options.folder / "node_modules").resolve())
    (user / "package.json").write_text('{"name":"bench","dependencies":{"node-red-contrib-influxdb":"*"}}')
    (user / "flows.json").write_text(json.dumps(flow(mqtt, http)))
    (user / "settings.js").write_text("module.exports = {flowFile: 'flows.json', logging: {console: {level: 'warn'}}};")

    log = (work / "log").open("wb")
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        started.append(process)
        return process

    try:
        start("mosquitto", "-c", str(work / "mosquitto.conf"))
        start("influxd", "-config", str(work / "influxdb.conf"))
        wait_port(http)
        wait_port(mqtt)
        influx(http, "CREATE DATABASE bench")
        start("node", str(node_red), "-p", str(ui), "-u", str(user), "-s", str(user / "settings.js"))
        wait_port(ui)
        time.sleep(3)
        before = [cpu_s(process) for process in started]
        began = time.monotonic()
        load = [sys.executable, str(HERE / "generator.py"), "--port", str(mqtt), "--topic", "bench/{n}"]
        load += ["--messages", str(options.messages), "--points", str(options.points)]
        load += ["--connections", str(CONNECTIONS)]
        sent = json.loads(subprocess.run(load, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        last, since = -1, time.monotonic()
        while last < options.messages and time.monotonic() - since < 10:
            count = stored(http)
            if count != last:
                last, since = count, time.monotonic()
            time.sleep(0.2)
        seconds = since - began
        used = [round(cpu_s(process) - was, 2) for process, was in zip(started, before, strict=True)]
        return {
            "of": "mosquitto → Node-RED → InfluxDB 1.x",
            "messages": options.messages,
            "stored_messages": last,
            "lost_messages": options.messages - last,
            "seconds": round(seconds, 2),
            "points_per_s": round(last * options.points / seconds),
            "cpu_s": dict(zip(("mosquitto", "influxd", "node-red"), used, strict=True)) | {"generator": sent["cpu_s"]},
        }
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(20)
        log.close()
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=HERE.parent / ".tools" / "peers", help="where npm installs")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    node_red = install(options.folder)
    rates: dict[str, list[int]] = {"ours": [], "peer": []}
    for _ in range(options.rounds):
        for name, measured in (("peer", measure_peer(options, node_red)), ("ours", measure_millwright(options))):
            print(json.dumps(measured, ensure_ascii=False), flush=True)
            rates[name].append(measured["points_per_s"])
    ours, peer = statistics.median(rates["ours"]), statistics.median(rates["peer"])
    print(f"Millwright {ours:,.0f} readings/s, the peer {peer:,.0f} readings/s: {ours / peer:.1f} times")


if __name__ == "__main__":
    main()
