"""Exports of readings: frozen data, no I/O."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct, field

from millwright.historian import Aggregate

ExportState: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]
ExportFormat: TypeAlias = Literal["csv", "parquet", "xlsx", "arrow"]
Unit: TypeAlias = Literal["hour", "day", "week", "month"]
Cause: TypeAlias = Literal["schedule", "missed", "hand"]

UNDER_WAY: Final = ("waiting", "running")
BUCKETS_S: Final = (1, 10, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 28_800, 43_200, 86_400)
"""Widths of buckets: those that divide a day."""


class ExportSelection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which series: of the devices named, else of those that fit place, model and tag (all of them: every device).

    ``properties``: names or patterns with ``*`` and ``?``; none: every property.
    """

    device_ids: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=10_000)] = []
    place_id: Annotated[str, Meta(max_length=64)] | None = None
    model_id: Annotated[str, Meta(max_length=64)] | None = None
    tag: Annotated[str, Meta(max_length=128)] | None = None
    properties: Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=100)] = []


class ExportWindow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which time, relative to the run.

    ``previous``: the whole ``unit`` (in the export's time zone) before the one of the run; ``last``: so many ``hours``
    before it; ``between``: ``from_ms`` to ``to_ms``; these go by source time. ``new``: what came since the last run.
    """

    kind: Literal["previous", "last", "between", "new"] = "previous"
    unit: Unit = "day"
    hours: Annotated[int, Meta(ge=1, le=87_600)] = 24
    from_ms: int | None = None
    to_ms: int | None = None


class ExportSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When, in the export's time zone. ``every`` hour only takes the minute of ``at``.

    ``weekday``: 1 (Monday) to 7, for a week; ``day`` of the month, for a month: its last one where it has fewer.
    """

    every: Unit = "day"
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["06:30"])] = "01:00"
    weekday: Annotated[int, Meta(ge=1, le=7)] = 1
    day: Annotated[int, Meta(ge=1, le=31)] = 1


class ExportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an export makes. ``rows``: readings one by one, or buckets of ``bucket_s`` seconds with ``aggregates``.

    ``schedule`` null: only by hand. Of its files the newest ``keep_runs`` are kept, for ``keep_days`` at most.
    """

    selection: ExportSelection = field(default_factory=ExportSelection)
    rows: Literal["readings", "buckets"] = "readings"
    bucket_s: int = 3600
    aggregates: Annotated[list[Aggregate], Meta(max_length=7)] = field(default_factory=lambda: ["min", "max", "mean"])
    format: ExportFormat = "csv"
    time_zone: Annotated[str, Meta(max_length=64, examples=["UTC", "Asia/Shanghai"])] = "UTC"
    window: ExportWindow = field(default_factory=ExportWindow)
    schedule: ExportSchedule | None = None
    keep_runs: Annotated[int, Meta(ge=1, le=1_000)] = 30
    keep_days: Annotated[int, Meta(ge=1, le=3_650)] = 90


class NewReadingExport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An export that is to be. Who saves it is its owner: it runs with their rights."""

    name: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
    settings: ExportSettings = field(default_factory=ExportSettings)
    enabled: bool = True


class ReadingExportProblem(Struct, frozen=True, kw_only=True):
    """Why a run failed."""

    code: str
    message: str
    hint: str = ""


class ReadingExportRun(Struct, frozen=True, kw_only=True):
    """A run and how far it is: ``series`` of ``series_total`` are done, ``readings`` are rows of the file.

    ``from_ms`` and ``to_ms`` bound source time, or the time of arrival where the window is ``new``. ``organisations``:
    whose readings the file holds. ``has_file``: it can be had still.
    """

    id: str
    export_id: str
    organisation_id: str
    state: ExportState
    cause: Cause
    due_ms: int
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    from_ms: int | None
    to_ms: int | None
    series: int
    series_total: int | None
    readings: int
    organisations: list[str]
    file_name: str
    file_bytes: int
    sha256: str
    has_file: bool
    error: ReadingExportProblem | None


class ReadingExportInfo(Struct, frozen=True, kw_only=True):
    """An export. ``next_ms``: when it runs next; ``reached_ms``: up to where what is new was exported."""

    id: str
    organisation_id: str
    name: str
    enabled: bool
    settings: ExportSettings
    who: str
    who_name: str
    created_ms: int
    changed_ms: int
    next_ms: int | None
    reached_ms: int | None
    last_run: ReadingExportRun | None


class ReadingExportPage(Struct, frozen=True):
    """Exports, newest first, and the cursor of the next page."""

    items: list[ReadingExportInfo]
    next: str | None = None


class ReadingExportRuns(Struct, frozen=True):
    """Runs, newest first, and the cursor of the next page."""

    items: list[ReadingExportRun]
    next: str | None = None
