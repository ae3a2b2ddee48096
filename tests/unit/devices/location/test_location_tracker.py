"""Entry, dwell and exit from sightings: flicker, several readers, lost readers, late news, wrong clocks."""

from __future__ import annotations

import random

import msgspec
import pytest

from millwright.devices.location.clocks import ReaderClock
from millwright.devices.location.geometry import contains, distance
from millwright.devices.location.layout import ReaderSpec, ZoneSpec, arrange
from millwright.devices.location.sightings import Report, Sighting
from millwright.devices.location.states import Happening, ReaderState, TagState
from millwright.devices.location.tracker import Tracker

T0 = 1_767_225_600_000
GATE = ReaderSpec("gate", "org", silence_ms=60_000)
DOCK = ReaderSpec("dock", "org", silence_ms=60_000)
RTLS = ReaderSpec("rtls", "org", silence_ms=60_000, plan_id="hall")
AT_GATE = ZoneSpec("z-gate", "Gate", "org", antennas=frozenset({("gate", -1)}))
AT_DOCK = ZoneSpec("z-dock", "Dock", "org", antennas=frozenset({("dock", 1), ("dock", 2)}), dwell_ms=30_000)
CELL = ZoneSpec(
    "z-cell", "Cell", "org", plan_id="hall", polygon=((0, 0), (10, 0), (10, 10), (0, 10)), exit_ms=2_000,
    z_max_m=3.0,
)  # fmt: skip


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(arrange([GATE, DOCK, RTLS], [AT_GATE, AT_DOCK, CELL]))


def see(
    tracker: Tracker,
    reader: ReaderSpec,
    at_s: float,
    *tags: str,
    antenna: int = 1,
    rssi: float | None = None,
    **more: float,
) -> None:
    at_ms = T0 + round(at_s * 1000)
    sightings = tuple(Sighting(tag, antenna, rssi_dbm=rssi, **more) for tag in tags)
    tracker.report(reader, Report(sightings, stated_ms=at_ms), at_ms + 20)


def at(tracker: Tracker, x: float, y: float, at_s: float, z: float = 1.0) -> None:
    at_ms = T0 + round(at_s * 1000)
    tracker.report(RTLS, Report((Sighting("AGV", x_m=x, y_m=y, z_m=z),), stated_ms=at_ms), at_ms + 20)


def told(tracker: Tracker) -> list[tuple[str, str | None, str, float]]:
    return [(each.kind, each.tag, each.zone, (each.time_ms - T0) / 1000) for each in tracker.take()[0]]


def test_a_tag_comes_stays_and_leaves(tracker: Tracker) -> None:
    for second in range(40):
        see(tracker, DOCK, second, "A")
    for second in range(40, 60):
        see(tracker, DOCK, second)  # the reader works, and sees nobody
    assert told(tracker) == [("enter", "A", "Dock", 0), ("dwell", "A", "Dock", 30), ("exit", "A", "Dock", 39)]


def test_one_stray_read_is_no_entry(tracker: Tracker) -> None:
    see(tracker, DOCK, 0, "A")
    for second in range(1, 30):
        see(tracker, DOCK, second)
    assert told(tracker) == []
    assert tracker.tags["org", "A"].stays == {}, "and nothing is remembered of it"


def test_a_flickering_read_is_one_stay(tracker: Tracker) -> None:
    for second in range(120):
        see(tracker, GATE, second, *(["A"] if second % 9 in (0, 1) else []))  # 8 s unseen at most, 10 s are needed
    assert told(tracker) == [("enter", "A", "Gate", 0)]


def test_the_stronger_reader_has_a_tag_that_two_see(tracker: Tracker) -> None:
    noise = random.Random(7)
    for tenth in range(600):
        second = tenth / 10
        for_gate, for_dock = (-45, -60) if second < 30 else (-60, -45)
        see(tracker, GATE, second, "A", rssi=for_gate + noise.gauss(0, 3))
        see(tracker, DOCK, second + 0.05, "A", rssi=for_dock + noise.gauss(0, 3))
    events = told(tracker)
    assert [event[:3] for event in events[:3]] == [
        ("enter", "A", "Gate"),
        ("exit", "A", "Gate"),
        ("enter", "A", "Dock"),
    ]
    assert 30 < events[2][3] < 35
    assert events[1][3] <= events[2][3]
    assert [event[0] for event in events[3:]] in ([], ["dwell"])


