"""What counting and limiting cost: decoding with and without, one transaction, a call, a paced read, a look at quotas.

    python bench/metering.py [--seconds 2] [--organisations 500]

CPU seconds count, not wall time, so that a busy machine changes little; with and without alternate in one run, and the
least of several rounds stands for each. Frames are those of ``decode.py``: ten values a message, eight messages a run,
QoS 1.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from decode import POINTS, NoSparkplug, Plant, frames_of, timed
from millwright import ledger, metering, parties
from millwright.app.limits import RatePacer
from millwright.devices.permissions import Principal
from millwright.devices.telemetry import Collector, Decoder, JsonDecoder, TelemetrySettings
from millwright.engines.sql import Migrations, Records
from millwright.kernel import SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.metering import Batch, Calendar, CountStore, LimitWatch, PlanStore, Tally
from millwright.metering.limits import work_out
from millwright.metering.model import Limits, Quota, RateLimits
from millwright.metering.periods import HOUR_MS
from millwright.parties import Authority, Node, Person, Session, Tree
from millwright.parties.authority import Held
from millwright.web.calls import Calls

ROUNDS = 7


class Uncounted:
    """In the place of the counter: nothing is counted."""

    def take(self) -> dict[tuple[str, int], list[int]]:
        return {}

    def hold(self, _data: bytes, _received_ms: int) -> None:
        return None

    def is_doubtful(self, _run: object) -> bool:
        return False

    def add(self, _organisation: str, _run: object, _readings: int) -> None:
        return None


def decoding(seconds: float) -> None:
    payload = frames_of(timed, 8)

    def run(*, counted: bool) -> float:
        settings = TelemetrySettings()
        collector = Collector(settings)
        if not counted:
            collector.usage = Uncounted()  # type: ignore[assignment]
        decoder = Decoder(Plant(model=False), collector, JsonDecoder(collector, settings), NoSparkplug())
        for data in payload[:20]:
            decoder.decode(data, 1)
        decoder.take()
        began, points = time.process_time(), 0
        while time.process_time() - began < seconds / ROUNDS:
            for number, data in enumerate(payload):
                decoder.decode(data, number)
                if number % 16 == 15:
                    points += len(decoder.take().batch)
            points += len(decoder.take().batch)
        return (time.process_time() - began) / points * POINTS * 1e6

    without, with_it = [], []
    for _ in range(ROUNDS):
        without.append(run(counted=False))
        with_it.append(run(counted=True))
    a, b = min(without), min(with_it)
    print(
        f"decoding, a message of {POINTS} values    {a:6.2f} µs without   {b:6.2f} µs with   {(b / a - 1) * 100:+.1f} %"
    )


def each(name: str, act: Callable[[], object], times: int) -> None:
    best = 1e9
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            act()
        best = min(best, (time.process_time() - began) / times)
    print(f"{name:<42} {best * 1e6:10.2f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--organisations", type=int, default=500)
    options = parser.parse_args()
    decoding(options.seconds)

    clock = SystemClock()
    hour = clock.now_ms() // HOUR_MS
    with tempfile.TemporaryDirectory() as folder:
        records = Records.in_folder(Path(folder), EVERYTHING)
        Migrations(records, [ledger.MIGRATIONS, parties.MIGRATIONS, metering.MIGRATIONS]).upgrade()
        store = CountStore(records)
        numbers = iter(range(1, 10**9))
        few = {(f"org_{n}", meter, hour): 1000 for n in range(10) for meter in ("messages", "points")}
        each("settling a group, 10 organisations", lambda: store.record("a", [Batch(next(numbers), few)], 0), 50)

        tally = Tally(store, clock, "web")
        tree = Tree([Node("org_root", None, "park", "P"), Node("org_1", "org_root", "enterprise", "E")])
        held = Held("g", "org_1", "viewer", frozenset())
        authority, session = Authority("p", [held], tree, 0), Session("s", Person("p", "P", []), 0)
        free = Calls(tally, clock=clock)
        each("a call, nothing limited", lambda: free.admit("/api/v1/devices", session, authority, None), 20_000)
        rates = RateLimits(messages=1e6, device_messages=1e6, api_calls=1e6, caller_api_calls=1e6)
        hard = Limits([Quota("api_calls", 10**12, hard=True)], rates)
        ceilings = work_out(tree, {"org_1": hard}, {"day": {}, "month": {}}, {"day": 0, "month": 0})
        paced = Calls(tally, lambda: ceilings, clock)
        each("a call, a quota and two rates", lambda: paced.admit("/api/v1/devices", session, authority, None), 20_000)
        pacer = RatePacer(lambda: ceilings, clock)
        device = Principal("d", "d", 1, organisation_id="org_1")
        each("a read from a device, two rates", lambda: pacer.take(device, 8), 20_000)

        month = {
            (f"org_{n}", meter, hour - back): 1000
            for n in range(options.organisations)
            for meter in ("messages", "points", "api_calls")
            for back in range(0, 480, 2)
        }
        store.record("b", [Batch(1, month)], 0)
        PlanStore(records).put_limits("org_root", Limits([Quota("messages", 10**12)]), 0)
        print(f"{len(month):,} counts of {options.organisations} organisations in the records")
        first = LimitWatch(records, Calendar(), clock)
        began = time.process_time()
        first.read()
        print(f"{'a first look at quotas':<42} {(time.process_time() - began) * 1e6:10.2f} µs")
        each("a look at quotas, every two seconds", first.read, 10)
        records.close()


if __name__ == "__main__":
    main()
