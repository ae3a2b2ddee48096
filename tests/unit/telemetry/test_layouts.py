"""Messages of a known layout: read the quick way, they give what the general way gives."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE
from millwright.devices.telemetry import DeclaredProperty, KnownDevice
from millwright.devices.telemetry.layouts import Layout
from millwright.historian import BAD, BOOLEAN, GOOD, UNCERTAIN
from support.telemetry import NOW_MS, Bench, Plant, readings, reasons, run_of

NAMES = ("a", "b")


def practised(*messages: object, plant: Plant | None = None) -> Bench:
    """A bench whose device is known for the layouts of ``messages``."""
    bench = Bench(plant)
    for _ in range(8):
        for message in messages:
            bench.send(message, received_ms=NOW_MS - 3_600_000)
    return bench


@pytest.fixture
def quick(monkeypatch):
    """Counts the messages that were read the quick way."""
    taken = []
    read = Layout.read

    def counting(self, payloads, latest_ms):
        found = read(self, payloads, latest_ms)
        if found is not None:
            taken.extend(payloads)
        return found

    monkeypatch.setattr(Layout, "read", counting)
    return taken


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**64 - 1),
    st.booleans(),
    st.none(),
    st.text(max_size=3),
)
TIMES = st.one_of(st.integers(NOW_MS - 10, NOW_MS + 10), st.sampled_from([0, NOW_MS + 86_400_000, NOW_MS + 86_400_001]))
FLAT = st.dictionaries(st.sampled_from(["a", "b", 'q"', "\u00e9"]), VALUES, max_size=4)
MESSAGES = st.one_of(
    FLAT, st.builds(lambda ts, values: {"ts": ts, "values": values}, TIMES, FLAT), st.binary(max_size=6)
)


@settings(max_examples=150, deadline=None)
@given(sent=st.lists(MESSAGES, max_size=6))
def test_a_practised_device_gives_what_a_new_one_gives(sent):
    layouts = ({"a": 1.5, "b": 2}, {"ts": NOW_MS, "values": {"b": 1, "a": 2}}, {"a": True, "b": 0.5})
    practised_bench, new = practised(*layouts), Bench()
    names = ("a", "b", 'q"', "\u00e9")
    ours, theirs = practised_bench.send(*sent), new.send(*sent)
    assert sorted(map(repr, readings(ours, names))) == sorted(map(repr, readings(theirs, names)))
    assert reasons(ours) == reasons(theirs)
    assert ours.batch.kind.tolist().count(BOOLEAN) == theirs.batch.kind.tolist().count(BOOLEAN)


def test_usual_messages_are_read_the_quick_way(quick):
    bench = practised({"a": 1, "b": 2}, {"ts": NOW_MS - 7_200_000, "values": {"a": 1}})
    quick.clear()
    bench.send({"a": 3, "b": 4}, {"a": 5, "b": 6})
    bench.send({"ts": NOW_MS, "values": {"a": 1}})
    bench.send({"a": 7, "b": 8}, {"ts": NOW_MS + 1, "values": {"a": 2}})
    assert len(quick) == 5


def test_what_a_double_cannot_hold_goes_the_general_way(quick):
    bench = practised({"a": 1, "b": 2})
    quick.clear()
    exact, beyond = 2**53 - 1, 2**53 + 1
    got = readings(bench.send({"a": exact, "b": beyond}, {"a": -exact, "b": 1e300}), NAMES)
    assert [(row[2], row[3]) for row in got] == [
        (float(exact), GOOD), (float(beyond), UNCERTAIN), (float(-exact), GOOD), (1e300, GOOD)
    ]  # fmt: skip
    assert not quick


def test_limits_of_a_model_hold_on_the_quick_way(quick):
    plant = Plant()
    plant.declare("pump", DeclaredProperty("a", minimum=0, maximum=10), DeclaredProperty("b", type="integer"))
    bench = practised({"a": 1, "b": 2}, plant=plant)
    quick.clear()
    got = readings(bench.send({"a": 11, "b": 1}, {"a": 10, "b": 1.5}), NAMES)
    assert [row[3] for row in got] == [UNCERTAIN, GOOD, GOOD, UNCERTAIN]
    assert len(quick) == 2


def test_one_odd_message_in_a_run_leaves_the_others_as_they_are():
    bench = practised({"a": 1, "b": 2})
    decoded = bench.send({"a": 1, "b": 2}, {"a": None, "b": 3}, b"{", {"a": 4, "b": 5})
    assert sorted(readings(decoded, NAMES), key=lambda row: (row[1], row[0])) == [
        ("a", NOW_MS, 1.0, GOOD), ("b", NOW_MS, 2.0, GOOD),
        ("a", NOW_MS + 1, None, BAD), ("b", NOW_MS + 1, 3.0, GOOD),
        ("a", NOW_MS + 3, 4.0, GOOD), ("b", NOW_MS + 3, 5.0, GOOD),
    ]  # fmt: skip
    assert reasons(decoded) == ["telemetry.not_json"]


def test_a_repeated_message_keeps_the_time_of_the_quick_one():
    bench = practised({"a": 1, "b": 2})
    first = bench.send({"a": 5, "b": 6}, received_ms=NOW_MS)
    again = bench.send({"a": 5, "b": 6}, received_ms=NOW_MS + 900, flags=FLAG_ACKNOWLEDGED | FLAG_DUPLICATE)
    assert readings(first, NAMES) == readings(again, NAMES)


def test_devices_share_readers_and_keep_their_series():
    plant = Plant(KnownDevice("pump"), KnownDevice("fan"))
    bench = practised({"a": 1}, plant=plant)
    for number in range(8):
        decoded = bench.decode(run_of({"a": number}, device="fan", received_ms=NOW_MS + number))
        assert readings(decoded, ("a",), "fan") == [("a", NOW_MS + number, float(number), GOOD)]


def test_names_in_another_order_are_the_same_properties():
    bench = practised({"a": 1, "b": 2})
    assert sorted(readings(bench.send(orjson.dumps({"b": 7, "a": 8})), NAMES)) == [
        ("a", NOW_MS, 8.0, GOOD), ("b", NOW_MS, 7.0, GOOD)
    ]  # fmt: skip
