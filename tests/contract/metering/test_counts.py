"""Counts in a real database: each batch once, whatever fails."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from millwright import ledger, metering, parties
from millwright.engines.sql import Records
from millwright.kernel import ManualClock, Unavailable
from millwright.metering import MESSAGES, POINTS, Batch, CountStore, StreamTally, Tally

MIGRATIONS = [ledger.MIGRATIONS, parties.MIGRATIONS, metering.MIGRATIONS]
NOON = 500_000


def counts(organisation: str, messages: int, hour: int = NOON) -> dict[tuple[str, str, int], int]:
    return {(organisation, MESSAGES.name, hour): messages, (organisation, POINTS.name, hour): messages * 10}


def test_a_batch_is_added_once(records: Records) -> None:
    store = CountStore(records)
    first, second = Batch(10, counts("red", 5)), Batch(20, counts("red", 7) | counts("blue", 1))
    assert store.record("s", [first], 0) == 1
    assert store.record("s", [first, second], 0) == 1  # the answer to the first was lost, and it is given again
    assert store.record("s", [second], 0) == 0
    assert store.sums(0, NOON + 1) == {
        ("red", "messages"): 12,
        ("red", "points"): 120,
        ("blue", "messages"): 1,
        ("blue", "points"): 10,
    }
    assert store.begin_at("s", 0, 0) == 20
    assert store.sums(0, NOON) == {}
    assert store.sums(0, NOON + 1, ["blue"]) == {("blue", "messages"): 1, ("blue", "points"): 10}


def test_what_is_measured_is_replaced(records: Records) -> None:
    store = CountStore(records)
    key = ("red", "stored_bytes", NOON)
    store.put({key: 10})
    store.put({key: 12, ("blue", "stored_bytes", NOON): 1})
    assert store.sums(NOON, NOON + 1) == {("red", "stored_bytes"): 12, ("blue", "stored_bytes"): 1}


def test_days_of_a_month(records: Records) -> None:
    store = CountStore(records)
    store.record("s", [Batch(1, counts("red", 1, 100) | counts("blue", 2, 123) | counts("red", 4, 124))], 0)
    assert store.days(100, 200, ["red", "blue"]) == {
        ("messages", 0): 3,
        ("points", 0): 30,
        ("messages", 1): 4,
        ("points", 1): 40,
    }
    assert store.days(100, 200, ["blue"]) == {("messages", 0): 2, ("points", 0): 20}


async def test_a_stream_is_counted_once_through_any_sequence_of_deaths(records: Records) -> None:
    """A reader that dies anywhere reads on from what was acknowledged, in other slices than before."""
    dice = random.Random(7)
    store, clock = CountStore(records), ManualClock()
    stream = [dice.randint(1, 9) for _ in range(300)]
    acknowledged = 0
    while acknowledged < len(stream):
        tally = StreamTally(store, clock)
        await tally.begin("intake/x", acknowledged)
        at = acknowledged
        while at < len(stream):
            end = min(at + dice.randint(1, 20), len(stream))
            if at < tally.position < end:
                end = tally.position
            tally.add(end, counts("red", sum(stream[at:end])))
            at = end
            fate = dice.random()
            if fate < 0.2:
                break  # killed before it was settled
            await tally.settle()
            if fate < 0.4:
                break  # killed after it was settled, before it was acknowledged
            acknowledged = at
    assert store.sums(0, NOON + 1)["red", "messages"] == sum(stream)


async def test_counts_of_a_stream_are_on_the_disk_before_it_is_acknowledged(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    if records.engine.dialect.name != "sqlite":
        pytest.skip("every commit to PostgreSQL is on the disk")
    tally = StreamTally(CountStore(records), ManualClock())
    await tally.begin("intake/x", 0)
    synced: list[str] = []
    fsync = os.fsync

    def seen(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").readlink().name)
        fsync(file)

    monkeypatch.setattr(os, "fsync", seen)
    tally.add(5, counts("red", 1))
    await tally.settle()
    assert f"{Path(str(records.engine.url.database)).name}-wal" in synced
    synced.clear()
    await tally.settle()
    assert synced == []


async def test_counts_wait_while_the_database_is_away(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock = CountStore(records), ManualClock()
    tally = Tally(store, clock, "web")
    tally.count(MESSAGES, "red", 3)
    real, committed = store.record, Counter[str]()

    def lost(source: str, batches: list[Batch], now_ms: int) -> int:
        committed["times"] += 1
        if committed["times"] == 2:
            real(source, batches, now_ms)  # it was committed, and the answer never came
        raise Unavailable("away", code="engines.sql_unavailable")

    monkeypatch.setattr(store, "record", lost)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await tally.flush()
        tally.count(MESSAGES, "red", 1)
    monkeypatch.setattr(store, "record", real)
    await tally.flush()
    await tally.flush()
    hour = clock.now_ms() // 3_600_000
    assert store.sums(hour, hour + 1) == {("red", "messages"): 5}


async def test_two_processes_count_beside_each_other(records: Records) -> None:
    store, clock = CountStore(records), ManualClock()
    one, other = Tally(store, clock, "web"), Tally(store, clock, "web")
    for tally in (one, other, one, other, one):
        tally.count(MESSAGES, "red")
        await tally.flush()
    hour = clock.now_ms() // 3_600_000
    assert store.sums(hour, hour + 1) == {("red", "messages"): 5}
