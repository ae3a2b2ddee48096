from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.historian import BAD, UNCERTAIN, ReadingBatch
from millwright.kernel import ManualClock
from millwright.operations import Limit, RateOfChange, Rule, Scope, Stale, Subject
from millwright.operations.evaluation import Evaluator, Plan
from millwright.operations.model import Change, Raised, Returned
from support.operations import NOW_MS, readings, rule, subject


def evaluator(*rules: Rule, clock: ManualClock | None = None, subjects: list[Subject] | None = None) -> Evaluator:
    made = Evaluator(clock or ManualClock(NOW_MS))
    made.adopt(Plan(rules or (rule(),), subjects or [subject()]))
    return made


def told(changes: list[Change]) -> list[tuple[str, float]]:
    """What happened, in seconds after NOW_MS."""
    return [("raised" if isinstance(c, Raised) else "returned", (c.at_ms - NOW_MS) / 1000) for c in changes]


def test_a_batch_raises_and_ends_in_source_order() -> None:
    found = evaluator().evaluate(readings((2, 70.0), (0, 70.0), (1, 81.0)))
    assert told(found) == [("raised", 1), ("returned", 2)]
    raised = found[0]
    assert isinstance(raised, Raised)
    assert (raised.value, raised.limit, raised.unit, raised.subject.name) == (81.0, 80.0, "Cel", "D1")


def test_what_no_rule_watches_is_let_through() -> None:
    made = evaluator()
    assert made.evaluate(readings((0, 99.0), device_id="d2")) == []
    assert made.evaluate(readings((0, 99.0), name="pressure")) == []
    assert evaluator(rule(enabled=False)).evaluate(readings((0, 99.0))) == []


def test_bad_quality_is_not_evaluated_and_uncertain_is() -> None:
    made = evaluator()
    assert made.evaluate(readings((0, 99.0), quality=BAD)) == []
    assert told(made.evaluate(readings((1, 99.0), quality=UNCERTAIN))) == [("raised", 1)]
    assert made.evaluate(readings((2, 20.0), quality=BAD)) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, "hot"])
def test_what_is_no_number_is_not_evaluated(value: float | str) -> None:
    assert evaluator().evaluate(readings((0, value))) == []


def test_older_readings_than_the_last_never_toggle() -> None:
    made = evaluator()
    made.evaluate(readings((10, 70.0)))
    assert made.evaluate(readings((5, 99.0))) == []
    assert made.evaluate(readings((10, 99.0))) == []
    assert told(made.evaluate(readings((11, 99.0)))) == [("raised", 11)]
    assert made.evaluate(readings((11, 20.0))) == []


def test_history_filled_in_later_raises_nothing_and_ends_nothing() -> None:
    made = evaluator()
    assert made.evaluate(readings((-2000, 99.0), delay_s=901)) == []
    assert told(made.evaluate(readings((-2000, 99.0), delay_s=900))) == [("raised", -2000)]
    assert made.evaluate(readings((-1900, 20.0), delay_s=1000)) == []


def test_a_device_clock_far_ahead_does_not_blind_its_rule() -> None:
    made = evaluator()
    year = 365 * 86_400.0
    made.evaluate(readings((year, 70.0), delay_s=-year))
    assert told(made.evaluate(readings((61, 99.0)))) == [("raised", 61)]


def test_a_wall_clock_that_goes_back_is_followed() -> None:
    made = evaluator()
    made.evaluate(readings((7200, 70.0)))
    assert told(made.evaluate(readings((0, 99.0)))) == [("raised", 0)]
    assert told(made.evaluate(readings((1, 20.0)))) == [("returned", 1)]


def test_a_value_that_stays_high_without_new_readings_raises_by_the_timer() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Limit(high=80, on_delay_s=10)), clock=clock)
    assert made.evaluate(readings((0, 99.0))) == []
    clock.advance(9.9)
    assert made.tick() == []
    clock.advance(0.1)
    assert told(made.tick()) == [("raised", 10)]
    assert made.tick() == []


def test_a_timer_waits_for_readings_that_wait() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Limit(high=80, on_delay_s=10)), clock=clock)
    assert made.evaluate(readings((0, 99.0))) == []
    clock.advance(12)  # the pipeline was held up meanwhile: what was received since lies there
    assert made.tick(lag_s=12) == []
    assert made.evaluate(readings((2, 20.0))) == []
    assert made.tick() == []
    assert made.evaluate(readings((3, 99.0))) == []
    clock.advance(12)
    assert told(made.tick(lag_s=1.5)) == [("raised", 13)]


def test_a_jump_of_the_wall_clock_neither_hastens_nor_delays_a_timer() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Limit(high=80, on_delay_s=10)), rule(Stale(after_s=30), id="r2"), clock=clock)
    made.evaluate(readings((0, 99.0)))
    clock.jump(3600)
    assert made.tick() == []
    clock.jump(-7200)
    clock.advance(10)
    assert told(made.tick()) == [("raised", 10)]
    clock.advance(19.9)
    assert made.tick() == []
    clock.advance(0.2)
    assert [change.key.kind for change in made.tick()] == ["stale"]


