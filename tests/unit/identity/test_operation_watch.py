"""What a process counts on the way of an answer: exactly, in bounded memory, and without crying wolf."""

from __future__ import annotations

import random
from typing import Any

from millwright.identity.operation.abnormal import abnormal
from millwright.identity.operation.model import Candidate, Interface, Told
from millwright.identity.operation.settings import MonitoringSettings
from millwright.identity.operation.sketches import BUCKETS
from millwright.identity.operation.watch import TIMED, Watch, network_of
from millwright.kernel import ManualClock

GTIN = b"GS1/01/09506000134352"


def watched(clock: ManualClock | None = None, **settings: Any) -> Watch:
    return Watch(MonitoringSettings(**settings), clock or ManualClock(), "web", lambda name: name == GTIN)


def quick(watch: Watch, name: bytes, address: str, interface: Interface = "udp") -> None:
    """As the quick ways do it."""
    watch.lanes[interface].hit(name, address)


def found(*told: Told, **settings: Any) -> list[Candidate]:
    return list(abnormal(told, MonitoringSettings(**settings), 1))


def address(number: int) -> str:
    return f"10.{number // 250 % 250}.{number % 250}.7"


def test_every_question_is_counted_once_by_interface_and_outcome() -> None:
    watch = watched()
    for each in range(1000):
        quick(watch, b"88.1/%d" % (each % 3), "192.0.2.1")
    watch.count("rest", "handle_not_found", b"88.1/none", "192.0.2.1", 0.001)
    watch.count("rest", "success", b"88.1/1", "192.0.2.1", 0.001)
    watch.tick("udp", "limited", 5)
    told = watch.take()
    assert {(each, outcome): count for each, outcome, count in told.counts} == {
        ("udp", "success"): 1000,
        ("udp", "limited"): 5,
        ("rest", "success"): 1,
        ("rest", "handle_not_found"): 1,
    }
    assert dict(told.names) == {"88.1/0": 334, "88.1/1": 334, "88.1/2": 333}
    assert {(each[0], each[1], sum(each[2])) for each in told.latencies} == {
        ("rest", "success", 1),
        ("rest", "handle_not_found", 1),
    }
    assert watch.take().counts == ()


def test_every_answer_is_counted_for_whose_name_it_is() -> None:
    clock = ManualClock()
    watch = watched(clock)
    for second in range(2):
        for each in range(30_000):
            quick(watch, b"88.%d/%d" % (each % 3, each), "192.0.2.1", "udp" if each % 2 else "rest")
        for each in range(10):
            watch.count("link", "success", GTIN + b"/21/%d" % each, "192.0.2.1")
            watch.count("rest", "handle_not_found", b"88.1/none", "192.0.2.1")
            watch.count("recursion", "success", b"77.1/x", "192.0.2.1")
        watch.count("page", "success", b"OID/1.2.156.3", "192.0.2.1")
        watch.count("udp", "success", b"0.NA/88.1", "192.0.2.1")
        clock.advance(1)
        told = watch.take()
        assert dict(told.served) == {
            b"88.0": 10_000, b"88.1": 10_000, b"88.2": 10_000, GTIN: 10, b"OID/1.2.156.3": 1, b"0.NA/88.1": 1,
        }, second  # fmt: skip
    assert watch.take().served == ()
    for each in range(60_000):
        quick(watch, b"OID/1.2.156.%d" % each, "192.0.2.1")
    assert (len(watch.take().served), watch.unattributed) == (50_000, 10_000)


def test_a_fast_stream_is_looked_at_in_part_and_stands_for_the_whole() -> None:
    clock = ManualClock()
    watch = watched(clock)
    chosen = random.Random(1)
    for second in range(2):
        for _ in range(60_000):
            quick(watch, b"88.1/%d" % chosen.choice((0, 0, 0, 1)), "192.0.2.1")
        clock.advance(1)
        told = watch.take()
        assert told.counts == (("udp", "success", 60_000),)
        assert watch.lanes["udp"].stride == 60
        if second:
            continue
        clock.advance(60)
        watch.take()
        watch.lanes["udp"].stride = 60
    names = dict(told.names)
    assert abs(names["88.1/0"] - 45_000) < 6_000
    assert abs(names["88.1/1"] - 15_000) < 6_000


