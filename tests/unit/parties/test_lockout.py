import pytest

from millwright.kernel import LimitExceeded, ManualClock
from millwright.parties.lockout import Lockout


def fail(lockout: Lockout, times: int, name: str = "anna", address: str = "10.0.0.1") -> None:
    for _ in range(times):
        lockout.charge(name, address)


def test_the_fifth_failure_makes_the_next_attempt_wait_and_waits_double() -> None:
    clock = ManualClock()
    lockout = Lockout(clock)
    fail(lockout, 5)
    waits = []
    for _ in range(8):
        with pytest.raises(LimitExceeded) as caught:
            lockout.charge("anna", "10.0.0.1")
        assert caught.value.retry_after_s is not None
        waits.append(caught.value.retry_after_s)
        clock.advance(caught.value.retry_after_s)
        lockout.charge("anna", "10.0.0.1")
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_stranger_elsewhere_cannot_lock_somebody_out() -> None:
    lockout = Lockout(ManualClock())
    fail(lockout, 5, address="203.0.113.9")
    lockout.charge("anna", "10.0.0.1")


def test_one_address_that_tries_many_names_is_slowed() -> None:
    lockout = Lockout(ManualClock())
    for number in range(30):
        lockout.charge(f"person {number}", "203.0.113.9")
    with pytest.raises(LimitExceeded):
        lockout.charge("somebody else", "203.0.113.9")
    lockout.charge("somebody else", "10.0.0.1")


def test_many_addresses_that_try_one_name_are_slowed_together() -> None:
    lockout = Lockout(ManualClock())
    for number in range(100):
        lockout.charge("anna", f"203.0.113.{number}")
    with pytest.raises(LimitExceeded):
        lockout.charge("anna", "198.51.100.1")
    lockout.charge("bob", "198.51.100.1")


def test_a_known_browser_is_touched_by_no_stranger() -> None:
    clock = ManualClock()
    lockout = Lockout(clock)
    fail(lockout, 5)  # from the very address of the owner
    for number in range(95):
        lockout.charge("anna", f"203.0.113.{number}")
    with pytest.raises(LimitExceeded):
        lockout.charge("anna", "198.51.100.1")
    for _ in range(20):
        lockout.charge("anna", "10.0.0.1", "bro_1")
        lockout.refund("anna", "10.0.0.1", "bro_1")


def test_a_stolen_browsers_cookie_gives_ten_guesses() -> None:
    lockout = Lockout(ManualClock())
    for _ in range(10):
        lockout.charge("anna", "203.0.113.9", "bro_1")
    with pytest.raises(LimitExceeded):
        lockout.charge("anna", "203.0.113.10", "bro_1")


def test_the_right_password_forgets_the_failures() -> None:
    lockout = Lockout(ManualClock())
    for _ in range(10):
        fail(lockout, 4)
        lockout.charge("anna", "10.0.0.1")
        lockout.refund("anna", "10.0.0.1")


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    clock = ManualClock()
    lockout = Lockout(clock)
    fail(lockout, 4)
    clock.advance(901)
    fail(lockout, 4)


def test_many_names_do_not_fill_the_memory() -> None:
    lockout = Lockout(ManualClock())
    for number in range(20_000):
        lockout.charge(f"person {number}", f"10.0.{number // 250}.{number % 250}")
    assert len(lockout._counts) <= 10_000