def test_two_rules_on_one_series_are_told_apart() -> None:
    made = evaluator(rule(), rule(Limit(high=90), id="r2"), rule(Limit(low=0), id="r3"))
    found = made.evaluate(readings((0, 85.0), (1, 95.0), (2, 85.0), (3, 70.0)))
    assert sorted((c.key.rule_id, isinstance(c, Raised), (c.at_ms - NOW_MS) // 1000) for c in found) == [
        ("r1", False, 3),
        ("r1", True, 0),
        ("r2", False, 2),
        ("r2", True, 1),
    ]


def test_a_rule_on_a_model_watches_every_device_of_it() -> None:
    by_model = rule(scope=Scope(model_id="pump"))
    made = evaluator(by_model, subjects=[subject("a"), subject("b"), subject("c", "valve")])
    batch = ReadingBatch.concatenate([readings((0, 99.0), device_id=each) for each in "abc"])
    assert sorted(change.key.device_id for change in made.evaluate(batch)) == ["a", "b"]


# --- stale data --------------------------------------------------------------------------------------------------


def test_silence_raises_and_a_reading_ends_it() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Stale(after_s=10)), clock=clock)
    clock.advance(5)
    made.evaluate(readings((5, 1.0)))
    clock.advance(10)
    assert made.tick() == []
    clock.advance(0.1)
    (raised,) = made.tick()
    assert isinstance(raised, Raised)
    assert told([raised]) == [("raised", 15.1)]
    assert (raised.limit, raised.unit, raised.trigger_ms) == (10, "s", NOW_MS + 5000)
    clock.advance(4.9)
    assert told(made.evaluate(readings((20, 1.0)))) == [("returned", 20)]
    clock.advance(10.1)
    assert told(made.tick()) == [("raised", 30.1)]


def test_a_device_never_heard_of_goes_stale_after_the_rule_began() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Stale(after_s=10)), clock=clock)
    clock.advance(10.1)
    assert told(made.tick()) == [("raised", 10.1)]


def test_a_text_refreshes_and_a_bad_or_ancient_reading_does_not() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Stale(after_s=10)), clock=clock)
    clock.advance(8)
    made.evaluate(readings((8, "running")))
    clock.advance(8)
    assert made.tick() == []
    made.evaluate(readings((16, 1.0), quality=BAD))
    made.evaluate(readings((16 - 2000, 1.0), delay_s=2000))
    clock.advance(3)
    assert told(made.tick()) == [("raised", 19)]


def test_silence_is_not_held_against_a_device_while_its_readings_wait() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Stale(after_s=10)), clock=clock)
    clock.advance(60)  # the pipeline stood still for a minute
    assert made.tick(lag_s=60) == []
    made.evaluate(readings((59, 1.0)))
    assert made.tick() == []


def test_a_replay_of_what_was_received_before_does_not_end_a_stale_alarm() -> None:
    clock = ManualClock(NOW_MS)
    made = evaluator(rule(Stale(after_s=10)), clock=clock)
    made.evaluate(readings((0, 1.0)))
    clock.advance(11)
    assert told(made.tick()) == [("raised", 11)]
    assert made.evaluate(readings((0, 1.0))) == []
    clock.jump(-3600)  # then nothing newer would come for an hour
    assert [type(change) for change in made.evaluate(readings((-3588, 1.0)))] == [Returned]


# --- rate of change ----------------------------------------------------------------------------------------------


def ramp(per_s: float, seconds: int, *, start: float = 0.0, from_s: int = 0) -> list[tuple[float, float]]:
    return [(from_s + s, start + per_s * s) for s in range(seconds)]


def test_a_ramp_faster_than_the_limit_raises_after_a_whole_window() -> None:
    made = evaluator(rule(RateOfChange(per_s=1, window_s=5)))
    assert made.evaluate(readings(*ramp(0.9, 20))) == []
    found = made.evaluate(readings(*ramp(-1.5, 20, start=18, from_s=20)))
    assert told(found) == [("raised", 24)]
    assert told(made.evaluate(readings(*ramp(0, 10, start=-10.5, from_s=40)))) == [("returned", 41)]


@pytest.mark.parametrize(("direction", "slope", "fires"), [("rising", 2, 1), ("rising", -2, 0), ("falling", -2, 1)])
def test_direction(direction: str, slope: float, fires: int) -> None:
    made = evaluator(rule(RateOfChange(per_s=1, window_s=5, direction=direction)))  # type: ignore[arg-type]
    found = made.evaluate(readings(*ramp(slope, 20)))
    assert len(found) == fires
    assert all(isinstance(each, Raised) and each.value == 2 and each.unit == "Cel/s" for each in found)


