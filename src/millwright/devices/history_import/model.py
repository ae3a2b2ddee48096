"""Imports of readings: frozen data, no I/O."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.engines.tables import FileFormat
from millwright.historian import Value

ReadingImportState: TypeAlias = Literal["uploading", "waiting", "running", "paused", "done", "failed", "cancelled"]
Column = Annotated[str, Meta(max_length=400)]

MOST_LISTED: Final = 1_000_000
"""Refused rows that the report lists; more are counted."""
UNDER_WAY: Final = ("waiting", "running", "paused")
ENDED: Final = ("done", "failed", "cancelled")


class NewReadingImport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is to be sent. The format is told by the end of its name, if it is not given."""

    file_name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00/\\]+$", examples=["2024.csv"])]
    format: FileFormat | None = None


class ColumnTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a column of the wide form holds; ``device_id`` null: of the row's or the file's device."""

    property: Annotated[str, Meta(min_length=1, max_length=256)]
    device_id: Annotated[str, Meta(max_length=64)] | None = None
    unit: Annotated[str, Meta(max_length=64, description="UCUM; a hint where no model declares one.")] | None = None


class ReadingImportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column is what.

    ``time_format``: ``auto`` (ISO 8601, or a number taken for s, ms, µs or ns by its size), a unit, or a pattern of
    strptime; ``time_zone``: of times that state none. Devices are named by id or name, by a column or for the file.
    The long form has ``value`` and ``property`` (a column) or ``property_name``; the wide form ``columns``.
    """

    form: Literal["long", "wide"] = "long"
    time: Column = "time"
    time_format: Annotated[str, Meta(max_length=100, examples=["auto", "ms", "%d.%m.%Y %H:%M:%S"])] = "auto"
    time_zone: Annotated[str, Meta(max_length=64, examples=["UTC", "Asia/Shanghai"])] = "UTC"
    device: Column | None = None
    device_id: Annotated[str, Meta(max_length=128, description="A device for the whole file, id or name.")] | None = (
        None
    )
    property: Column | None = None
    property_name: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    value: Column | None = None
    quality: Column | None = None
    unit: Annotated[str, Meta(max_length=400, description="A column of units; hints.")] | None = None
    columns: dict[Column, ColumnTarget] = {}
    decimal_comma: bool = False
    dry_run: bool = False


class ReadingImportProblem(Struct, frozen=True, kw_only=True):
    """Why an import failed as a whole."""

    code: str
    message: str
    hint: str = ""


class ReadingImportInfo(Struct, frozen=True, kw_only=True):
    """An import and how far it is: ``rows`` were read, of about ``total``; ``readings`` are in history.

    ``refused`` counts what the report lists: rows, and cells of the wide form.
    """

    id: str
    organisation_id: str
    state: ReadingImportState
    file_name: str
    file_format: FileFormat
    file_bytes: int
    settings: ReadingImportSettings | None
    rows: int
    total: int | None
    readings: int
    refused: int
    who: str
    who_name: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    error: ReadingImportProblem | None


class ReadingImportPage(Struct, frozen=True):
    """Imports, newest first, and the cursor of the next page."""

    items: list[ReadingImportInfo]
    next: str | None = None


class PreviewColumn(Struct, frozen=True, kw_only=True):
    """A column of the file with some of its cells."""

    name: str
    samples: list[str]


class PreviewReading(Struct, frozen=True, kw_only=True):
    """A reading as it would be stored; ``reason``: why it would be refused."""

    row: int
    time_ms: int | None = None
    device: str = ""
    property: str = ""
    value: Value = None
    quality: int | None = None
    reason: str = ""
    reason_zh: str = ""


class ReadingPreview(Struct, frozen=True, kw_only=True):
    """The file's columns, the settings that were used (guessed where none were given), and its first readings."""

    columns: list[PreviewColumn]
    settings: ReadingImportSettings
    readings: list[PreviewReading]
    total: int | None = None


class PreviewRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look at the file with; null: guess it by the names of its columns."""

    settings: ReadingImportSettings | None = None


class RefusedReading(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row, or a cell, that is no reading. ``row`` counts from 1, without the header."""

    line: int
    row: int
    column: str = ""
    cell: str = ""
    code: str
    reason: str
    reason_zh: str = ""


class RefusedReadings(Struct, frozen=True):
    """Refused rows in the order of the file, and the cursor of the next page."""

    items: list[RefusedReading]
    next: str | None = None


def plain(settings: ReadingImportSettings) -> dict[str, Any]:
    """As JSON data."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(settings)
    return found
