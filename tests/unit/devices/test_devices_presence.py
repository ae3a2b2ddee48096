"""Who is online, with a clock that only the test moves."""

from __future__ import annotations

import pytest

from millwright.devices.mqtt.presence import PresenceReport
from millwright.devices.presence import PresenceRow, PresenceTracker
from millwright.kernel import ManualClock


class Listener:
    """Speaks as a listener does."""

    def __init__(self, tracker: PresenceTracker, clock: ManualClock, name: str = "l1") -> None:
        self._tracker, self._clock, self.name, self.sequence = tracker, clock, name, 0

    def say(
        self,
        *connected: str,
        gone: tuple[tuple[str, str], ...] = (),
        snapshot: bool = False,
        at_ms: int | None = None,
        sequence: int | None = None,
    ) -> bool:
        self.sequence += 1
        now_ms = self._clock.now_ms() if at_ms is None else at_ms
        return self._tracker.report(
            PresenceReport(
                self.name,
                self.sequence if sequence is None else sequence,
                now_ms,
                snapshot,
                [(device, now_ms, now_ms) for device in connected],
                [(device, now_ms, reason) for device, reason in gone],
            )
        )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tracker(clock: ManualClock) -> PresenceTracker:
    return PresenceTracker(clock)


@pytest.fixture
def listener(tracker: PresenceTracker, clock: ManualClock) -> Listener:
    return Listener(tracker, clock)


def changes(tracker: PresenceTracker) -> list[tuple[str, bool, str | None]]:
    return [(event.device_id, event.online, event.reason) for event in tracker.take_events()]


def wait(tracker: PresenceTracker, clock: ManualClock, seconds: float) -> None:
    """Let time pass as the worker sees it."""
    while seconds > 0:
        clock.advance(min(1.0, seconds))
        seconds -= 1.0
        tracker.expire()


def test_a_device_connects_and_disconnects(tracker: PresenceTracker, clock: ManualClock, listener: Listener) -> None:
    listener.say("a", "b", snapshot=True)
    came_ms = clock.now_ms()
    clock.advance(1)
    listener.say(gone=(("a", "client closed"),))
    assert changes(tracker) == [("a", True, "connected"), ("b", True, "connected"), ("a", False, "client closed")]
    row = tracker.find("a")
    assert row == PresenceRow("a", False, clock.now_ms(), came_ms, "client closed")
    assert tracker.online == 1