def test_two_readings_close_together_make_no_steep_slope() -> None:
    made = evaluator(rule(RateOfChange(per_s=5, window_s=10)))
    assert made.evaluate(readings((0, 0.0), (0.001, 10.0), (10, 10.0), (10.001, 0.0), (20, 0.0))) == []


# --- rules that change -------------------------------------------------------------------------------------------


def test_a_plan_that_keeps_the_cause_keeps_its_state() -> None:
    made = evaluator(rule(), rule(Limit(low=0), id="r2"))
    made.evaluate(readings((0, 99.0)))
    assert made.adopt(Plan([rule(name="renamed")], [subject("d0"), subject("d1")])) == []
    assert told(made.evaluate(readings((1, 99.0), (2, 70.0)))) == [("returned", 2)]


def test_a_new_limit_counts_from_the_next_reading() -> None:
    made = evaluator(rule())
    made.evaluate(readings((0, 90.0)))
    made.adopt(Plan([rule(Limit(high=100))], [subject()]))
    assert told(made.evaluate(readings((1, 90.0)))) == [("returned", 1)]


@pytest.mark.parametrize(
    "after",
    [
        Plan([], [subject()]),
        Plan([rule()], []),
        Plan([rule(enabled=False)], [subject()]),
        Plan([rule(Stale(after_s=5))], [subject()]),
        Plan([rule(property="pressure")], [subject()]),
    ],
    ids=["deleted", "device gone", "disabled", "another kind", "another property"],
)
def test_an_alarm_whose_cause_is_no_longer_watched_ends(after: Plan) -> None:
    made = evaluator(rule())
    made.evaluate(readings((0, 90.0)))
    (change,) = made.adopt(after)
    assert isinstance(change, Returned)
    assert change.comment
    assert {state.phase for state in made.take_dirty()} == {0}


# --- a restart ---------------------------------------------------------------------------------------------------


def restarted(before: Evaluator, *rules: Rule, clock: ManualClock | None = None) -> Evaluator:
    after = evaluator(*rules, clock=clock)
    after.restore(before.take_dirty())
    return after


def test_what_was_raised_before_a_crash_is_not_raised_again() -> None:
    before = evaluator()
    before.evaluate(readings((0, 70.0), (1, 99.0)))
    after = restarted(before)
    assert after.evaluate(readings((0, 70.0), (1, 99.0), (2, 99.0))) == []
    assert told(after.evaluate(readings((3, 70.0)))) == [("returned", 3)]


def test_what_began_and_ended_before_a_crash_is_not_told_again() -> None:
    before = evaluator()
    before.evaluate(readings((1, 99.0), (2, 70.0)))
    assert restarted(before).evaluate(readings((1, 99.0), (2, 70.0), (3, 70.0))) == []


def test_what_came_too_late_before_a_crash_is_still_too_late_after_it() -> None:
    before = evaluator()
    before.evaluate(readings((5, 60.0)))
    assert before.evaluate(readings((4, 99.0))) == []
    assert restarted(before).evaluate(readings((4, 99.0))) == []


def test_a_delay_that_was_running_ends_by_a_reading_or_anew_by_the_timer() -> None:
    slow = rule(Limit(high=80, on_delay_s=10))
    clock = ManualClock(NOW_MS)
    before = evaluator(slow)
    before.evaluate(readings((0, 99.0)))
    states = before.take_dirty()
    for how, expected in (("reading", 10), ("timer", 10)):
        after = evaluator(slow, clock=clock)
        after.restore(states)
        if how == "reading":
            assert told(after.evaluate(readings((60, 99.0)))) == [("raised", expected)]
        else:
            assert after.tick() == []
            clock.advance(10)
            assert told(after.tick()) == [("raised", expected)]


def test_states_of_what_is_no_longer_watched_are_named() -> None:
    before = evaluator()
    before.evaluate(readings((0, 99.0)))
    after = evaluator(rule(id="r2"))
    assert [key.rule_id for key in after.restore(before.take_dirty())] == ["r1"]


values = st.lists(st.tuples(st.integers(0, 30), st.integers(60, 95).map(float)), max_size=40)


@given(values, st.integers(1, 40), st.integers(0, 40))
def test_a_crash_anywhere_tells_every_change_once(steps: list[tuple[int, float]], size: int, crash: int) -> None:
    """Whatever was written before a crash, and evaluated again after it, adds up to what one run would have told."""
    watched = rule(Limit(high=80, deadband=5, on_delay_s=3))
    batches = [readings(*steps[at : at + size]) for at in range(0, len(steps), size)]
    whole = evaluator(watched)
    expected = [change for batch in batches for change in told(whole.evaluate(batch))]
    before = evaluator(watched)
    found = [change for batch in batches[:crash] for change in told(before.evaluate(batch))]
    after = restarted(before, watched)
    replay = max(min(crash, len(batches)) - 2, 0)
    found += [change for batch in batches[replay:] for change in told(after.evaluate(batch))]
    assert sorted(found) == sorted(expected)
