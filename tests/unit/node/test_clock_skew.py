"""How far two clocks are apart, from when one was asked and answered."""

from __future__ import annotations

import pytest

from millwright.app.doctor.clocks import Skew, estimate, judge

T = 1_750_000_000_000.0


def test_the_quickest_answer_decides() -> None:
    samples = [(T, T + 900, T + 800), (T + 1000, T + 1503, T + 1006), (T + 2000, T + 2600, T + 2400)]
    assert estimate(samples) == Skew(500.0, 3.0)


def test_a_clock_of_whole_milliseconds_is_half_of_one_ahead_of_what_it_says() -> None:
    assert estimate([(T + 0.25, T, T + 0.75)], resolution_ms=1.0) == Skew(0.0, 0.75)


@pytest.mark.parametrize(
    ("skew", "state"),
    [
        (Skew(0.4, 0.8), "ok"),
        (Skew(-249, 0), "ok"),
        (Skew(900, 700), "ok"),
        (Skew(-251, 0.5), "warning"),
        (Skew(2001, 0.5), "wrong"),
        (Skew(-90_000, 2), "wrong"),
    ],
)
def test_only_what_exceeds_the_uncertainty_counts(skew: Skew, state: str) -> None:
    found = judge("clock of NATS", "The clock of the NATS server nats://broker:4222", skew)
    assert found.state == state
    assert f"nats://broker:4222 is {skew.ms:+.1f} ms from this machine's" in found.message
    assert bool(found.hint) is (state != "ok")