def test_a_killed_listener_loses_its_devices_after_six_seconds(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    listener.say("a", snapshot=True)
    changes(tracker)
    wait(tracker, clock, 5)
    assert changes(tracker) == []
    wait(tracker, clock, 1)
    assert changes(tracker) == [("a", False, "listener_lost")]


def test_a_heartbeat_keeps_devices_online(tracker: PresenceTracker, clock: ManualClock, listener: Listener) -> None:
    listener.say("a", snapshot=True)
    changes(tracker)
    for _ in range(10):
        wait(tracker, clock, 2)
        assert listener.say() is False
    assert changes(tracker) == []


def test_a_device_that_moves_to_another_listener_in_the_window_stays_online(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    listener.say("a", "b", snapshot=True)
    changes(tracker)
    wait(tracker, clock, 4)
    other = Listener(tracker, clock, "l2")
    other.say("a", snapshot=True)
    wait(tracker, clock, 3)
    assert changes(tracker) == [("b", False, "listener_lost")]
    other.say(gone=(("a", "keep_alive"),))
    assert changes(tracker) == [("a", False, "keep_alive")]


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_jump_of_the_wall_clock_makes_nobody_offline(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener, jump_s: float
) -> None:
    listener.say("a", snapshot=True)
    changes(tracker)
    clock.jump(jump_s)
    wait(tracker, clock, 2)
    listener.say()
    wait(tracker, clock, 5)
    assert changes(tracker) == []
    assert tracker.online == 1


def test_history_never_runs_backwards(tracker: PresenceTracker, clock: ManualClock, listener: Listener) -> None:
    listener.say("a", snapshot=True)
    clock.jump(-60)
    listener.say(gone=(("a", "client closed"),))
    first, second = tracker.take_events()
    assert second.at_ms >= first.at_ms


def test_an_overtaken_message_is_passed_over_and_a_gap_asks_for_a_snapshot(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    assert listener.say("a", snapshot=True) is False
    late_ms = clock.now_ms()
    clock.advance(1)
    assert listener.say("c", sequence=3) is True
    assert listener.say("late", sequence=2, at_ms=late_ms) is False
    assert tracker.find("late") is None
    listener.sequence = 3
    assert listener.say("a", "c", "late", snapshot=True) is False
    assert tracker.online == 3


def test_a_snapshot_ends_what_it_does_not_name(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    listener.say("a", "b", snapshot=True)
    changes(tracker)
    clock.advance(1)
    listener.say("b", snapshot=True, gone=(("a", "taken over"),))
    assert changes(tracker) == [("a", False, "taken over")]
    listener.say(snapshot=True)
    assert changes(tracker) == [("b", False, "connection_lost")]


def test_a_restarted_listener_begins_anew(tracker: PresenceTracker, clock: ManualClock, listener: Listener) -> None:
    for _ in range(5):
        listener.say("a", snapshot=True)
    changes(tracker)
    clock.advance(2)
    assert listener.say(sequence=1) is True
    assert listener.say("b", sequence=2, snapshot=True) is False
    assert changes(tracker) == [("b", True, "connected"), ("a", False, "connection_lost")]


def test_a_reconnect_told_in_one_message_is_online(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    listener.say("a", snapshot=True)
    changes(tracker)
    clock.advance(1)
    listener.say("a", gone=(("a", "client closed"),))
    assert changes(tracker) == []
    assert tracker.online == 1


def test_a_pause_of_our_own_is_no_listeners_silence(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    listener.say("a", snapshot=True)
    changes(tracker)
    clock.advance(30)
    tracker.expire()
    assert changes(tracker) == []
    wait(tracker, clock, 6)
    assert changes(tracker) == [("a", False, "listener_lost")]


def test_after_our_own_restart_devices_are_believed_until_listeners_had_time(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    since_ms = clock.now_ms() - 60_000
    tracker.restore([PresenceRow(name, True, since_ms, since_ms, "connected") for name in ("a", "b", "c")])
    wait(tracker, clock, 3)
    tracker.report(PresenceReport("l1", 9, clock.now_ms(), True, [("a", since_ms, since_ms)], []))
    tracker.report(PresenceReport("l1", 10, clock.now_ms(), False, [], [("b", clock.now_ms(), "keep_alive")]))
    assert changes(tracker) == [("b", False, "keep_alive")]
    for sequence in range(11, 16):
        wait(tracker, clock, 2)
        tracker.report(PresenceReport("l1", sequence, clock.now_ms(), False, [], []))
    assert changes(tracker) == [("c", False, "listener_lost")]
    row = tracker.find("a")
    assert row is not None
    assert row.since_ms == since_ms


def test_sparkplug_devices_follow_birth_death_and_their_edge_node(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    tracker.link({"d1": "edge", "d2": "edge"})
    tracker.sparkplug("d1", True, clock.now_ms(), "DBIRTH")
    assert changes(tracker) == []  # the edge node is not known to be connected yet
    listener.say("edge", snapshot=True)
    tracker.sparkplug("d2", True, clock.now_ms(), "DBIRTH")
    assert sorted(changes(tracker)) == [("d1", True, "birth"), ("d2", True, "DBIRTH"), ("edge", True, "connected")]
    clock.advance(1)
    tracker.sparkplug("d1", False, clock.now_ms(), "DDEATH")
    assert changes(tracker) == [("d1", False, "DDEATH")]
    wait(tracker, clock, 6)
    assert changes(tracker) == [("edge", False, "listener_lost"), ("d2", False, "edge_node_offline")]


def test_an_edge_nodes_death_ends_births_before_it_only(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    tracker.link({"d1": "edge", "d2": "edge"})
    listener.say("edge", snapshot=True)
    tracker.sparkplug("d1", True, clock.now_ms(), "DBIRTH")
    died_ms = clock.now_ms() + 1000
    clock.advance(2)
    tracker.sparkplug("d2", True, clock.now_ms(), "DBIRTH")
    changes(tracker)
    tracker.sparkplug("edge", False, died_ms, "NDEATH")
    assert changes(tracker) == [("d1", False, "NDEATH")]


def test_a_birth_read_after_the_edge_node_left_counts_for_nothing(
    tracker: PresenceTracker, clock: ManualClock, listener: Listener
) -> None:
    tracker.link({"d1": "edge"})
    listener.say("edge", snapshot=True)
    born_ms = clock.now_ms()
    clock.advance(1)
    listener.say(gone=(("edge", "keep_alive"),))
    changes(tracker)
    tracker.sparkplug("d1", True, born_ms, "DBIRTH")
    clock.advance(1)
    listener.say("edge")
    assert changes(tracker) == [("edge", True, "connected")]


def test_rows_to_write_are_bounded_and_taken_in_turn(tracker: PresenceTracker, clock: ManualClock) -> None:
    now_ms = clock.now_ms()
    tracker.touch({f"d{n}": now_ms for n in range(10)})
    first = tracker.take_dirty(4)
    assert [row.device_id for row in first] == ["d0", "d1", "d2", "d3"]
    tracker.touch({"d0": now_ms + 1, "d9": now_ms + 1})
    assert [row.device_id for row in tracker.take_dirty(100)] == ["d4", "d5", "d6", "d7", "d8", "d9", "d0"]
    assert tracker.take_dirty(100) == []


def test_a_time_from_the_future_does_not_stay(tracker: PresenceTracker, clock: ManualClock) -> None:
    tracker.touch({"a": clock.now_ms() + 10**12})
    row = tracker.find("a")
    assert row is not None
    assert row.last_seen_ms <= clock.now_ms() + 60_000
    assert row.online is False
