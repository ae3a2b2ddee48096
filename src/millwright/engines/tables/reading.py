"""The rows of a file, one after another: CSV, Excel, Arrow and Parquet, each cell as text. Memory stays small."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TypeAlias

from millwright.engines.tables.errors import unreadable
from millwright.engines.tables.xlsx import read_workbook
from millwright.kernel import Invalid

FileFormat: TypeAlias = Literal["csv", "xlsx", "arrow", "parquet"]
Cells = list[str]
Row = tuple[int, Cells]
"""Line and cells."""

MOST_COLUMNS: Final = 1_000
_MOST_CELL: Final = 256 * 1024
_AT_ONCE: Final = 2_000
_PROBE: Final = 1024 * 1024
_ENDS: Final[dict[str, FileFormat]] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".arrow": "arrow",
    ".feather": "arrow", ".ipc": "arrow", ".parquet": "parquet",
}  # fmt: skip


def format_of(file_name: str) -> FileFormat:
    """The format that a file's name says. Raises ``Invalid`` (:class:`Unreadable`)."""
    found = _ENDS.get(Path(file_name).suffix.lower())
    if found is None:
        raise unreadable(f"{file_name[:100]} ends with none of {', '.join(_ENDS)}", "不支持的文件类型")
    return found


@contextmanager
def opened(path: Path, kind: FileFormat) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """The names of the columns, and the rows. Raises ``Invalid`` (:class:`Unreadable`), also while rows
    are read."""
    if not path.exists() or not path.stat().st_size:
        raise unreadable("it is empty", "文件为空")
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("rb"))
        if kind == "csv":
            file = stack.enter_context(_text(file))
        reader: Any = {"csv": _csv, "xlsx": read_workbook, "arrow": _arrow, "parquet": _parquet}[kind]
        try:
            columns, rows = reader(file)
        except Invalid:
            raise
        except Exception as error:  # the libraries raise many
            raise unreadable(_said(error)) from error
        _check_columns(columns)
        yield columns, _guarded(rows)


def estimate(path: Path, kind: FileFormat) -> int | None:
    """How many rows there are, about: a text file is counted by its lines."""
    if kind == "csv":
        with path.open("rb") as file:
            lines = sum(part.count(b"\n") for part in iter(lambda: file.read(_PROBE), b""))
        return max(0, lines - 1)
    if kind == "parquet":
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(path).metadata.num_rows)
    return None


def _check_columns(columns: list[str]) -> None:
    if not columns or not any(columns):
        raise unreadable("the first line names no columns", "首行没有列名", 1)
    if len(columns) > MOST_COLUMNS:
        raise unreadable(f"it has more than {MOST_COLUMNS} columns", "列数过多", 1)
    named = [each for each in columns if each]
    twice = next((each for each in named if named.count(each) > 1), None)
    if twice is not None:
        raise unreadable(f"two columns are called {twice!r}", f"列名“{twice}”重复", 1)


def _guarded(rows: Iterator[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except Invalid:
        raise
    except Exception as error:  # the libraries raise many
        raise unreadable(_said(error)) from error


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


# --- CSV --------------------------------------------------------------------------------------------------------------


def _text(file: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding=_encoding(file), newline="", errors="strict")


def _csv(text: io.TextIOWrapper) -> tuple[list[str], Iterator[Row]]:
    """RFC 4180; comma, semicolon or tab; UTF-8 or GB 18030, as spreadsheets write them."""
    first = text.readline(_MOST_CELL)
    delimiter = max(",;\t", key=first.count)
    text.seek(0)
    csv.field_size_limit(_MOST_CELL)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    columns = [each.strip() for each in next(reader, [])]

    def rows() -> Iterator[Row]:
        line = reader.line_num
        try:
            for cells in reader:
                # A row begins on the line after the last one of the row before.
                line, began = reader.line_num, line + 1
                if cells:
                    yield began, cells
        except csv.Error as error:
            raise unreadable(str(error), line=reader.line_num) from error
        except UnicodeDecodeError as error:
            raise unreadable(f"it is not {text.encoding} throughout", "文件编码不一致", reader.line_num) from error

    return columns, rows()


def _encoding(file: BinaryIO) -> str:
    """UTF-8 if the beginning is, else GB 18030."""
    start = file.read(_PROBE)
    file.seek(0)
    if b"\0" in start:
        raise unreadable("it is no text", "不是文本文件")
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        decoder.decode(start)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


# --- Arrow ------------------------------------------------------------------------------------------------------------


def _arrow(file: BinaryIO) -> tuple[list[str], Iterator[Row]]:
    import pyarrow as pa

    start = file.read(6)
    file.seek(0)
    if start == b"ARROW1":
        table = pa.ipc.open_file(file)
        batches: Iterator[Any] = (table.get_batch(place) for place in range(table.num_record_batches))
    else:
        table = pa.ipc.open_stream(file)
        batches = iter(table)
    return [str(each) for each in table.schema.names], _batched(batches)


def _parquet(file: BinaryIO) -> tuple[list[str], Iterator[Row]]:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    return [str(each) for each in table.schema_arrow.names], _batched(table.iter_batches(_AT_ONCE))


def _batched(batches: Iterator[Any]) -> Iterator[Row]:
    line = 1
    for batch in batches:
        for start in range(0, batch.num_rows, _AT_ONCE):
            part = batch.slice(start, _AT_ONCE)
            columns = [[cell_of(each) for each in column.to_pylist()] for column in part.columns]
            for cells in zip(*columns, strict=True):
                line += 1
                yield line, list(cells)


def cell_of(value: Any) -> str:
    """A value of a typed column as the text of a cell; values of a list stand in lines."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is not None else f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list):
        return "\n".join(cell_of(each) for each in value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
