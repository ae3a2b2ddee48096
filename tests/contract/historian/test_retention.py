"""Expired readings go, others stay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from millwright.historian import Historian, HistorianSettings, PolicyStore, Retention, RetentionPolicy, SeriesInfo
from millwright.historian.retention import MOST_POLICIES
from millwright.kernel import Invalid, ManualClock
from millwright.kernel.scope import EVERYTHING
from support.historian import numbers, open_engine, read_all, store
from support.sqlite import migrated

DAY = 86_400_000
NOW = 1_750_000_000_000 // DAY * DAY + 12 * 3_600_000
MIGRATIONS = Path(__file__).parents[3] / "src/millwright/historian/migrations"


@dataclass
class Kept:
    historian: Historian
    retention: Retention
    store: PolicyStore

    async def fill(self, device_id: str, name: str, days_ago: list[int]) -> SeriesInfo:
        entry = SeriesInfo.of(device_id, name)
        days = sorted(days_ago, reverse=True)
        await store(
            self.historian, numbers(entry.series, [NOW - d * DAY for d in days], [float(d) for d in days]), [entry]
        )
        return entry

    async def left(self, entry: SeriesInfo) -> list[float]:
        return [number for _, number in await read_all(self.historian, entry.series)]


@pytest.fixture(params=["chdb", "http"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    records = migrated(tmp_path, [MIGRATIONS], EVERYTHING)
    clock = ManualClock(NOW)
    async with open_engine(request.param, tmp_path) as engine:
        historian = Historian(engine, clock, HistorianSettings(flush_ms=10))
        await historian.start()
        policies = PolicyStore(records)
        yield Kept(historian, Retention(engine, policies, clock), policies)
        await historian.stop()
    records.close()


async def test_without_a_policy_everything_is_kept(kept: Kept) -> None:
    entry = await kept.fill("dev_1", "x", [0, 4000])
    await kept.retention.apply()
    assert await kept.left(entry) == [4000.0, 0.0]


async def test_the_first_policy_that_matches_decides(kept: Kept) -> None:
    vibration = await kept.fill("dev_1", "vibration.x", [0, 5, 20, 100])
    energy = await kept.fill("dev_1", "energy", [0, 5, 20, 100])
    other = await kept.fill("dev_2", "vibration.x", [0, 5, 20, 100])
    kept.store.replace(
        [
            RetentionPolicy("dev_1", "energy", None),
            RetentionPolicy("*", "vibration.?", 10),
            RetentionPolicy("dev_*", "*", 50),
        ]
    )
    await kept.retention.apply()
    assert await kept.left(vibration) == [5.0, 0.0]
    assert await kept.left(other) == [5.0, 0.0]
    assert await kept.left(energy) == [100.0, 20.0, 5.0, 0.0]
    assert [row.value for row in await kept.historian.latest(["dev_1"])] == [0.0, 0.0]


async def test_a_default_drops_whole_months_and_the_days_beside(kept: Kept) -> None:
    entry = await kept.fill("dev_1", "x", [0, 29, 30, 31, 200, 400])
    kept.store.replace([RetentionPolicy(keep_days=30)])
    await kept.retention.apply()
    assert await kept.left(entry) == [30.0, 29.0, 0.0]
    # Not only invisible: the old months take no room.
    assert (await kept.historian.storage()).points < 6


async def test_a_month_is_kept_when_any_policy_keeps_it(kept: Kept) -> None:
    long, short = await kept.fill("keep", "x", [0, 400]), await kept.fill("other", "x", [0, 400])
    kept.store.replace([RetentionPolicy("keep", "*", 1000), RetentionPolicy("*", "*", 10)])
    await kept.retention.apply()
    assert await kept.left(long) == [400.0, 0.0]
    assert await kept.left(short) == [0.0]


async def test_patterns_are_no_regular_expressions(kept: Kept) -> None:
    dotted, other = await kept.fill("dev", "a.b", [100]), await kept.fill("dev", "aXb(", [100])
    kept.store.replace([RetentionPolicy("*", "a.b", 10), RetentionPolicy("*", "a?b)", 10)])
    await kept.retention.apply()
    assert await kept.left(dotted) == []
    assert await kept.left(other) == [100.0]


async def test_policies_are_kept_in_order_and_replaced_whole(kept: Kept) -> None:
    wanted = [RetentionPolicy(f"dev_{i}", "*", i + 1) for i in range(20)]
    kept.store.replace(wanted)
    assert kept.store.list() == wanted
    kept.store.replace(wanted[3:5])
    assert kept.store.list() == wanted[3:5]
    with pytest.raises(Invalid) as caught:
        kept.store.replace([RetentionPolicy()] * (MOST_POLICIES + 1))
    assert caught.value.code == "historian.too_many_policies"
    assert kept.store.list() == wanted[3:5]


async def test_a_preview_says_what_the_next_round_removes_and_changes_nothing(kept: Kept) -> None:
    fast = await kept.fill("dev_1", "vibration.x", [0, 5, 40, 41])
    slow = await kept.fill("dev_1", "energy", [0, 400])
    other = await kept.fill("dev_2", "vibration.x", [50])
    free = await kept.fill("dev_3", "door", [900])
    wanted = [
        RetentionPolicy("*", "vibration.*", 31),
        RetentionPolicy("dev_1", "*", None),
        RetentionPolicy("dev_1", "energy", 1),
        RetentionPolicy("dev_9", "*", 1),
    ]
    preview = await kept.retention.preview(wanted)
    first, second, shadowed, nothing = preview.policies
    assert (first.series, first.devices, first.expired, first.oldest_ms) == (2, 2, 3, NOW - 50 * DAY)
    assert [(each.device_id, each.property) for each in first.examples] == [
        ("dev_1", "vibration.x"),
        ("dev_2", "vibration.x"),
    ]
    assert (second.series, second.expired, second.oldest_ms) == (1, 0, None)
    assert (shadowed.series, shadowed.expired, nothing.series) == (0, 0, 0)
    assert preview.unmatched == 1
    assert kept.store.list() == []

    kept.store.replace(wanted)
    await kept.retention.apply()
    assert [await kept.left(each) for each in (fast, slow, other, free)] == [[5.0, 0.0], [400.0, 0.0], [], [900.0]]
    assert [effect.expired for effect in (await kept.retention.preview(wanted)).policies] == [0, 0, 0, 0]


async def test_each_organisation_decides_for_its_own_devices(kept: Kept) -> None:
    mine, theirs, gone = [await kept.fill(device, "x", [0, 40]) for device in ("dev_mine", "dev_theirs", "dev_gone")]
    retention = Retention(
        kept.historian._engine,
        kept.store,
        ManualClock(NOW),
        owners=lambda: {"dev_theirs": "org_theirs", "dev_gone": "org_gone"},
        gone=lambda: ["dev_gone"],
    )
    kept.store.replace([RetentionPolicy("*", "*", 10)])
    kept.store.replace([RetentionPolicy("*", "*", None)], "org_theirs")
    assert kept.store.list() == [RetentionPolicy("*", "*", 10)]
    assert kept.store.list("org_theirs") == [RetentionPolicy("*", "*", None)]
    await retention.apply()
    assert [len(await kept.left(each)) for each in (mine, theirs, gone)] == [1, 2, 0]
    kept.store.replace([RetentionPolicy("*", "*", 10)], "org_theirs")
    await retention.apply()
    assert [len(await kept.left(each)) for each in (mine, theirs, gone)] == [1, 1, 0]
