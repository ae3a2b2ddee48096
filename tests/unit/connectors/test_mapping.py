"""Samples become telemetry that says all they said, and nothing more."""

from __future__ import annotations

import json
from typing import Any

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Point, Sample
from millwright.devices.connectors.mapping import Mapper, raw_value
from millwright.devices.connectors.store import Feed


def feed(
    number: int, device: str = "dev_a", *, scale: float | None = None, offset: float | None = None, deadband: float = 0
) -> Feed:
    return Feed(Point(id=f"p{number}", address=f"a{number}", deadband=deadband), device, f"x{number}", scale, offset)


def taken(mapper: Mapper, *samples: Sample) -> dict[str, list[Any]]:
    payloads, _ = mapper.take(samples, 5000)
    return {device: [json.loads(each) for each in documents] for device, documents in payloads.items()}


def mapper(*feeds: Feed) -> Mapper:
    made = Mapper()
    made.follow(feeds)
    return made


def test_values_of_one_time_share_a_payload_and_devices_do_not() -> None:
    found = taken(
        mapper(feed(1), feed(2), feed(3, "dev_b")),
        Sample("p1", 1.5, 1000),
        Sample("p2", True, 1000),
        Sample("p1", 2.5, 2000),
        Sample("p3", "on", 1000),
    )
    assert found == {
        "dev_a": [{"ts": 1000, "values": {"x1": 1.5, "x2": True}}, {"ts": 2000, "values": {"x1": 2.5}}],
        "dev_b": [{"ts": 1000, "values": {"x3": "on"}}],
    }


def test_quality_is_named_where_it_is_not_good() -> None:
    found = taken(
        mapper(feed(1), feed(2), feed(3)),
        Sample("p1", 1, 1000, UNCERTAIN),
        Sample("p2", None, 1000, BAD, "no such tag"),
        Sample("p3", 3, 1000, GOOD),
    )
    assert found["dev_a"] == [
        {"ts": 1000, "values": {"x1": 1, "x2": None, "x3": 3}, "quality": {"x1": "uncertain", "x2": "bad"}}
    ]


def test_values_without_a_time_get_none_here_and_none_is_lost() -> None:
    found = taken(mapper(feed(1), feed(2)), Sample("p1", 1), Sample("p2", 2), Sample("p1", 3))
    assert found["dev_a"] == [{"values": {"x1": 1, "x2": 2}}, {"values": {"x1": 3}}]


def test_scale_and_offset_touch_numbers_alone_and_are_undone_for_writing() -> None:
    scaled = mapper(feed(1, scale=0.1, offset=-40), feed(2, scale=2))
    found = taken(scaled, Sample("p1", 650, 1), Sample("p2", True, 1))
    assert found["dev_a"] == [{"ts": 1, "values": {"x1": 25.0, "x2": True}}]
    assert raw_value(25.0, 0.1, -40) == 650.0
    assert raw_value("text", 0.1, -40) == "text"


def test_small_changes_are_left_out_until_the_connection_was_lost() -> None:
    quiet = mapper(feed(1, deadband=1.0))
    assert taken(quiet, Sample("p1", 10.0, 1))
    assert not taken(quiet, Sample("p1", 10.9, 2))
    assert taken(quiet, Sample("p1", 11.0, 3))
    assert taken(quiet, Sample("p1", None, 4, BAD))
    assert taken(quiet, Sample("p1", 11.1, 5)), "after a bad value the first good one is news"
    quiet.silence()
    assert taken(quiet, Sample("p1", 11.1, 6))
    assert quiet.newest["p1"][0].time_ms == 6


def test_counts_follow_the_newest_of_each_point_and_points_that_go() -> None:
    counted = mapper(feed(1), feed(2), feed(3))
    taken(counted, Sample("p1", 1, 1), Sample("p2", None, 1, BAD), Sample("stranger", 1, 1))
    assert counted.counts == (3, 1, 1)
    taken(counted, Sample("p2", 1, 2))
    assert counted.counts == (3, 2, 0)
    counted.follow([feed(1)])
    assert counted.counts == (1, 1, 0)
    assert counted.is_bad("dev_b")


def test_a_long_text_stands_alone_and_a_payload_has_an_end() -> None:
    many = mapper(*(feed(number) for number in range(1201)))
    found = taken(many, Sample("p0", "x" * 5000, 1), *(Sample(f"p{number}", number, 1) for number in range(1, 1201)))
    sizes = sorted(len(each["values"]) for each in found["dev_a"])
    assert sizes[0] == 1
    assert sum(sizes) == 1201
    assert max(sizes) <= 500