def test_nobody_leaves_because_the_reader_died(tracker: Tracker) -> None:
    for second in range(5):
        see(tracker, GATE, second, "A")
        see(tracker, DOCK, second)
    told(tracker)
    for second in range(5, 300):
        see(tracker, DOCK, second)
        tracker.tick(T0 + second * 1000)
    assert told(tracker) == [("uncertain", None, "Gate", 4.02)]
    assert "z-gate" in tracker.tags["org", "A"].stays
    see(tracker, GATE, 300)  # it is back; the tag has to be given time to be seen
    see(tracker, GATE, 305)
    assert told(tracker) == [("certain", None, "Gate", 300)]
    see(tracker, GATE, 310.5)
    left = tracker.take()[0]
    assert [(each.kind, each.time_ms - T0, each.certain, each.reason) for each in left] == [
        ("exit", 4000, False, "absent")
    ]


def test_a_tag_that_is_still_there_after_the_reader_came_back_never_left(tracker: Tracker) -> None:
    for second in [*range(5), *range(300, 320)]:
        tracker.tick(T0 + second * 1000 - 1)
        see(tracker, GATE, second, "A")
    assert [event[0] for event in told(tracker)] == ["enter", "uncertain", "certain"]


def test_a_tag_seen_elsewhere_has_left_the_zone_of_a_dead_reader(tracker: Tracker) -> None:
    for second in range(5):
        see(tracker, GATE, second, "A")
    for second in range(100, 104):
        tracker.tick(T0 + second * 1000)
        see(tracker, DOCK, second, "A")
    kinds = [(kind, zone) for kind, _, zone, _ in told(tracker)]
    assert kinds == [("enter", "Gate"), ("uncertain", "Gate"), ("exit", "Gate"), ("enter", "Dock")]


def test_an_antenna_that_is_down_makes_its_zone_uncertain(tracker: Tracker) -> None:
    see(tracker, DOCK, 0, "A")
    see(tracker, DOCK, 1, "A")
    at_ms = T0 + 2000
    tracker.report(DOCK, Report((), at_ms, frozenset({2})), at_ms)
    for second in range(3, 40):
        see(tracker, DOCK, second)
    assert [event[0] for event in told(tracker)] == ["enter", "uncertain"]
    tracker.report(DOCK, Report((), T0 + 40_000, frozenset()), T0 + 40_000)
    assert [event[0] for event in told(tracker)] == ["certain"]
    see(tracker, DOCK, 49)
    assert told(tracker) == []
    see(tracker, DOCK, 51)
    assert [event[0] for event in told(tracker)] == ["exit"]


def test_old_news_of_a_link_that_was_cut_is_told_with_its_own_times(tracker: Tracker) -> None:
    """Nobody else saw the tag meanwhile: the stay is in the past, whole, and so are its times."""
    received_ms = T0 + 3_600_000
    for second in range(30):
        at_ms = T0 + second * 1000
        tags = (Sighting("A", 1),) if second < 12 else ()
        tracker.report(GATE, Report(tags, stated_ms=at_ms), received_ms + second)
    assert told(tracker) == [("enter", "A", "Gate", 0), ("exit", "A", "Gate", 11)]


def test_old_news_changes_nothing_where_newer_is_known(tracker: Tracker) -> None:
    for second in range(1000, 1010):
        see(tracker, DOCK, second, "A")
    told(tracker)
    for second in range(5):
        tracker.report(GATE, Report((Sighting("A", 1),), stated_ms=T0 + second * 1000), T0 + 1_010_000 + second)
    happened, trail = tracker.take()
    assert happened == []
    assert [step.late for step in trail] == [True] * 5
    assert tracker.late == 5


def test_out_of_order_and_repeated_reads_change_nothing(tracker: Tracker) -> None:
    for second in (0, 1, 2, 1, 0, 2, 3, 3, 3):
        see(tracker, GATE, second, "A")
    stay = tracker.tags["org", "A"].stays["z-gate"]
    assert (stay.reads, stay.last_ms - T0) == (4, 3000)


@pytest.mark.parametrize("wrong_s", [-7200, 5, 7200])
def test_a_wrong_clock_is_found_and_corrected(wrong_s: int) -> None:
    clock = ReaderClock()
    for second in range(200):
        received_ms = T0 + second * 1000
        clock.note(received_ms - 30 + wrong_s * 1000, received_ms)
    assert abs(clock.true_ms(T0 + 200_000 + wrong_s * 1000, T0 + 200_030) - (T0 + 200_000)) <= 60


def test_late_news_is_not_taken_for_a_slow_clock() -> None:
    clock = ReaderClock()
    for second in range(200):  # an hour of backlog, ten times as fast as it was made
        clock.note(T0 + second * 10_000, T0 + 3_600_000 + second * 1000)
    assert clock.offset_ms == 0


