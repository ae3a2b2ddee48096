"""When exports are due, and of which time: by the calendar of a zone, clock changes included."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from millwright.devices.history_export.model import ExportSchedule, ExportWindow
from millwright.devices.history_export.running import _stretches
from millwright.devices.history_export.schedule import days_of, last_due, next_due, window_of

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000


def ms(text: str, zone: ZoneInfo = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def local(at_ms: int, zone: ZoneInfo = BERLIN) -> str:
    return datetime.fromtimestamp(at_ms / 1000, zone).isoformat()


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (ExportSchedule(every="hour", at="00:15"), "2026-05-01T10:14:59", "2026-05-01T10:15:00+02:00"),
        (ExportSchedule(every="hour", at="00:15"), "2026-05-01T10:15:00", "2026-05-01T11:15:00+02:00"),
        (ExportSchedule(every="day", at="01:30"), "2026-05-01T01:30:00", "2026-05-02T01:30:00+02:00"),
        # 02:30 is left out that night, and comes twice in October.
        (ExportSchedule(every="day", at="02:30"), "2026-03-28T12:00:00", "2026-03-29T03:30:00+02:00"),
        (ExportSchedule(every="day", at="02:30"), "2026-10-24T12:00:00", "2026-10-25T02:30:00+02:00"),
        (ExportSchedule(every="week", at="06:00", weekday=7), "2026-05-01T00:00:00", "2026-05-03T06:00:00+02:00"),
        (ExportSchedule(every="month", at="06:00", day=31), "2026-01-31T06:00:00", "2026-02-28T06:00:00+01:00"),
        (ExportSchedule(every="month", at="06:00", day=31), "2028-02-01T00:00:00", "2028-02-29T06:00:00+01:00"),
    ],
)
def test_next_due(schedule: ExportSchedule, after: str, due: str) -> None:
    assert local(next_due(schedule, BERLIN, ms(after))) == due


def test_a_time_that_comes_twice_is_due_once() -> None:
    schedule = ExportSchedule(every="day", at="02:30")
    first = next_due(schedule, BERLIN, ms("2026-10-24T12:00:00"))
    assert local(next_due(schedule, BERLIN, first)) == "2026-10-26T02:30:00+01:00"


def test_the_last_of_those_that_were_missed() -> None:
    schedule = ExportSchedule(every="day", at="01:00")
    first = ms("2024-01-01T01:00:00")
    assert last_due(schedule, BERLIN, first, first) == first
    assert local(last_due(schedule, BERLIN, first, ms("2026-05-01T00:59:59"))) == "2026-04-30T01:00:00+02:00"


@pytest.mark.parametrize(
    ("window", "zone", "due", "bounds"),
    [
        (ExportWindow(unit="day"), BERLIN, "2026-03-30T01:00:00", ("2026-03-29T00:00:00", "2026-03-30T00:00:00")),
        (ExportWindow(unit="week"), SHANGHAI, "2026-05-01T01:00:00", ("2026-04-20T00:00:00", "2026-04-27T00:00:00")),
        (ExportWindow(unit="month"), SHANGHAI, "2026-03-01T00:00:00", ("2026-02-01T00:00:00", "2026-03-01T00:00:00")),
        (ExportWindow(unit="hour"), SHANGHAI, "2026-03-01T00:05:00", ("2026-02-28T23:00:00", "2026-03-01T00:00:00")),
        (ExportWindow(kind="last", hours=2), BERLIN, "2026-03-29T04:00:00",
         ("2026-03-29T01:00:00", "2026-03-29T04:00:00")),
    ],
)  # fmt: skip
def test_windows(window: ExportWindow, zone: ZoneInfo, due: str, bounds: tuple[str, str]) -> None:
    assert window_of(window, zone, ms(due, zone)) == (ms(bounds[0], zone), ms(bounds[1], zone))


def test_days_and_stretches_of_buckets_follow_the_clock() -> None:
    start, end = ms("2026-03-27T12:00:00"), ms("2026-04-01T00:00:00")
    days = days_of(start, end, BERLIN)
    assert [(b - a) // HOUR for a, b in days] == [12, 24, 23, 24, 24]
    stretches = list(_stretches(start, end, 24 * HOUR, BERLIN))
    assert [local(a)[:16] for a, _ in stretches] == ["2026-03-27T12:00", "2026-03-28T00:00", "2026-03-30T00:00"]
    assert stretches[0][0] == start
    assert stretches[-1][1] == end
    assert all(left[1] == right[0] for left, right in pairwise(stretches))
    assert len(list(_stretches(start, end, HOUR, BERLIN))) == 1
