"""The parent's time at an edge whose clock is hours ahead, behind, set right meanwhile, or runs free for days."""

from __future__ import annotations

import pytest

from millwright.devices.edge.parent_time import Anchor, ParentTime
from millwright.devices.edge.stamps import StampedIntake
from millwright.devices.intake import Frame, Run, decode_frame, encode_frame
from millwright.kernel import ManualClock

TRUTH_MS = 1_760_000_000_000


def edge(off_s: float) -> tuple[ManualClock, ParentTime]:
    """A machine whose clock is so far off, and that has just heard its parent."""
    clock = ManualClock(TRUTH_MS + round(off_s * 1000))
    time = ParentTime(clock)
    time.anchor = Anchor(TRUTH_MS, clock.monotonic_s())
    return clock, time


@pytest.mark.parametrize("off_s", [7200, -7200, 40 * 86_400, 5.5])
def test_a_clock_that_is_wrong_is_corrected_also_while_the_link_is_cut(off_s: float) -> None:
    clock, time = edge(off_s)
    assert time.now_ms() == TRUTH_MS
    clock.advance(3600)
    assert time.now_ms() == TRUTH_MS + 3_600_000


def test_a_clock_that_is_set_right_while_the_link_is_cut_is_believed_at_once() -> None:
    clock, time = edge(7200)
    clock.jump(-7200)
    assert time.correction_ms() == 0
    clock.jump(-3600)
    assert time.correction_ms() == 3_600_000


def test_a_good_clock_is_believed_more_than_one_that_ran_free_for_days() -> None:
    clock, time = edge(0.2)
    clock.advance(3 * 86_400)
    clock.jump(20)  # the monotonic clock lost so much against a time server
    assert time.correction_ms() == 0
    clock.jump(60)
    assert time.correction_ms() == -80_200


def test_nothing_is_corrected_before_the_parent_was_heard_and_after_a_restart_of_the_machine() -> None:
    clock = ManualClock(TRUTH_MS + 7_200_000)
    time = ParentTime(clock)
    assert not time.known
    assert time.told() is None
    assert time.now_ms() == clock.now_ms()
    time.anchor = Anchor(TRUTH_MS, clock.monotonic_s() + 50)
    assert time.correction_ms() == 0


async def test_what_is_received_gets_the_parents_time_before_it_is_kept() -> None:
    clock, time = edge(-7200)
    heard = ParentTime(clock)
    known = time.told()
    assert known is not None
    await heard.take("", known)

    class Kept:
        frames: list[bytes] = []  # noqa: RUF012

        async def commit(self, frame: bytes, message_id: str) -> None:
            self.frames.append(frame)

    kept = Kept()
    intake = StampedIntake(kept, None, "x", heard)  # type: ignore[arg-type]  # not started, so it asks no broker
    for number, (off_s, payload) in enumerate([(0, b'{"n": 1}'), (3600, b'{"ts": 5, "values": {"n": 2}}')]):
        clock.jump(off_s)
        clock.advance(1)
        run = Run("dev_1", "millwright/v1/telemetry", clock.now_ms(), 0, [payload])
        await intake.commit(encode_frame(Frame(1, "x", [run])), str(number))
    times = [run.received_ms for frame in kept.frames for run in decode_frame(frame).runs]
    assert times == [TRUTH_MS + 1000, TRUTH_MS + 2000]
