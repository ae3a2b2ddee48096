"""How soon a change is visible on a mirror, and how fast one that was cut off for an hour catches up.

    python bench/mirrors.py [--rate 1000] [--seconds 20] [--changes 360000] [--batch 1000]

Two nodes (a nats-server and the role `resolver` each, as processes) on one machine, the mirror behind a TCP proxy.
First the primary registers ``--rate`` identifiers a second in a hundred batches a second, and a Handle client asks the
mirror for the last name of a batch until it has it. Then the line is cut, the primary registers ``--changes``
identifiers (an hour at 1,000/s are 3,600,000) with a clock that goes an hour further, and the line is joined again.
Meanwhile a client asks the mirror for names all the time. At last the digests are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from millwright.app.drills.wire import Asking
from millwright.identity.handle import HandleClient
from millwright.identity.records import Records, SigningKeys, StreamLog
from millwright.kernel import ManualClock, NotFound, SystemClock
from support.cut import Line
from support.federation import Member, migrated, wait_for
from support.handle import value
from support.identifiers import home, in_a_loop, put

PREFIX = b"88.118.8"
PER_S = 100
HOUR_S = 3_700


def record(number: int) -> Any:
    return PREFIX + b"/%d" % number, (value(1, data=b"https://example.com/%d" % number),)


def visible(primary: Member, mirror: Member, rate: int, seconds: float) -> list[float]:
    """Milliseconds from the acknowledgement of a batch to the mirror's answer, of every fourth batch or so."""
    size, delays, newest = rate // PER_S, list[float](), [(-1, 0.0)]
    ends = threading.Event()

    async def ask() -> None:
        client, seen = HandleClient([mirror.site]), -1
        while not ends.is_set():
            number, acknowledged_s = newest[0]
            if number == seen:
                await asyncio.sleep(0.001)
                continue
            while not ends.is_set():
                try:
                    await client.resolve(PREFIX + b"/%d" % number)
                except NotFound:
                    await asyncio.sleep(0.002)
                    continue
                delays.append((time.perf_counter() - acknowledged_s) * 1000)
                break
            seen = number

    thread = threading.Thread(target=lambda: asyncio.run(ask()))
    with primary.records() as records:
        thread.start()
        began_s = time.perf_counter()
        for batch in range(int(seconds * PER_S)):
            last = (batch + 1) * size
            put(records, *map(record, range(batch * size, last)))
            newest[0] = last - 1, time.perf_counter()
            time.sleep(max(0.0, began_s + (batch + 1) / PER_S - time.perf_counter()))
        took_s = time.perf_counter() - began_s
    ends.set()
    thread.join()
    print(json.dumps({"changes_per_s": round(seconds * PER_S * size / took_s), "asked": len(delays)}), file=sys.stderr)
    return delays


def change(primary: Member, changes: int, size: int) -> float:
    """Register so many; returns seconds. The clock of the register goes an hour further meanwhile."""
    clock = ManualClock(SystemClock().now_ms() - HOUR_S * 1000)
    with in_a_loop(primary.nats.url) as (bus, run):
        log = StreamLog(bus)
        run(log.open())
        keys = SigningKeys(primary.data / "identifiers.key", primary.name)
        records = Records(primary.data / "identifiers", log, clock, origin=primary.name, keys=keys)
        records.open()
        try:
            began_s = time.perf_counter()
            for first in range(0, changes, size):
                clock.advance(HOUR_S * size / changes)
                put(records, *map(record, range(10_000_000 + first, 10_000_000 + first + size)))
            return time.perf_counter() - began_s
        finally:
            records.close()


def state(member: Member) -> tuple[int, str]:
    found = member.ask("identifiers", "status")
    return found["position"], found["digest"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--changes", type=int, default=360_000)
    parser.add_argument("--batch", type=int, default=1000)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mirrors-"))
    template = migrated(folder / "template")
    primary, mirror = Member("primary", folder, template), Member("mirror", folder, template)
    line = Line(primary.nats.server.port)
    found: dict[str, Any] = {}
    try:
        for each in (primary, mirror):
            each.start_nats()
        with primary.records() as records:
            home(records, PREFIX)
            put(records, (PREFIX + b"/first", (value(1),)))
        url = primary.nats.url.rpartition(":")[0] + f":{line.port}"
        mirror.configure({"identity": {"mirror_of": url, "trusted_keys": [primary.ask("identifiers", "key")["key"]]}})
        for each in (primary, mirror):
            each.start()
            each.wait_ready()
        wait_for("the mirror", lambda: state(mirror) == state(primary), 60)
        delays = sorted(visible(primary, mirror, chosen.rate, chosen.seconds))
        found["visible_ms"] = {
            "p50": round(statistics.median(delays), 1),
            "p99": round(delays[int(len(delays) * 0.99)], 1),
            "most": round(delays[-1], 1),
        }
        wait_for("the mirror", lambda: state(mirror) == state(primary), 60)
        with Asking([mirror.site], [PREFIX + b"/first"]) as asking:
            line.cut()
            took_s = change(primary, chosen.changes, chosen.batch)
            found["registered_per_s"] = round(chosen.changes / took_s)
            target = state(primary)
            lagging = mirror.figures()
            found["said_while_cut"] = [each["code"] for each in lagging["problems"]] + [
                f"lag_s {lagging['gauges']['identifier_lag_s']}"
            ]
            began_s = time.perf_counter()
            line.join()
            wait_for("the mirror to catch up", lambda: state(mirror)[0] >= target[0], 600)
            found["catch_up_s"] = round(time.perf_counter() - began_s, 1)
            found["catch_up_per_s"] = round(chosen.changes / found["catch_up_s"])
            gap_s = asking.after(asking.answers[0])[1]
        found["answers_meanwhile"] = {
            "given": len(asking.answers),
            "failed": asking.failed,
            "longest_gap_ms": round(gap_s * 1000),
        }
        found["equal"] = state(mirror) == target
    finally:
        line.cut()
        for each in (primary, mirror):
            each.kill_all()
    print(json.dumps(found, indent=1))
    return 0 if found.get("equal") else 1


if __name__ == "__main__":
    sys.exit(main())
