"""JSON telemetry: every accepted form, every odd case."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.telemetry import REASONS, DeclaredProperty, KnownDevice, TelemetrySettings
from millwright.historian import BAD, BOOLEAN, GOOD, NUMBER, TEXT, UNCERTAIN
from support.telemetry import NOW_MS, Bench, Plant, readings, reasons, run_of


def test_a_flat_message_takes_the_receive_time():
    got = readings(Bench().send({"t": 20.5, "n": 3}), ("t", "n"))
    assert got == [("t", NOW_MS, 20.5, GOOD), ("n", NOW_MS, 3.0, GOOD)]


@pytest.mark.parametrize("key", ["ts", "time"])
def test_an_envelope_states_its_time(key):
    bench = Bench()
    for _ in range(2):  # the second time by the cached shape
        assert readings(bench.send({key: NOW_MS - 5, "values": {"t": 1}}), ("t",)) == [("t", NOW_MS - 5, 1.0, GOOD)]


def test_a_time_may_be_iso_8601():
    sent = {"time": "2025-06-15T15:06:40.250+00:00", "values": {"t": 1}}
    assert readings(Bench().send(sent), ("t",)) == [("t", NOW_MS + 250, 1.0, GOOD)]
    naive = {"time": "2025-06-15T15:06:40", "values": {"t": 1}}
    assert readings(Bench().send(naive), ("t",)) == [("t", NOW_MS, 1.0, GOOD)]


@pytest.mark.parametrize(
    "stated",
    [NOW_MS // 1000, 0, -1, NOW_MS + 86_400_001, "yesterday", True, 1e300, {"a": 1}],
    ids=["seconds", "epoch", "negative", "future", "words", "boolean", "huge", "object"],
)
def test_an_implausible_time_is_replaced_and_said(stated):
    decoded = Bench().send({"ts": stated, "values": {"t": 1}})
    assert readings(decoded, ("t",)) == [("t", NOW_MS, 1.0, UNCERTAIN)]
    assert decoded.counts["times_replaced"] == 1


def test_a_clock_that_jumps_loses_nothing():
    bench = Bench()
    stated = [NOW_MS, NOW_MS - 3_600_000, NOW_MS + 3_600_000, NOW_MS + 40 * 86_400_000, 12_000]
    got = [
        readings(bench.send({"ts": ts, "values": {"t": i}}, received_ms=NOW_MS + i), ("t",))[0]
        for i, ts in enumerate(stated)
    ]
    assert [row[2] for row in got] == [0, 1, 2, 3, 4]
    assert [row[1] for row in got] == [*stated[:3], NOW_MS + 3, NOW_MS + 4]
    assert [row[3] for row in got] == [GOOD, GOOD, GOOD, UNCERTAIN, UNCERTAIN]


def test_messages_of_one_millisecond_stay_apart():
    bench = Bench()
    first = readings(bench.send({"t": 1}, {"t": 2}, [{"t": 3}, {"t": 4}], {"t": 5}), ("t",))
    assert sorted((r[1] - NOW_MS, r[2]) for r in first) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert readings(bench.send({"t": 6}, received_ms=NOW_MS + 2), ("t",)) == [("t", NOW_MS + 5, 6.0, GOOD)]
    assert readings(bench.send({"t": 7}, received_ms=NOW_MS + 100), ("t",)) == [("t", NOW_MS + 100, 7.0, GOOD)]


def test_receive_times_follow_a_listener_whose_clock_is_set_back():
    bench = Bench()
    bench.send({"t": 1}, received_ms=NOW_MS)
    got = readings(bench.send({"t": 2}, received_ms=NOW_MS - 3_600_000), ("t",))
    assert got == [("t", NOW_MS - 3_600_000, 2.0, GOOD)]


def test_a_flood_without_times_becomes_dead_letters_instead_of_lies():
    bench = Bench()
    bench.send(*[{"t": i} for i in range(10_002)])
    flood = bench.send({"t": 1}, {"ts": NOW_MS, "values": {"t": 2}})
    assert reasons(flood) == ["telemetry.too_fast_without_time"]
    assert readings(flood, ("t",)) == [("t", NOW_MS, 2.0, GOOD)]
    assert len(bench.send({"t": 1}, received_ms=NOW_MS + 20_000).batch) == 1


def test_booleans_texts_and_null():
    decoded = Bench().send({"on": True, "state": "läuft", "t": None, "n": 2})
    assert readings(decoded, ("on", "state", "t", "n")) == [
        ("on", NOW_MS, True, GOOD),
        ("state", NOW_MS, "läuft", GOOD),
        ("t", NOW_MS, None, BAD),
        ("n", NOW_MS, 2.0, GOOD),
    ]
    assert decoded.counts["points_bad"] == 1


def test_a_shape_learned_as_numbers_may_carry_anything_later():
    bench = Bench()
    odd = [{"a": 1, "b": 2}, {"a": True, "b": 3}, {"a": "x", "b": 4}, {"a": None, "b": 5}, {"a": [6], "b": {"c": 7}}]
    for _ in range(2):
        got = readings(bench.send(*odd), ("a", "b", "a.0", "b.c"))
        start = got[0][1]
        assert sorted(((r[1] - start, *r) for r in got), key=lambda row: (row[0], row[1])) == [
            (0, "a", start, 1.0, GOOD),
            (0, "b", start, 2.0, GOOD),
            (1, "a", start + 1, True, GOOD),
            (1, "b", start + 1, 3.0, GOOD),
            (2, "a", start + 2, "x", GOOD),
            (2, "b", start + 2, 4.0, GOOD),
            (3, "a", start + 3, None, BAD),
            (3, "b", start + 3, 5.0, GOOD),
            (4, "a.0", start + 4, 6.0, GOOD),
            (4, "b.c", start + 4, 7.0, GOOD),
        ]


def test_an_odd_message_does_not_disturb_its_frame():
    bench = Bench(Plant(KnownDevice("pump"), KnownDevice("fan")))
    numbers = run_of({"a": 1}, {"a": 2})
    bench.decode(numbers)
    decoded = bench.decode(
        run_of({"a": 3}, {"a": "odd"}, {"a": 5}, b"{", received_ms=NOW_MS + 10),
        run_of({"a": 9}, device="fan", received_ms=NOW_MS + 10),
    )
    assert [row[2] for row in readings_of_both(decoded)] == [3, 9, "odd", 5]
    assert reasons(decoded) == ["telemetry.not_json"]


def readings_of_both(decoded):
    fan = np.isin(decoded.batch.series, [info.series for info in decoded.new_series if info.device_id == "fan"])
    assert fan.sum() == 1
    return sorted(
        (("", int(t), decoded.batch.value(i)) for i, t in enumerate(decoded.batch.time_ms)),
        key=lambda row: (row[1], str(row[2])),
    )


def test_nesting_flattens_with_dots_and_indexes():
    decoded = Bench().send({"motor": {"speed": 5, "phase": [1, {"v": 2}]}, "empty": {}, "none": []})
    assert [(r[0], r[2]) for r in readings(decoded, ("motor.speed", "motor.phase.0", "motor.phase.1.v"))] == [
        ("motor.speed", 5), ("motor.phase.0", 1), ("motor.phase.1.v", 2),
    ]  # fmt: skip


def test_qualities_are_opc_or_words():
    sent = {
        "time": NOW_MS,
        "values": {"a": 1, "b": 2, "c": 3, "d": 4},
        "quality": {"a": "bad", "b": 64, "c": 216, "d": "doubtful"},
    }
    assert [r[3] for r in readings(Bench().send(sent), ("a", "b", "c", "d"))] == [BAD, UNCERTAIN, GOOD, UNCERTAIN]
    assert readings(Bench().send({"values": {"a": 1}, "quality": "bad"}), ("a",))[0][3] == BAD


def test_the_model_marks_and_never_drops():
    plant = Plant()
    plant.declare(
        "pump",
        DeclaredProperty("t", minimum=0, maximum=100, unit="Cel"),
        DeclaredProperty("n", type="integer"),
        DeclaredProperty("on", type="boolean"),
    )
    bench = Bench(plant)
    first = bench.send({"t": 20, "n": 1, "on": 5, "extra": 1})
    second = bench.send({"t": 100.1, "n": 1.5, "on": True, "extra": "x"}, received_ms=NOW_MS + 1)
    names = ("t", "n", "on", "extra")
    assert [(r[2], r[3]) for r in readings(first, names)] == [(20, GOOD), (1, GOOD), (5, UNCERTAIN), (1, GOOD)]
    assert [(r[2], r[3]) for r in readings(second, names)] == [
        (100.1, UNCERTAIN), (1.5, UNCERTAIN), (True, GOOD), ("x", GOOD),
    ]  # fmt: skip
    known = {info.property: (info.known, info.unit, info.kind) for info in first.new_series}
    assert known == {
        "t": (True, "Cel", NUMBER),
        "n": (True, None, NUMBER),
        "on": (True, None, NUMBER),
        "extra": (False, None, NUMBER),
    }
    assert {(i.property, i.kind) for i in second.new_series} == {("on", BOOLEAN), ("extra", TEXT)}
    assert second.counts["points_uncertain"] == 2


def test_limits_hold_on_the_fast_path():
    plant = Plant()
    plant.declare("pump", DeclaredProperty("t", maximum=10), DeclaredProperty("n", type="integer"))
    bench = Bench(plant)
    bench.send({"t": 1, "n": 1})
    got = bench.send({"t": 9, "n": 2}, {"t": 11, "n": 2}, {"t": 9, "n": 2.5}, received_ms=NOW_MS + 50)
    assert [r[3] for r in readings(got, ("t", "n"))] == [GOOD, GOOD, UNCERTAIN, GOOD, GOOD, UNCERTAIN]


def test_a_changed_model_is_learned_anew():
    bench = Bench()
    bench.send({"t": 50})
    bench.plant.declare("pump", DeclaredProperty("t", maximum=10, unit="Cel"))
    again = bench.send({"t": 50})
    assert readings(again, ("t",))[0][3] == UNCERTAIN
    assert [(i.known, i.unit) for i in again.new_series] == [(True, "Cel")]


def test_integers_beyond_2_53_are_uncertain_only_when_they_lose_digits():
    bench = Bench()
    for _ in range(2):
        got = readings(bench.send({"a": 2**53 + 1, "b": 2**60, "c": 1e300}), ("a", "b", "c"))
        assert [(r[2], r[3]) for r in got] == [(2.0**53, UNCERTAIN), (2.0**60, GOOD), (1e300, GOOD)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "telemetry.empty_payload"),
        (b"\xff\xfe{", "telemetry.not_utf8"),
        (b'{"t": NaN}', "telemetry.not_json"),
        (b'{"t": Infinity}', "telemetry.not_json"),
        (b'{"t": 1e999}', "telemetry.not_json"),
        (b'{"t": 1', "telemetry.not_json"),
        (b"\x1f\x8b\x08\x00", "telemetry.not_utf8"),
        (b"7", "telemetry.not_an_object"),
        (b"null", "telemetry.not_an_object"),
        (b'[{"t": 1}, 2]', "telemetry.not_an_object"),
        (b'{"":1}', "telemetry.property_name"),
        (b'{"a\\u0000":1}', "telemetry.property_name"),
        (orjson.dumps({"x" * 257: 1}), "telemetry.property_name"),
        (orjson.dumps({str(i): 1 for i in range(2001)}), "telemetry.too_many_properties"),
        (orjson.dumps([{"t": i} for i in range(2001)]), "telemetry.too_many_properties"),
        (orjson.dumps({"t": "x" * 8193}), "telemetry.text_too_long"),
        (b'{"a":' * 20 + b"1" + b"}" * 20, "telemetry.too_deep"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "telemetry.not_json"),
    ],
)
def test_what_cannot_be_read_is_kept_whole(payload, reason):
    decoded = Bench().send(payload)
    assert reasons(decoded) == [reason]
    assert reason in REASONS
    letter = decoded.dead_letters[0]
    assert (letter.device_id, letter.payload, letter.received_ms) == ("pump", payload, NOW_MS)
    assert len(decoded.batch) == 0


def test_a_byte_order_mark_is_skipped():
    assert readings(Bench().send(b'\xef\xbb\xbf{"t":1}'), ("t",)) == [("t", NOW_MS, 1.0, GOOD)]


def test_of_a_repeated_key_the_last_counts():
    assert readings(Bench().send(b'{"t":1,"t":2}'), ("t",)) == [("t", NOW_MS, 2.0, GOOD)]


def test_an_empty_object_holds_nothing():
    decoded = Bench().send({}, {})
    assert len(decoded.batch) == 0
    assert not decoded.dead_letters


def test_a_device_has_a_bounded_number_of_properties():
    bench = Bench(settings=TelemetrySettings(device_properties=3))
    assert len(bench.send({"a": 1, "b": 2}).batch) == 2
    over = bench.send({"a": 1, "c": 3, "d": 4})
    assert reasons(over) == ["telemetry.device_property_limit"]
    assert len(over.batch) == 0
    assert len(bench.send({"a": 1, "b": 2}).batch) == 2


def test_many_shapes_stay_correct():
    bench = Bench()
    for i in range(1500):
        got = readings(bench.send({f"p{i % 700}": i, "t": True}, received_ms=NOW_MS + i), (f"p{i % 700}", "t"))
        assert [r[2] for r in got] == [i, True]


def test_strangers_and_foreign_topics_are_kept():
    bench = Bench()
    decoded = bench.decode(run_of({"t": 1}, device="ghost"), run_of({"t": 1}, topic="a/b"), run_of({"t": 2}))
    assert reasons(decoded) == ["telemetry.device_unknown", "telemetry.topic_unknown"]
    assert len(decoded.batch) == 1


def test_a_damaged_frame_is_a_dead_letter():
    bench = Bench()
    bench.decoder.decode(b"\x00\x01garbage", 1, NOW_MS)
    decoded = bench.decoder.take()
    assert reasons(decoded) == ["telemetry.frame_unreadable"]
    assert decoded.dead_letters[0].payload == b"\x00\x01garbage"


def test_last_seen_is_the_newest_reception():
    decoded = Bench().decode(run_of({"t": 1}, received_ms=NOW_MS + 5), run_of(b"{", received_ms=NOW_MS))
    assert decoded.last_seen == {"pump": NOW_MS + 5}


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
names = st.text(st.characters(exclude_characters=".\0", codec="utf-8"), min_size=1, max_size=8).filter(
    lambda name: name not in {"values", "ts", "time", "quality"}
)


@given(st.lists(st.dictionaries(names, scalars, max_size=5), min_size=1, max_size=8))
def test_every_value_sent_comes_out_once(messages):
    bench = Bench()
    expected = [
        (name, NOW_MS + at, float(value) if isinstance(value, int) and not isinstance(value, bool) else value)
        for at, message in enumerate(messages)
        for name, value in message.items()
    ]
    got = readings(bench.send(*messages), tuple({name for name, _, _ in expected}))
    assert sorted(map(repr, (row[:3] for row in got))) == sorted(map(repr, expected))