def test_a_lane_times_one_for_many() -> None:
    watch = watched()
    watch.lanes["tcp"].time(0.0001)
    (_, _, counts), *_ = watch.take().latencies
    assert (len(counts), sum(counts)) == (BUCKETS, TIMED)


def test_addresses_are_kept_as_networks() -> None:
    assert network_of("192.0.2.77") == "192.0.2.0/24"
    assert network_of("::ffff:192.0.2.77") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2:3:4:5:6%eth0") == "2001:db8:1:2::/64"
    assert network_of("") == network_of("a name") == "?"


def test_memory_does_not_grow_with_names_sources_or_kinds() -> None:
    watch = watched()
    for each in range(30_000):
        name = b"GS1/01/%014d/21/%d" % (each, each)
        watch.count("link", "success" if each % 2 else "handle_not_found", name, address(each), 0.001)
        watch.count("udp", "success", b"88.1/%d" % each, f"2001:db8:{each:x}::1", 0.001)
    assert len(watch._names) <= 1024
    assert len(watch._sources) <= 4_000
    assert len(watch._kinds) <= 4_500
    told = watch.take()
    assert told.forgotten > 10_000
    assert len(told.names) <= 100


def test_a_busy_day_of_ten_thousand_clients_is_nothing_abnormal() -> None:
    """Names by Zipf's law, 2 of 100 mistyped; things with a serial number scanned by whoever has one."""
    clock, chosen = ManualClock(), random.Random(11)
    watch = watched(clock)
    names = [b"88.118.8/pump-%d" % each for each in range(5_000)]
    weights = [1 / (each + 1) for each in range(len(names))]
    seen: list[Candidate] = []
    for _ in range(12):
        for name in chosen.choices(names, weights=weights, k=10_000):
            client = address(chosen.randrange(10_000))
            if chosen.random() < 0.02:
                watch.count("rest", "handle_not_found", name + b"x", client, 0.001)
            else:
                quick(watch, name, client, chosen.choice(("udp", "tcp", "rest")))
        for _ in range(2_000):
            thing = chosen.randrange(3_000)
            watch.count("link", "success", GTIN + b"/21/%d" % thing, address(thing * 3 + chosen.randrange(2)), 0.001)
        clock.advance(300)
        seen += found(watch.take())
    assert seen == []


def test_who_counts_up_is_found_beside_normal_questions_and_over_two_processes() -> None:
    first, second = watched(), watched()
    for each in range(150):
        for watch in (first, second):
            quick(watch, b"88.1/pump-%06d" % (2 * each + (watch is second)), "203.0.113.9")
            quick(watch, b"88.1/pump-%06d" % (each * 7919 % 99_991), address(each))
    told = first.take(), second.take()
    (candidate,) = found(*told)
    assert (candidate.kind, candidate.subject) == ("enumeration", "203.0.113.0/24")
    evidence = candidate.evidence
    assert (evidence["run"], evidence["asked"], evidence["interfaces"]) == (150, 300, ["udp"])
    assert abs(evidence["names"] - 300) < 60
    assert (evidence["from"], evidence["to"]) == ("88.1/PUMP-000000", "88.1/PUMP-000298")


def test_who_asks_again_for_the_same_in_a_dense_range_does_not_count_up() -> None:
    watch, chosen = watched(), random.Random(5)
    for _ in range(20_000):
        quick(watch, b"88.1/%d" % chosen.randrange(300), "203.0.113.9")
    assert found(watch.take()) == []


