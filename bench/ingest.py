"""End to end on this machine: MQTT QoS 1 → listener → JetStream → decode → chDB, and what can be asked of it meanwhile.

    python bench/ingest.py [--messages 1000000] [--points 10] [--connections 40] [--rate 0]

Processes: nats-server, the listener, the historian (pipeline and chDB), a load generator of pre-encoded publishes.
Prints points a second from the first publish until the last reading is stored, how long a probe takes from publish to
queryable, whether every reading is there exactly once, and CPU microseconds a point by process and stage, which other
load on the machine changes little. The least wall time a point can take is their sum divided by the processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import uvloop

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

# ruff: noqa: E402
from millwright.app.pipeline import Pipeline
from millwright.devices.sparkplug import SparkplugHost
from millwright.devices.telemetry import Collector, Decoder, JsonDecoder, KnownDevice, TelemetrySettings
from millwright.engines.clickhouse import ChdbEngine, ClickHouseSettings
from millwright.engines.nats import NatsConnection
from millwright.historian import Historian, HistorianSettings, Range, RawQuery, series_id
from millwright.kernel import SystemClock
from processes import child, finish, say
from support.mqtt import connect_bytes, publish_bytes
from support.nats import RunningNats
from support.telemetry import Plant

PROBE = "probe"
DAY_MS = 86_400_000
SLICES = 16
TICKS = os.sysconf("SC_CLK_TCK")


class Timed:
    """Adds up the seconds spent in some calls of an object's method."""

    def __init__(self, owner: Any, name: str) -> None:
        self.seconds = 0.0
        inner = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **options)
            finally:
                self.seconds += time.perf_counter() - began

        setattr(owner, name, timed)


async def historian(options: argparse.Namespace) -> None:
    """The historian role: answers one line of JSON for each line of standard input."""
    clock, settings = SystemClock(), TelemetrySettings()
    plant = Plant(*(KnownDevice(f"load{n}") for n in range(options.connections)), KnownDevice(PROBE))
    nats = NatsConnection(options.url, "bench historian")
    engine = ChdbEngine(Path(options.folder), ClickHouseSettings())
    history = Historian(engine, clock, HistorianSettings())
    collector = Collector(settings)
    sparkplug = SparkplugHost(plant, collector, settings)
    decoder = Decoder(plant, collector, JsonDecoder(collector, settings), sparkplug)
    pipeline = Pipeline(nats, decoder, history, sparkplug, clock, settings)
    decoding, taking = Timed(decoder, "decode"), Timed(decoder, "take")
    for part in (nats, history, pipeline):
        await part.start()
    probed = asyncio.create_task(_watch_probe(history))
    if options.profile:
        import cProfile

        profile = cProfile.Profile()
        profile.enable()
    print(json.dumps({"ready": True}), flush=True)
    while (command := (await asyncio.to_thread(sys.stdin.readline)).strip()) != "end":
        if command == "stored":
            print(json.dumps(history.points_stored), flush=True)
            continue
        figures = pipeline.figures()
        storage = await history.storage()
        rows, readings = await _count(engine)
        print(
            json.dumps(
                {
                    "counters": figures.counters | history.counters(),
                    "gauges": figures.gauges,
                    "problems": [problem.code for problem in figures.problems],
                    "rows": rows,
                    "readings": readings,
                    "parts": storage.parts,
                    "bytes": storage.bytes,
                    "decode_s": round(decoding.seconds, 2),
                    "take_s": round(taking.seconds, 2),
                    "probe_ms": sorted(VISIBLE_MS),
                }
            ),
            flush=True,
        )
    probed.cancel()
    if options.profile:
        profile.disable()
        profile.dump_stats(options.profile)
    for part in (pipeline, history, nats):
        await part.stop()


