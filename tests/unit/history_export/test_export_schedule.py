"""When exports are due, and of which time: by the calendar of a zone, clock changes included."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from millwright.devices.history_export.model import ExportSchedule, ExportSelection, ExportSettings, ExportWindow
from millwright.devices.history_export.running import _stretches
from millwright.devices.history_export.schedule import check, days_of, last_due, next_due, window_of
from millwright.kernel import Invalid, LimitExceeded

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
    days = list(days_of(start, end, BERLIN))
    assert [(b - a) // HOUR for a, b in days] == [12, 24, 23, 24, 24]
    stretches = list(_stretches(start, end, 24 * HOUR, BERLIN))
    assert [local(a)[:16] for a, _ in stretches] == [
        "2026-03-27T12:00", "2026-03-28T00:00", "2026-03-29T00:00", "2026-03-30T00:00",
    ], "the day of 23 hours is a bucket of its own"  # fmt: skip
    assert stretches[0][0] == start
    assert stretches[-1][1] == end
    assert all(left[1] == right[0] for left, right in pairwise(stretches))
    assert len(list(_stretches(start, end, HOUR, BERLIN))) == 1


@pytest.mark.parametrize(("width", "most"), [(1000, 10_000), (7_200_000, 5), (86_400_000, 2)])
def test_stretches_are_whole_buckets_and_no_more_than_history_answers(width: int, most: int) -> None:
    start, end = ms("2026-03-27T12:00:30"), ms("2026-04-02T01:30:00")
    stretches = list(_stretches(start, end, width, BERLIN, most))
    assert (stretches[0][0], stretches[-1][1]) == (start, end)
    assert all(left[1] == right[0] for left, right in pairwise(stretches))
    assert all((b - a) % width == 0 or b - a < width for a, b in stretches)
    assert max(-(-(b - a) // width) for a, b in stretches) <= most
    if width < 86_400_000:
        assert ms("2026-03-30T00:00:00") in {at for a, b in stretches for at in range(a, b, width)}


def test_a_run_is_of_a_bounded_time_and_of_bounded_rows() -> None:
    def of(window: ExportWindow, devices: int = 0, bucket_s: int = 1) -> ExportSettings:
        selection = ExportSelection(device_ids=[str(each) for each in range(devices)])
        return ExportSettings(selection=selection, rows="buckets", bucket_s=bucket_s, window=window)

    year = ExportWindow(kind="last", hours=8_760)
    check(of(year))
    check(of(year, 20, 60))
    for refused in (of(year, 20), of(ExportWindow(kind="last", hours=87_600)), of(ExportWindow(unit="month"), 20)):
        with pytest.raises(LimitExceeded) as caught:
            check(refused)
        assert caught.value.code == "readings.export_too_many_rows"
    with pytest.raises(Invalid):
        check(of(ExportWindow(kind="between", from_ms=-62_135_596_800_000, to_ms=253_402_300_799_000), 0, 86_400))
