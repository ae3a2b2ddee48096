"""Imports: frozen data, no I/O."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from millwright.identity.registration.model import NewSuffix

ImportState: TypeAlias = Literal["uploading", "waiting", "running", "done", "failed", "cancelled"]
FileFormat: TypeAlias = Literal["csv", "xlsx", "arrow", "parquet"]
Existing: TypeAlias = Literal["refuse", "update", "skip"]

MOST_BATCH: Final = 10_000
DEFAULT_BATCH: Final = 5_000
MOST_LISTED: Final = 1_000_000
"""Refused rows that the report lists; more are counted."""
ENDED: Final = frozenset({"done", "failed", "cancelled"})


class NewImport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that is to be sent. The format is told by the end of its name, if it is not given."""

    file_name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00/\\]+$", examples=["pumps.csv"])]
    format: FileFormat | None = None


class ImportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with the file.

    ``columns`` says what a column is: ``identifier``, ``fields.<name>``, ``links.<link type>``, or nothing. Without it
    columns are taken by their names. Where no column has the identifier, ``prefix`` and ``suffix`` make it.
    ``existing`` is what happens to identifiers that are registered already: ``refuse`` the row, ``update`` the fields
    that the row has, or ``skip`` it. With ``whole_batches`` a refused row keeps the others of its batch from being
    registered. ``dry_run`` registers nothing and reports the same.
    """

    template_id: Annotated[str, Meta(max_length=64)]
    template_version: Annotated[int, Meta(ge=1)] | None = None
    columns: dict[str, Annotated[str, Meta(max_length=200)]] = {}
    prefix: Annotated[str, Meta(max_length=400)] | None = None
    suffix: NewSuffix | None = None
    existing: Existing = "refuse"
    batch_size: Annotated[int, Meta(ge=1, le=MOST_BATCH)] = DEFAULT_BATCH
    whole_batches: bool = False
    dry_run: bool = False
    reason: Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$")] = ""


class ImportProblem(Struct, frozen=True, kw_only=True):
    """Why an import failed as a whole."""

    code: str
    message: str
    hint: str = ""


class ImportInfo(Struct, frozen=True, kw_only=True):
    """An import and how far it is.

    ``rows`` were read, of ``total`` (null: not known yet): ``registered``, ``changed``, ``unchanged`` or ``refused``.
    ``file_bytes`` have been received.
    """

    id: str
    organisation_id: str
    state: ImportState
    file_name: str
    file_format: FileFormat
    file_bytes: int
    settings: ImportSettings | None
    columns: dict[str, str]
    rows: int
    total: int | None
    registered: int
    changed: int
    unchanged: int
    refused: int
    who: str
    who_name: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    error: ImportProblem | None


class ImportPage(Struct, frozen=True):
    """Imports, newest first, and the cursor of the next page."""

    items: list[ImportInfo]
    next: str | None = None


class ImportColumn(Struct, frozen=True, kw_only=True):
    """A column of the file: some of its cells, and what it would be taken for."""

    name: str
    samples: list[str]
    target: str = ""


class RefusedRow(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that was not registered. ``line`` counts lines of a text file, ``row`` rows without the header, from 1.

    ``column`` and ``field`` say which cell is wrong, where it is one.
    """

    line: int
    row: int
    identifier: str = ""
    column: str = ""
    field: str = ""
    code: str
    reason: str
    reason_zh: str = ""


class RefusedPage(Struct, frozen=True):
    """Refused rows in the order of the file, and the cursor of the next page."""

    items: list[RefusedRow]
    next: str | None = None