async def _count(engine: ChdbEngine) -> tuple[int, int]:
    """Rows, and readings among them; in slices, because counting what is distinct takes memory."""
    rows = readings = 0
    for part in range(SLICES):
        found = await engine.query(
            "SELECT count() AS rows, uniqExact(series, time_ms) AS readings FROM readings"
            " WHERE series % {slices:UInt64} = {part:UInt64}",
            {"slices": SLICES, "part": part},
        )
        rows += found.column("rows")[0].as_py()
        readings += found.column("readings")[0].as_py()
    return rows, readings


VISIBLE_MS: list[float] = []


async def _watch_probe(history: Historian) -> None:
    """Ask for the probe's newest reading again and again; note how old each was when it first showed."""
    series, newest = series_id(PROBE, "t"), 0
    while True:
        now_ms = time.time() * 1000
        query = RawQuery(series, Range(int(now_ms) - DAY_MS, int(now_ms) + DAY_MS), limit=1, descending=True)
        table, _ = await history.raw(query)
        if table.num_rows and table.column("time_ms")[0].as_py() > newest:
            newest = table.column("time_ms")[0].as_py()
            VISIBLE_MS.append(time.time() * 1000 - newest)
        await asyncio.sleep(0.02)


async def probe(port: int, every_s: float) -> None:
    """A device of its own that publishes the present time, QoS 1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(connect_bytes(PROBE, username=f"device:{PROBE}"))
    await reader.readexactly(4)
    number = 0
    while True:
        number = number % 65_535 + 1
        body = json.dumps({"ts": int(time.time() * 1000), "values": {"t": number}}).encode()
        writer.write(publish_bytes("millwright/v1/telemetry", body, 1, number))
        await reader.readexactly(4)
        await asyncio.sleep(every_s)


def cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def threads_of(process: psutil.Process) -> Counter[str]:
    """CPU seconds of a process by what its threads do (Linux): the loop, Python's threads, merges, the engine."""
    spent: Counter[str] = Counter()
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        name, _, figures = (task / "stat").read_text().partition(" (")[2].rpartition(") ")
        user, system = figures.split()[11:13]
        own = {"python": "sort and insert", "MergeMutate": "merges"}.get(name, "engine")
        spent["loop" if int(task.name) == process.pid else own] += (int(user) + int(system)) / TICKS
    return spent


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="ingest-") as name:
        folder = Path(name)
        async with RunningNats(folder / "nats") as nats:
            history = child(
                __file__, "--role", "historian", "--url", nats.url, "--folder", str(folder / "history"),
                "--connections", str(options.connections), "--profile", options.profile,
            )  # fmt: skip
            listener = child(str(HERE / "mqtt_listener.py"), "--role", "listen", "--url", nats.url)
            port = int(await asyncio.to_thread(listener.stdout.readline))
            await say(history)
            tokens = folder / "tokens"
            tokens.write_text("\n".join(f"device:load{n}" for n in range(options.connections)))
            load = child(
                str(HERE / "generator.py"), "--port", str(port), "--tokens", str(tokens), "--wait",
                "--connections", str(options.connections), "--messages", str(options.messages),
                "--points", str(options.points), "--window", str(options.window), "--rate", str(options.rate),
            )  # fmt: skip
            ready = await say(load)
            watched = {
                "nats-server": psutil.Process(nats._process.pid),  # type: ignore[union-attr]
                "listener": psutil.Process(listener.pid),
                "historian": psutil.Process(history.pid),
                "generator": psutil.Process(load.pid),
            }
            before = {role: cpu_of(process) for role, process in watched.items()}
            by_thread = threads_of(watched["historian"])
            probing = asyncio.create_task(probe(port, 0.1))
            began = time.perf_counter()
            result = asyncio.create_task(say(load, "go"))
            sent, spent_by_load = None, 0.0
            expected = ready["each"] * options.connections * options.points
            while True:
                await asyncio.sleep(0.1)
                if not result.done():
                    spent_by_load = cpu_of(watched["generator"]) - before["generator"]
                elif sent is None:
                    sent = result.result()
                    probing.cancel()
                    await asyncio.sleep(0.1)
                if sent is not None:
                    stored = await say(history, "stored")
                    if stored >= expected or time.perf_counter() - began > options.deadline:
                        break
            seconds = time.perf_counter() - began
            spent = {role: cpu_of(watched[role]) - before[role] for role in ("nats-server", "listener", "historian")}
            spent["generator"] = spent_by_load
            by_thread = threads_of(watched["historian"]) - by_thread
            await asyncio.sleep(1.5)
            figures = await say(history, "figures")
            memory = watched["historian"].memory_info().rss / 1e6
            await finish(history, "end")
            for process in (listener, load):
                await finish(process)
    report(sent, figures, expected, seconds, spent, by_thread, memory)
    if options.json:
        told = {
            "of": "Millwright",
            "messages": sent["acknowledged"],
            "stored_messages": expected // options.points,
            "lost_messages": max(0, expected - figures["readings"]) // options.points,
            "seconds": round(seconds, 2),
            "points_per_s": round(expected / seconds),
            "cpu_s": {name: round(used, 2) for name, used in spent.items()},
        }
        print(json.dumps(told))


