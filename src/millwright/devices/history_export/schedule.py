"""When an export runs, and of which time it is: pure, by the calendar of a time zone."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from millwright.devices.history_export.errors import settings_wrong, too_many_rows
from millwright.devices.history_export.model import ExportSchedule, ExportSettings, ExportWindow, Unit
from millwright.historian import EARLIEST_MS, LATEST_MS

_HOUR_MS = 3_600_000
_FURTHEST_DAYS = 62
_UNIT_MS = {"hour": _HOUR_MS, "day": 25 * _HOUR_MS, "week": 169 * _HOUR_MS, "month": 745 * _HOUR_MS}
"""The longest that each can be where clocks change."""
MOST_ROWS = 50_000_000
"""Buckets that one run may make."""


def zone_of(name: str) -> ZoneInfo:
    """The time zone. Raises ``Invalid`` (``readings.export_settings``) for one nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise settings_wrong(f"There is no time zone {name!r}", f"没有时区“{name}”", "/settings/time_zone") from error


def next_due(schedule: ExportSchedule, zone: ZoneInfo, after_ms: int) -> int:
    """The first time after ``after_ms`` at which it is due.

    A time that a clock set forward leaves out counts as so much later; one that comes twice is the first of both.
    """
    hour, minute = int(schedule.at[:2]), int(schedule.at[3:])
    if schedule.every == "hour":
        local = _local(after_ms, zone)
        behind = (minute * 60 - local.minute * 60 - local.second) * 1000 - local.microsecond // 1000
        due = after_ms + behind
        return due if due > after_ms else due + _HOUR_MS
    today = _local(after_ms, zone).date()
    for days in range(_FURTHEST_DAYS + 1):
        day = today + timedelta(days=days)
        if _fits(schedule, day):
            due = _ms(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))
            if due > after_ms:
                return due
    raise AssertionError("a schedule comes round within two months")


def last_due(schedule: ExportSchedule, zone: ZoneInfo, first_ms: int, now_ms: int) -> int:
    """The last time at which it was due, ``first_ms`` (when it was, too) or later."""
    due = first_ms
    if now_ms - first_ms > _FURTHEST_DAYS * 24 * _HOUR_MS:
        due = next_due(schedule, zone, now_ms - _FURTHEST_DAYS * 24 * _HOUR_MS)
    while (following := next_due(schedule, zone, due)) <= now_ms:
        due = following
    return due


def window_of(window: ExportWindow, zone: ZoneInfo, due_ms: int) -> tuple[int, int]:
    """The stretch of source time of a run that was due then; not of windows that are ``new``."""
    if window.kind == "between":
        assert window.from_ms is not None
        assert window.to_ms is not None
        return window.from_ms, window.to_ms
    if window.kind == "last":
        return due_ms - window.hours * _HOUR_MS, due_ms
    ends = _begin(window.unit, zone, due_ms)
    return _begin(window.unit, zone, ends - 1), ends


def check(settings: ExportSettings) -> ZoneInfo:
    """Raise ``Invalid`` (``readings.export_settings``) for what does not fit together, ``LimitExceeded``
    (``readings.export_too_many_rows``) for more buckets than a run may make; returns the time zone."""
    from millwright.devices.history_export.model import BUCKETS_S

    window = settings.window
    if window.kind == "between":
        if window.from_ms is None or window.to_ms is None or window.from_ms >= window.to_ms:
            raise settings_wrong(
                "A fixed window has a start and a later end", "固定时段须有起止时间", "/settings/window"
            )
        if not EARLIEST_MS <= window.from_ms < window.to_ms <= LATEST_MS:
            raise settings_wrong(
                "History is of the years 1900 to 2099", "历史数据仅限 1900 至 2099 年", "/settings/window"
            )
        if settings.schedule is not None:
            raise settings_wrong(
                "A fixed window is exported once, by hand", "固定时段只能手动导出一次", "/settings/schedule"
            )
    if settings.rows == "buckets":
        if window.kind == "new":
            raise settings_wrong(
                "What is new is exported as readings, not as buckets", "增量导出只支持逐条读数", "/settings/rows"
            )
        if settings.bucket_s not in BUCKETS_S:
            raise settings_wrong(
                f"Buckets are {', '.join(map(str, BUCKETS_S))} seconds wide", "不支持的聚合间隔", "/settings/bucket_s"
            )
        if not settings.aggregates:
            raise settings_wrong("Buckets need an aggregate", "请至少选择一种聚合", "/settings/aggregates")
        check_rows(settings, _longest_ms(window), max(1, len(settings.selection.device_ids)))
    return zone_of(settings.time_zone)


def check_rows(settings: ExportSettings, span_ms: int, series: int) -> None:
    """Raise ``LimitExceeded`` when so many series have too many buckets in so long a time."""
    rows = -(-span_ms // (settings.bucket_s * 1000)) * series
    if rows > MOST_ROWS:
        raise too_many_rows(rows, MOST_ROWS)


def _longest_ms(window: ExportWindow) -> int:
    if window.from_ms is not None and window.to_ms is not None and window.kind == "between":
        return window.to_ms - window.from_ms
    return window.hours * _HOUR_MS if window.kind == "last" else _UNIT_MS[window.unit]


def _fits(schedule: ExportSchedule, day: date) -> bool:
    if schedule.every == "week":
        return day.isoweekday() == schedule.weekday
    if schedule.every == "month":
        return day.day == min(schedule.day, calendar.monthrange(day.year, day.month)[1])
    return True


def _begin(unit: Unit, zone: ZoneInfo, at_ms: int) -> int:
    """When the unit that holds ``at_ms`` began there."""
    local = _local(at_ms, zone)
    if unit == "hour":
        return at_ms - (local.minute * 60 + local.second) * 1000 - local.microsecond // 1000
    day = local.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    return _ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def days_of(from_ms: int, to_ms: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The local days that the stretch touches, cut to it."""
    start = from_ms
    while start < to_ms:
        day = _local(start, zone).date() + timedelta(days=1)
        end = min(to_ms, _ms(datetime(day.year, day.month, day.day, tzinfo=zone)))
        yield start, end
        start = end


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
