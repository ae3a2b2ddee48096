from __future__ import annotations

from millwright.app.supervisor.backoff import Backoff


def test_waits_double_up_to_the_limit() -> None:
    backoff = Backoff(first_s=0.2, most_s=1.0, crash_loop=10)
    assert [backoff.died(now) for now in range(5)] == [0.2, 0.4, 0.8, 1.0, 1.0]


def test_many_deaths_in_a_row_are_a_crash_loop_tried_slowly() -> None:
    backoff = Backoff(slow_s=15, crash_loop=3, window_s=60)
    assert backoff.died(0) < 1
    assert backoff.died(1) < 1
    assert not backoff.looping
    assert backoff.died(2) == 15
    assert backoff.looping
    assert backoff.died(20) == 15


def test_what_ended_for_want_of_another_is_not_held_against_it() -> None:
    backoff = Backoff(first_s=0.2, slow_s=15, crash_loop=3, window_s=60)
    assert [backoff.waited() for _ in range(10)] == [0.2] * 10
    assert not backoff.looping
    assert backoff.died(1) == 0.2


def test_staying_up_for_the_window_forgives() -> None:
    backoff = Backoff(slow_s=15, crash_loop=3, window_s=60)
    for now in range(3):
        backoff.died(now)
    assert backoff.died(63) < 1
    assert not backoff.looping
