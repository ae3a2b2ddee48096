"""Reading what readers say; every lie has a text that says how to mend it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from millwright.devices.location.geometry import area, contains, distance
from millwright.devices.location.sightings import MOST_SIGHTINGS, read_reports
from millwright.devices.telemetry import Unreadable

NOW = 1_767_225_600_000


def test_a_report_is_read() -> None:
    report = {
        "ts": NOW,
        "sightings": [
            {"epc": "e2801105", "antenna": 3, "rssi": -52.5, "count": 4, "ts": NOW - 200},
            {"mac": "c3:00:00:1a:2b:3c", "x": 1.5, "y": 2, "z": 0.3},
        ],
        "antennas_down": [2],
    }
    (read,) = read_reports(json.dumps(report).encode(), NOW)
    assert (read.stated_ms, read.antennas_down) == (NOW, frozenset({2}))
    first, second = read.sightings
    assert (first.tag, first.antenna, first.rssi_dbm, first.count, first.stated_ms) == (
        "E2801105",
        3,
        -52.5,
        4,
        NOW - 200,
    )
    assert (second.tag, second.x_m, second.y_m, second.z_m) == ("C3:00:00:1A:2B:3C", 1.5, 2.0, 0.3)


def test_a_single_sighting_and_an_empty_report_are_reports() -> None:
    assert read_reports(b'{"tag": "a"}', NOW)[0].sightings[0].tag == "A"
    assert read_reports(b'{"sightings": []}', NOW)[0].sightings == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"1", b"[1]", b"{}", b'{"sightings": {}}', b'{"sightings": [1]}', b'{"sightings": [{}]}',
        b'{"tag": 7}', b'{"tag": ""}', b'{"tag": "a b"}', '{"tag": "\u6807"}'.encode(), b'{"tag": "a", "x": 1}',
        b'{"tag": "a", "x": 1, "y": "2"}', b'{"tag": "a", "x": 1e9, "y": 2}', b'{"tag": "a", "antenna": -1}',
        b'{"tag": "a", "antenna": true}', b'{"tag": "a", "rssi": "loud"}', b'{"tag": "a", "count": 1.5}',
        b'{"sightings": [], "antennas_down": 2}', b'{"tag": "a", "rssi": NaN}',
        json.dumps({"sightings": [{"tag": "a"}] * (MOST_SIGHTINGS + 1)}).encode(),
        b'{"tag": "' + b"a" * 129 + b'"}',
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read_reports(payload, NOW)
    assert refused.value.text


_NAMES = st.sampled_from(["tag", "sightings", "ts", "x", "y", "antenna", "antennas_down"])
_NONSENSE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda kids: st.lists(kids) | st.dictionaries(_NAMES, kids)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_NONSENSE)
def test_nothing_but_unreadable_comes_of_nonsense(document: object) -> None:
    with contextlib.suppress(Unreadable):
        read_reports(json.dumps(document).encode(), NOW)


def test_polygons() -> None:
    corner = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0))
    assert contains(corner, 0.5, 1)
    assert not contains(corner, 2, 3)
    assert distance(corner, 2, -2) == pytest.approx(2)
    assert area(((0, 0), (2, 0), (2, 3), (0, 3))) == pytest.approx(6)
