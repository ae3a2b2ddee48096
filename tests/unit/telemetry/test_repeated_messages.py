"""MQTT's DUP: a repetition gets the time of the original."""

from millwright.devices.intake import FLAG_ACKNOWLEDGED, FLAG_DUPLICATE, FLAG_REPLAYED
from millwright.devices.telemetry import RepeatMemory
from millwright.devices.telemetry.repeats import owner_key
from support.telemetry import NOW_MS, Bench, readings, run_of

REPEATED = FLAG_ACKNOWLEDGED | FLAG_DUPLICATE


def test_a_repetition_is_the_same_reading():
    bench = Bench()
    bench.send({"t": 1}, {"t": 2}, {"t": 3})
    again = bench.decode(run_of({"t": 2}, {"t": 3}, {"t": 4}, first_packet=2, received_ms=NOW_MS + 900, flags=REPEATED))
    assert [r[1:3] for r in readings(again, ("t",))] == [(NOW_MS + 1, 2), (NOW_MS + 2, 3), (NOW_MS + 900, 4)]
    assert again.counts["messages_repeated"] == 2
    third = bench.decode(run_of({"t": 4}, first_packet=4, received_ms=NOW_MS + 2000, flags=REPEATED))
    assert readings(third, ("t",))[0][1] == NOW_MS + 900


def test_arrays_and_odd_messages_repeat_too():
    bench = Bench()
    first = bench.send([{"t": 1}, {"t": 2}], {"t": 3}, {"s": "x"})
    again = bench.decode(run_of([{"t": 1}, {"t": 2}], {"t": 3}, {"s": "x"}, received_ms=NOW_MS + 900, flags=REPEATED))
    assert sorted(readings(again, ("t", "s"))) == sorted(readings(first, ("t", "s")))


def test_another_device_packet_or_payload_is_no_repetition():
    memory = RepeatMemory()
    memory.remember(owner_key("a"), [1, 2], [b"x", b"y"], [10, 11])
    assert memory.find_times_ms(owner_key("a"), [1, 2], [b"x", b"y"]) == [10, 11]
    assert memory.find_times_ms(owner_key("a"), [2, 1], [b"x", b"y"]) == [None, None]
    assert memory.find_times_ms(owner_key("b"), [1], [b"x"]) == [None]


def test_the_newest_of_equals_counts():
    memory = RepeatMemory()
    for time_ms in (10, 20):
        memory.remember(owner_key("a"), [1], [b"x"], [time_ms])
    assert memory.find_times_ms(owner_key("a"), [1], [b"x"]) == [20]


def test_memory_is_bounded_and_finds_across_chunks():
    memory = RepeatMemory(most=150_000)
    for i in range(5):
        payloads = [b"%d-%d" % (i, n) for n in range(50_000)]
        memory.remember(
            owner_key("a"), [n % 65_535 + 1 for n in range(50_000)], payloads, [i * 50_000 + n for n in range(50_000)]
        )
    assert len(memory) <= 200_000
    assert memory.find_times_ms(owner_key("a"), [8, 8], [b"4-7", b"3-7"]) == [200_007, 150_007]
    assert memory.find_times_ms(owner_key("a"), [8], [b"0-7"]) == [None]


def test_old_messages_are_forgotten():
    memory = RepeatMemory(seconds=1)
    for base in (0, 10_000, 20_000):
        memory.remember(owner_key("a"), [1] * 70_000, [b"%d" % n for n in range(70_000)], [base] * 70_000)
    assert len(memory) == 70_000


def test_a_restart_recalls_what_was_stored():
    from millwright.devices.intake import Frame, encode_frame

    frame = encode_frame(Frame(1, "l", [run_of({"t": 1}, {"t": 2})]))
    bench = Bench()
    bench.decoder.recall(frame)
    bench.decoder.take()
    again = bench.decode(run_of({"t": 2}, first_packet=2, received_ms=NOW_MS + 5000, flags=REPEATED))
    assert readings(again, ("t",)) == [("t", NOW_MS + 1, 2.0, 192)]


def test_a_replayed_dead_letter_keeps_its_time():
    bench = Bench()
    bench.send({"t": 1}, received_ms=NOW_MS + 60_000)
    got = bench.send({"t": 2}, flags=FLAG_REPLAYED)
    assert readings(got, ("t",)) == [("t", NOW_MS, 2.0, 192)]


def test_an_original_that_comes_after_its_repetition_is_the_same_reading():
    bench = Bench()
    bench.decode(run_of({"t": 0}, first_packet=9))
    early = bench.decode(run_of({"t": 1}, {"t": 2}, received_ms=NOW_MS + 900, flags=REPEATED))
    late = [bench.decode(run_of({"t": n}, first_packet=n, received_ms=NOW_MS + 99 + n)) for n in (1, 2)]
    assert [readings(each, ("t",)) for each in late] == [[reading] for reading in readings(early, ("t",))]
    # Equal to a repetition and received after it: a new message under an id that is free again.
    new = bench.decode(run_of({"t": 1}, received_ms=NOW_MS + 2000))
    assert readings(new, ("t",))[0][1] == NOW_MS + 2000


def test_a_frame_that_comes_late_takes_no_time_that_is_given_away():
    bench = Bench()
    given = [bench.send({"t": n}, {"t": n}, received_ms=NOW_MS + at) for n, at in enumerate((0, 3000, 1, 3001))]
    times = [reading[1] for decoded in given for reading in readings(decoded, ("t",))]
    assert len(set(times)) == 8