def report(
    sent: dict[str, Any],
    figures: dict[str, Any],
    expected: int,
    seconds: float,
    spent: dict[str, float],
    by_thread: Counter[str],
    memory_mb: float,
) -> None:
    probes = figures["probe_ms"]
    readings = figures["readings"]
    print(
        f"sent        {sent['acknowledged']:,} messages acknowledged in {sent['seconds']:.2f} s, ack {sent['ack_ms']}"
    )
    print(f"stored      {expected:,} readings in {seconds:.2f} s: {expected / seconds / 1e6:.3f} M points/s end to end")
    if probes:
        p50, p99 = probes[len(probes) // 2], probes[min(len(probes) - 1, len(probes) * 99 // 100)]
        print(f"visible     p50 {p50:.0f} ms, p99 {p99:.0f} ms after publish ({len(probes)} seen)")
    print(f"exactly     {readings:,} distinct readings, {figures['rows']:,} rows; "
          f"{readings - expected:,} beyond the load are probes; {figures['parts']} parts, "
          f"{figures['bytes'] / figures['rows']:.1f} bytes a row")  # fmt: skip
    total, cores = sum(spent.values()), os.cpu_count() or 1
    print(f"CPU         {_each(spent, expected)}; {total:.1f} s in all, which {cores} processors give in "
          f"{total / cores:.1f} s: {expected / total * cores / 1e6:.2f} M points/s at most")  # fmt: skip
    print(f"historian   {_each(by_thread, expected)}; {memory_mb:.0f} MB; {figures['counters']['inserts']} inserts; "
          f"wall time of decode {figures['decode_s']} s, of columns {figures['take_s']} s")  # fmt: skip
    print(f"machine     load average {os.getloadavg()[0]:.1f}")
    assert readings - expected >= 0, "readings are missing"
    assert not figures["problems"], figures["problems"]


def _each(seconds: Mapping[str, float], points: int) -> str:
    return ", ".join(f"{name} {spent / points * 1e6:.3f}" for name, spent in seconds.items()) + " us/point"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--role", default="run", help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--connections", type=int, default=40)
    parser.add_argument("--window", type=int, default=1000, help="unacknowledged messages a connection")
    parser.add_argument("--rate", type=float, default=0, help="messages/s; 0: as fast as accepted")
    parser.add_argument("--deadline", type=float, default=90, help="seconds after which it gives up waiting")
    parser.add_argument("--json", action="store_true", help="print a line of JSON last")
    parser.add_argument("--profile", default="", help="write cProfile statistics of the historian's loop here")
    options = parser.parse_args()
    uvloop.run(historian(options) if options.role == "historian" else run(options))


if __name__ == "__main__":
    main()
