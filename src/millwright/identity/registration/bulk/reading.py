"""The rows of a file of identifiers, one after another; what is wrong with the file is said as an import says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from millwright.engines import tables
from millwright.engines.tables import Cells, Row, Unreadable, cell_of, estimate
from millwright.identity.registration.bulk.errors import unreadable
from millwright.identity.registration.bulk.model import FileFormat


def format_of(file_name: str) -> FileFormat:
    """The format that a file's name says. Raises ``Invalid`` (``identifiers.import_unreadable``)."""
    with _said():
        return tables.format_of(file_name)


@contextmanager
def opened(path: Path, kind: FileFormat) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """The names of the columns, and the rows. Raises ``Invalid`` (``identifiers.import_unreadable``), also while rows
    are read."""
    with _said(), tables.opened(path, kind) as (columns, rows):
        yield columns, _told(rows)


def _told(rows: Iterator[Row]) -> Iterator[Row]:
    with _said():
        yield from rows


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except Unreadable as error:
        raise unreadable(error.why, error.why_zh, error.line) from error


__all__ = ["Cells", "Row", "cell_of", "estimate", "format_of", "opened"]
