"""How long stored frames stay."""

from millwright.devices.telemetry.retention import IntakeRetention


def test_frames_go_when_they_are_old():
    retention = IntakeRetention(seconds=300, most_bytes=1000)
    for second in range(0, 20, 2):
        retention.note(second, 10, second)
    assert retention.find_expired(299) is None
    assert retention.find_expired(304) == 4
    assert retention.find_expired(304) is None
    assert retention.find_expired(1000) == 18


def test_frames_go_when_there_is_too_much():
    retention = IntakeRetention(seconds=300, most_bytes=1000)
    for second in range(0, 40, 2):
        retention.note(second, 100, second)
    assert retention.find_expired(40) == 18  # the ten newest hundreds stay


def test_frames_of_one_second_go_together():
    retention = IntakeRetention(seconds=1, most_bytes=10**9)
    retention.note(1, 10, 0.0)
    retention.note(2, 10, 0.5)
    assert retention.find_expired(1.1) == 2
