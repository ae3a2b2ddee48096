"""The worker's start: what a former run left, and what was changed while it was down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from millwright import cases, operations
from millwright.engines.sql import Records
from millwright.kernel import Lifecycle, ManualClock
from millwright.operations import AlarmFilter, Alarms, AlarmWorker, Limit, RuleStore, Scope
from millwright.operations.store import load_watches
from support.bus import LocalBus
from support.operations import NOW_MS, History, Plant, readings, rule, subject

MIGRATIONS = [cases.MIGRATIONS, operations.MIGRATIONS]


@asynccontextmanager
async def running(records: Records, plant: Plant, clock: ManualClock) -> AsyncIterator[AlarmWorker]:
    worker = AlarmWorker(records, LocalBus(), History(), plant, clock)
    async with Lifecycle(worker):
        yield worker


async def states(records: Records) -> list[tuple[str, str, int]]:
    alarms = Alarms(records, LocalBus(), ManualClock(NOW_MS))
    page = await alarms.page(AlarmFilter())
    return sorted((alarm.device_id, alarm.state, alarm.occurrences) for alarm in page.items)


async def test_a_restart_goes_on_where_the_former_run_stopped(records: Records) -> None:
    clock, plant = ManualClock(NOW_MS), Plant(subject("a"), subject("b"))
    RuleStore(records).insert(rule(scope=Scope(model_id="pump")))
    async with running(records, plant, clock) as worker:
        for device in "ab":
            worker.evaluate(readings((1, 99.0), device_id=device))
        await worker.flush()
    async with running(records, plant, clock) as worker:
        for device in "ab":
            worker.evaluate(readings((1, 99.0), device_id=device))
        worker.evaluate(readings((2, 70.0), device_id="b"))
        await worker.flush()
    assert await states(records) == [("a", "unacknowledged", 1), ("b", "returned_unacknowledged", 1)]


async def test_a_device_removed_while_it_was_down_ends_its_alarm_once(records: Records) -> None:
    clock, plant = ManualClock(NOW_MS), Plant(subject("a"), subject("b"))
    RuleStore(records).insert(rule(scope=Scope(model_id="pump")))
    async with running(records, plant, clock) as worker:
        worker.evaluate(readings((1, 99.0), device_id="a"))
        await worker.flush()
    plant.remove("a")
    for _ in range(2):
        async with running(records, plant, clock) as worker:
            await worker.flush()
            assert await states(records) == [("a", "returned_unacknowledged", 1)]
    assert load_watches(records) == []
    plant.add(subject("a"))
    async with running(records, plant, clock) as worker:
        worker.evaluate(readings((5, 99.0), device_id="a"))
        await worker.flush()
    assert await states(records) == [("a", "unacknowledged", 2)]


async def test_a_delay_that_runs_survives_a_restart(records: Records) -> None:
    clock, plant = ManualClock(NOW_MS), Plant()
    RuleStore(records).insert(rule(Limit(high=80, on_delay_s=60)))
    async with running(records, plant, clock) as worker:
        worker.evaluate(readings((1, 99.0)))
        await worker.flush()
    async with running(records, plant, clock) as worker:
        worker.evaluate(readings((61, 99.0)))
        await worker.flush()
    assert await states(records) == [("d1", "unacknowledged", 1)]


async def test_changed_rules_and_devices_are_noticed(records: Records) -> None:
    clock, plant = ManualClock(NOW_MS), Plant(subject("a"))
    rules = RuleStore(records)
    async with running(records, plant, clock) as worker:
        assert not await worker.reload()
        rules.insert(rule(scope=Scope(model_id="pump")))
        assert await worker.reload()
        assert worker.gauges()["rules_watching"] == 1
        plant.add(subject("b"))
        assert await worker.reload()
        assert worker.gauges()["rules_watching"] == 2
        assert rules.replace(rule(scope=Scope(model_id="pump"), revision=2), 1)
        assert not rules.replace(rule(), 1)
        assert rules.delete("r1")
        assert not rules.delete("r1")
        assert await worker.reload()
        assert worker.gauges()["rules_watching"] == 0
        assert worker.problems() == []