def test_many_names_and_many_misses_of_one_network_are_told_with_examples() -> None:
    watch, chosen = watched(), random.Random(2)
    for _ in range(1_500):
        quick(watch, b"88.1/%d-a" % chosen.randrange(10**9), "203.0.113.9")
    for _ in range(300):
        watch.count("rest", "handle_not_found", b"88.1/%d-b" % chosen.randrange(10**9), "2001:db8::1", 0.001)
    by_kind = {each.kind: each for each in found(watch.take())}
    assert set(by_kind) == {"scraping", "misses"}
    assert by_kind["scraping"].subject == "203.0.113.0/24"
    assert by_kind["misses"].subject == "2001:db8::/64"
    assert by_kind["misses"].evidence["missed"] == 300
    assert all(each.startswith("88.1/") for each in by_kind["misses"].names)


def test_a_copied_code_is_asked_for_from_far_more_places_than_its_like() -> None:
    watch = watched()
    for each in range(200):
        watch.count("link", "success", GTIN + b"/21/%d" % each, address(each), 0.001)
    assert found(watch.take()) == []
    for each in range(60):
        watch.count("link", "success", GTIN + b"/21/7", address(5000 + each), 0.001)
    (candidate,) = found(watch.take())
    assert (candidate.kind, candidate.subject) == ("counterfeit", GTIN.decode() + "/21/7")
    assert candidate.evidence["asked"] == 61
    assert candidate.evidence["networks"] >= 40
    assert abs(candidate.evidence["mean_of_others"] - 1) < 0.2
    # The product itself is asked for by everybody, and so is a thing whose like are asked for as often.
    for each in range(500):
        watch.count("link", "success", GTIN, address(each), 0.001)
        watch.count("link", "success", b"GS1/01/09506000134369/21/%d" % (each % 10), address(each), 0.001)
    assert [each.subject for each in found(watch.take())] == [GTIN.decode() + "/21/7"]


def test_serial_numbers_that_are_tried_out_are_found_where_some_exist() -> None:
    watch = watched()
    other = b"GS1/01/09506000134369"
    for each in range(80):
        # Nothing is kept below the other product: whoever scans it does not guess.
        watch.count("link", "handle_not_found", other + b"/21/%d" % (each * 991), address(each), 0.001)
        watch.guess(GTIN + b"/21/%d" % (each * 991), "203.0.113.9")
    assert found(watch.take()) == []
    watch.count("link", "success", GTIN + b"/21/5", address(1), 0.001)
    (candidate,) = found(watch.take())
    assert (candidate.kind, candidate.subject) == ("guessing", GTIN.decode())
    assert abs(candidate.evidence["missing"] - 80) <= 20
    assert (candidate.evidence["found"], candidate.evidence["networks"]) == (1, 1)


def test_names_of_things_may_be_named_in_the_settings() -> None:
    watch = watched(serial_prefixes=["88.1/SN-"])
    for each in range(100):
        quick(watch, b"88.1/sn-%d" % each, address(each))
        quick(watch, b"88.1/sn-77", address(1000 + each))
    (candidate,) = found(watch.take(), serial_prefixes=["88.1/SN-"])
    assert (candidate.kind, candidate.subject) == ("counterfeit", "88.1/SN-77")


def test_a_new_window_begins_with_nothing() -> None:
    clock = ManualClock()
    watch = watched(clock)
    for each in range(200):
        quick(watch, b"88.1/%d" % each, "203.0.113.9")
    assert len(found(watch.take())) == 1
    clock.advance(601)
    watch.take()
    assert found(watch.take()) == []


def test_prometheus_gets_counts_and_latencies_by_interface_and_outcome() -> None:
    watch = watched()
    for latency_s in (0.0005, 0.02):
        watch.count("rest", "handle_not_found", b"88.1/a", "192.0.2.1", latency_s)
    watch.take()
    shown = watch.counters()
    labels = 'interface="rest",outcome="handle_not_found"'
    assert shown[f"resolutions{{{labels}}}"] == 2
    assert shown[f"resolution_seconds_count{{{labels}}}"] == 2
    counts = [value for name, value in shown.items() if name.startswith(f"resolution_seconds_bucket{{{labels}")]
    assert counts == sorted(counts)
    assert counts[-1] == 2
    assert 1 in counts
