"""The watch against an oracle that steps through every millisecond."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.operations.evaluation import Bounds, Phase, Watch
from millwright.operations.model import Limit

Steps = list[tuple[int, float]]


def oracle(limit: Limit, steps: Steps, end_ms: int) -> list[tuple[bool, int]]:
    """What ISA-18.2 §6.3 says of deadband and delays, counted millisecond by millisecond; the value holds its step."""
    on_ms, off_ms = round(limit.on_delay_s * 1000), round(limit.off_delay_s * 1000)
    at = dict(steps)
    value: float | None = None
    active, held, found = False, -1, []
    for now in range(end_ms + 1):
        held += 1
        # a delay is over before a reading of the same moment is looked at
        if not active and value is not None and beyond(limit, value) and held >= on_ms:
            active, held = True, -1
            found.append((True, now))
        elif active and value is not None and back(limit, value) and held >= off_ms:
            active, held = False, -1
            found.append((False, now))
        if now in at:
            before, value = value, at[now]
            counting = back if active else beyond
            if before is None or not counting(limit, before) or not counting(limit, value) or held == -1:
                held = 0
            if counting(limit, value) and held >= (off_ms if active else on_ms):
                active = not active
                found.append((active, now))
                held = -1
    return found


def beyond(limit: Limit, value: float) -> bool:
    return (limit.high is not None and value > limit.high) or (limit.low is not None and value < limit.low)


def back(limit: Limit, value: float) -> bool:
    high = math.inf if limit.high is None else limit.high - limit.deadband
    low = -math.inf if limit.low is None else limit.low + limit.deadband
    return low <= value <= high


def run(limit: Limit, steps: Steps, end_ms: int, *, timers: bool) -> list[tuple[bool, int]]:
    watch = Watch(Bounds.of(limit), -1)
    found = []
    at = dict(steps)
    for now in range(end_ms + 1):
        if timers and watch.due_s <= now / 1000 + 1e-9:
            turn = watch.complete()
            found.append((turn.raised, turn.at_ms))
        if now in at:
            found += [(turn.raised, turn.at_ms) for turn in watch.feed(now, at[now], now / 1000)]
    return found


limits = st.builds(
    Limit,
    high=st.sampled_from([7.0, 8.0]),
    low=st.sampled_from([None, 2.0, 3.0]),
    deadband=st.sampled_from([0.0, 1.0, 1.5]),
    on_delay_s=st.sampled_from([0.0, 0.003, 0.01]),
    off_delay_s=st.sampled_from([0.0, 0.002, 0.008]),
)
steps = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10).map(float)), unique_by=lambda step: step[0]).map(
    sorted
)


@given(limits, steps)
def test_it_does_what_the_oracle_does(limit: Limit, steps: Steps) -> None:
    assert run(limit, steps, 80, timers=True) == oracle(limit, steps, 80)


@given(limits, steps)
def test_a_backlog_gives_the_same_turns_as_live_readings(limit: Limit, steps: Steps) -> None:
    live = run(limit, steps, 80, timers=True)
    last = steps[-1][0] if steps else 0
    backlog = run(limit, steps, 80, timers=False)
    assert backlog == [turn for turn in live if turn[1] <= last][: len(backlog)]
    assert len(live) - len(backlog) <= 2  # only what is due after the last reading needs the timer


TABLE = [
    # high, deadband, on, off, readings, turns
    (80, 0, 0, 0, [(0, 80), (1, 80.1)], [(True, 1)]),
    (80, 5, 0, 0, [(0, 81), (1, 76), (2, 75)], [(True, 0), (False, 2)]),
    (80, 5, 0, 0, [(0, 81), (1, 79), (2, 81)], [(True, 0)]),
    (80, 0, 0.01, 0, [(0, 81), (9, 82), (10, 81)], [(True, 10)]),
    (80, 0, 0.01, 0, [(0, 81), (9, 80), (10, 81)], [(True, 20)]),
    (80, 0, 0, 0.01, [(0, 81), (1, 70), (5, 90), (6, 70)], [(True, 0), (False, 16)]),
    (80, 0, 0.01, 0, [(0, 81), (15, 70)], [(True, 10), (False, 15)]),
]


@pytest.mark.parametrize(("high", "deadband", "on_s", "off_s", "readings", "turns"), TABLE)
def test_hysteresis_and_delays(
    high: float, deadband: float, on_s: float, off_s: float, readings: Steps, turns: list[tuple[bool, int]]
) -> None:
    limit = Limit(high=high, deadband=deadband, on_delay_s=on_s, off_delay_s=off_s)
    assert run(limit, readings, 40, timers=True) == turns


def test_a_turn_tells_the_limit_that_was_crossed() -> None:
    watch = Watch(Bounds.of(Limit(high=10, low=0)), -1)
    (turn,) = watch.feed(5, -1.0, 0.0)
    assert (turn.raised, turn.limit, turn.value, turn.trigger_ms) == (True, 0, -1.0, 5)
    assert watch.phase is Phase.ACTIVE
    assert watch.feed(6, 11.0, 0.0) == []  # from one side beyond to the other: still the same alarm
    assert watch.quiet() == (math.nextafter(10, math.inf), math.inf)


@given(limits, steps, st.floats(-5, 15))
def test_a_quiet_value_changes_nothing(limit: Limit, steps: Steps, value: float) -> None:
    watch = Watch(Bounds.of(limit), -1)
    for time_ms, step in steps:
        watch.feed(time_ms, step, 0.0)
    low, high = watch.quiet()
    phase = watch.phase
    if low <= value <= high:
        assert watch.feed(100, value, 0.0) == []
        assert watch.phase is phase
