from __future__ import annotations

from millwright.kernel import ManualClock
from millwright.operations import Condition, Limit, Rehearsal, Stale
from millwright.operations.rehearsal import Firing, rehearse
from support.operations import NOW_MS, History, readings, rule, subject


async def run(condition: Condition, history: History, seconds: float = 100) -> Rehearsal:
    to_ms = NOW_MS + round(seconds * 1000)
    return await rehearse(rule(condition), [subject()], history, NOW_MS, to_ms, backfill_s=900)


def at(raised_s: float, returned_s: float | None, value: float | None, limit: float) -> Firing:
    returned_ms = None if returned_s is None else NOW_MS + round(returned_s * 1000)
    return Firing(NOW_MS + round(raised_s * 1000), returned_ms, value, limit)


async def test_how_often_a_limit_would_have_fired() -> None:
    history = History(readings((1, 70.0), (2, 85.0), (5, 70.0), (8, 90.0), (200, 70.0)))
    found = await run(Limit(high=80), history)
    assert found.raised == 2
    assert found.devices[0].firings == [at(2, 5, 85.0, 80.0), at(8, None, 90.0, 80.0)]
    assert found.devices[0].active_s == 3 + 92
    assert found.devices[0].readings == 4


async def test_a_delay_that_is_over_at_the_end_counts() -> None:
    history = History(readings((1, 85.0), (2, 86.0)))
    assert (await run(Limit(high=80, on_delay_s=99), history)).devices[0].firings == [at(100, None, 86.0, 80.0)]
    assert (await run(Limit(high=80, on_delay_s=100), history)).raised == 0


async def test_history_filled_in_later_counts_as_if_it_had_come_in_time() -> None:
    history = History(readings((1, 70.0), (2, 85.0), (5, 70.0), delay_s=86_400))
    assert (await run(Limit(high=80), history)).devices[0].firings == [at(2, 5, 85.0, 80.0)]


async def test_silences() -> None:
    history = History(readings((0, 1.0), (5, 1.0), (9, 1.0), (40, 1.0), (45, 1.0)))
    firings = (await run(Stale(after_s=10), history, 50)).devices[0].firings
    assert [(round(f.raised_ms - NOW_MS, -2), f.returned_ms and f.returned_ms - NOW_MS) for f in firings] == [
        (19_000, 40_000)
    ]
    firings = (await run(Stale(after_s=10), history, 56)).devices[0].firings
    assert [f.returned_ms and f.returned_ms - NOW_MS for f in firings] == [40_000, None]


async def test_a_silence_from_the_beginning() -> None:
    firings = (await run(Stale(after_s=10), History(readings((30, 1.0))), 35)).devices[0].firings
    assert [f.returned_ms for f in firings] == [NOW_MS + 30_000]


async def test_it_reads_page_by_page_and_equals_one_run() -> None:
    steps = [(second / 10, 90.0 if second % 100 < 50 else 70.0) for second in range(120_000)]
    found = await run(Limit(high=80, deadband=5, on_delay_s=2), History(readings(*steps)), 12_000)
    assert found.raised == 1200
    assert len(found.devices[0].firings) == 200
    assert found.devices[0].active_s == 1200 * 3.0
    assert ManualClock().now_ms() == NOW_MS