def test_positions_make_entries_with_a_margin_at_the_border(tracker: Tracker) -> None:
    for tenth in range(20):
        at(tracker, -2 + tenth * 0.2, 5, tenth / 10)
    for tenth in range(20, 100):
        at(tracker, (0.3 if tenth % 2 else -0.3), 5, tenth / 10)  # trembles on the line
    assert [event[:3] for event in told(tracker)] == [("enter", "AGV", "Cell")]
    for tenth in range(100, 160):
        at(tracker, -3, 5, tenth / 10)
    events = told(tracker)
    assert [(event[0], event[2]) for event in events] == [("exit", "Cell")]
    assert 9.8 <= events[0][3] <= 10.5, "it left when it was outside first, not when that was believed"


def test_a_position_nobody_can_have_reached_is_not_believed_at_once(tracker: Tracker) -> None:
    for tenth in range(20):
        at(tracker, 5, 5, tenth / 10)
    at(tracker, 500, 500, 2.0)
    at(tracker, 5, 5, 2.1)
    assert tracker.tags["org", "AGV"].x_m == pytest.approx(5)
    for tenth in range(30, 34):
        at(tracker, 500, 500, tenth / 10)
    assert tracker.tags["org", "AGV"].x_m == pytest.approx(500), "said again and again it is"


def test_a_height_belongs_to_a_zone(tracker: Tracker) -> None:
    for tenth in range(20):
        at(tracker, 5, 5, tenth / 10, z=6.0)
    assert told(tracker) == []


def test_a_zone_that_is_removed_lets_everybody_go(tracker: Tracker) -> None:
    for second in range(3):
        see(tracker, GATE, second, "A")
    told(tracker)
    tracker.rearrange(arrange([GATE, DOCK, RTLS], [AT_DOCK, CELL]))
    left = tracker.take()[0]
    assert [(each.kind, each.zone, each.reason) for each in left] == [("exit", "Gate", "removed")]


@pytest.mark.parametrize("seed", range(5))
def test_it_makes_no_difference_where_the_tracker_was_stopped(seed: int) -> None:
    """State that was kept and recalled at any point leads to the same events."""
    chance = random.Random(seed)
    layout = arrange([GATE, DOCK], [AT_GATE, AT_DOCK])
    script = []
    at_s = 0.0
    for _ in range(400):
        at_s += chance.choice((0.2, 1.0, 1.0, 4.0, 30.0, 90.0))
        tags = tuple(tag for tag in "ABC" if chance.random() < 0.6)
        script.append((chance.choice((GATE, DOCK)), at_s, tags, chance.uniform(-70, -40)))
    whole = Tracker(layout)
    expected: list[Happening] = []
    for reader, when, tags, rssi in script:
        see(whole, reader, when, *tags, rssi=rssi)
        whole.tick(T0 + round(when * 1000))
        expected += whole.take()[0]
    broken = Tracker(layout)
    found: list[Happening] = []
    for reader, when, tags, rssi in script:
        see(broken, reader, when, *tags, rssi=rssi)
        broken.tick(T0 + round(when * 1000))
        found += broken.take()[0]
        if chance.random() < 0.2:
            kept = [msgspec.msgpack.decode(msgspec.msgpack.encode(tag), type=TagState) for tag in broken.tags.values()]
            readers = {
                key: msgspec.json.decode(msgspec.json.encode(state), type=ReaderState)
                for key, state in broken.readers.items()
            }
            broken = Tracker(layout)
            broken.recall(kept, readers)
    assert expected
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_an_organisation_that_is_full_is_followed_as_far_as_it_is() -> None:
    other = ReaderSpec("other", "mill", silence_ms=60_000)
    tracker = Tracker(arrange([GATE, other], [AT_GATE]), most_tags=2)
    see(tracker, GATE, 0, "A", "B", "C", "D")
    see(tracker, other, 0, "C")
    see(tracker, GATE, 1, "A", "C")
    assert set(tracker.tags) == {("org", "A"), ("org", "B"), ("mill", "C")}
    assert (tracker.unfollowed, list(tracker.full)) == (3, ["org"])
    tracker.forget(("org", "B"))
    see(tracker, GATE, 2, "C")
    assert ("org", "C") in tracker.tags
    again = Tracker(tracker.layout, most_tags=2)
    again.recall(tracker.tags.values(), {})
    see(again, GATE, 3, "E")
    assert again.unfollowed == 1


def test_the_box_around_an_area_decides_nothing_but_sooner() -> None:
    chance = random.Random(4)
    for _ in range(300):
        corners = tuple((chance.uniform(0, 10), chance.uniform(0, 10)) for _ in range(chance.randint(3, 7)))
        zone = ZoneSpec("z", "Z", "org", plan_id="hall", polygon=corners, margin_m=chance.uniform(0, 2))
        for _ in range(30):
            x, y = chance.uniform(-3, 13), chance.uniform(-3, 13)
            inside = contains(corners, x, y)
            assert zone.holds(x, y, None) == inside
            assert zone.is_left(x, y, None) == (not inside and distance(corners, x, y) > zone.margin_m)
