"""How fast rules are evaluated, and how soon an alarm is raised.

``python bench/alarms.py`` prints, for batches of 100,000 readings over 100,000 series:

- nanoseconds a reading when none, 1,000 (one each of 1,000 rules) or all series are watched, nothing changing;
- the cost of readings that do change something, and of loading the rules;
- how long 10,000 alarms raised at once take to be written, and how long they hold up evaluation;
- the time from evaluation to the alarm being committed and told, one alarm at a time beside a steady load.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from millwright import cases, operations
from millwright.engines.sql import Migrations, Records
from millwright.historian import ReadingBatch, series_id
from millwright.kernel import SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.operations import Alarm, Alarms, Limit, RateOfChange, Rule, Scope, Stale, Subject
from millwright.operations.evaluation import Evaluator, Plan
from millwright.operations.writer import AlarmWriter

SERIES = 100_000
RULES = 1_000
SUBJECTS = [Subject(f"dev_{number:06}", f"Pump {number}", "pump") for number in range(SERIES)]
IDS = np.array([series_id(subject.id, "temperature") for subject in SUBJECTS], np.uint64)


def rule(number: int, condition: Limit | RateOfChange | Stale, *, device_id: str | None = None) -> Rule:
    scope = Scope(device_id=device_id) if device_id else Scope(model_id="pump")
    return Rule(id=f"rul_{number}", name="bench", scope=scope, property="temperature", condition=condition)


def batch(values: np.ndarray, at_ms: int, series: np.ndarray = IDS) -> ReadingBatch:
    rows = len(series)
    times = np.full(rows, at_ms, np.int64)
    return ReadingBatch(series, times, times, values, np.zeros(rows, np.uint8), np.full(rows, 192, np.uint8))


def measure(name: str, rules: list[Rule], seconds: float, *, low: float = 20.0, high: float = 70.0) -> None:
    began = time.thread_time()
    plan = Plan(rules, SUBJECTS)
    compiled_s = time.thread_time() - began
    clock = SystemClock()
    evaluator = Evaluator(clock)
    evaluator.adopt(plan)
    random = np.random.default_rng(1)
    orders = [random.permutation(SERIES) for _ in range(8)]
    values = random.uniform(low, high, SERIES)
    rows = changes = number = 0
    spent_s = 0.0
    start_ms = clock.now_ms()
    while spent_s < seconds and number < 200:
        readings = batch(values, start_ms + number, IDS[orders[number % 8]])
        began = time.thread_time()  # of this thread: other programs on the machine do not count
        changes += len(evaluator.evaluate(readings))
        spent_s += time.thread_time() - began
        rows += SERIES
        number += 1
    print(
        f"{name:42} {spent_s / rows * 1e9:8.1f} ns/reading {rows / spent_s / 1e6:7.2f} M/s"
        f"   {len(plan):7,} watches compiled in {compiled_s * 1e3:5.0f} ms   {changes:,} changes"
    )


class Quiet:
    """A bus without listeners."""

    async def publish(self, subject: str, payload: bytes) -> None:
        """Nobody hears it."""


async def flood(folder: Path) -> None:
    async def told(alarms: Sequence[Alarm]) -> None:
        done.extend([time.perf_counter()] * len(alarms))

    records = Records.in_folder(folder, EVERYTHING)
    Migrations(records, [cases.MIGRATIONS, operations.MIGRATIONS]).upgrade()
    clock = SystemClock()
    alarms = Alarms(records, Quiet(), clock)  # type: ignore[arg-type]  # only publish is used
    evaluator = Evaluator(clock)
    evaluator.adopt(Plan([rule(0, Limit(high=80))], SUBJECTS))
    writer = AlarmWriter(alarms.cases, clock, told)
    await writer.start()
    done: list[float] = []

    async def judge(readings: ReadingBatch) -> float:
        began = time.perf_counter()
        writer.put(evaluator.evaluate(readings), evaluator.take_dirty())
        return time.perf_counter() - began

    values = np.full(SERIES, 50.0)
    values[:10_000] = 99.0
    began = time.perf_counter()
    blocked_s = await judge(batch(values, clock.now_ms()))
    worst_s = 0.0
    flushed = asyncio.create_task(writer.flush())
    while not flushed.done():
        await asyncio.sleep(0.01)
        worst_s = max(worst_s, await judge(batch(values, clock.now_ms())))
    written_s = time.perf_counter() - began
    print(
        f"10,000 alarms at once: evaluated in {blocked_s * 1e3:.0f} ms, written in {written_s:.2f} s "
        f"({10_000 / written_s:,.0f}/s); meanwhile a batch of 100,000 took {worst_s * 1e3:.0f} ms at worst"
    )

    delays = []
    for number in range(200):
        readings = batch(np.array([99.0]), clock.now_ms(), IDS[20_000 + number : 20_001 + number])
        done.clear()
        began = time.perf_counter()
        await judge(readings)
        while not done:
            await judge(batch(values, clock.now_ms()))  # 100,000 readings each 100 ms or less: the steady load
            await asyncio.sleep(0.02)
        delays.append(done[0] - began)
    delays.sort()
    print(
        f"evaluated → committed and told, beside 1-5 M readings/s: p50 {delays[100] * 1e3:.1f} ms, "
        f"p99 {delays[197] * 1e3:.1f} ms"
    )
    await writer.stop()
    records.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each measurement")
    seconds = parser.parse_args().seconds
    each = [rule(n, Limit(high=80, low=0, deadband=2), device_id=SUBJECTS[n * 100].id) for n in range(RULES)]
    measure("no rule", [], seconds)
    measure("1,000 limit rules on 1,000 devices", each, seconds)
    measure("1 limit rule on a model of 100,000", [rule(0, Limit(high=80))], seconds)
    three = [rule(0, Limit(high=80)), rule(1, Limit(low=0)), rule(2, Stale(after_s=60))]
    measure("2 limit rules and 1 stale on 100,000", three, seconds)
    rates = [rule(n, RateOfChange(per_s=1e9, window_s=1), device_id=SUBJECTS[n * 100].id) for n in range(RULES)]
    measure("1,000 rate rules on 1,000 devices", rates, seconds)
    measure("1,000 limit rules, every reading toggles?", each, seconds, low=-100, high=180)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(flood(Path(folder)))


if __name__ == "__main__":
    main()
