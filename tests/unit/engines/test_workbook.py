"""Workbooks as openpyxl, which was not written here, reads them."""

from __future__ import annotations

import io
from datetime import datetime

import openpyxl
import pytest

from millwright.engines.tables import WorkbookWriter, xlsx_writing


def read(data: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    found = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    book.close()
    return found


def test_cells_of_every_kind() -> None:
    target = io.BytesIO()
    book = WorkbookWriter(target, "rows", ["time", "value"])
    texts = ["=1+1", "<&>\"'", "  x\n", "风机", "a\x00b", "_x0041_", "\ud800", ""]
    values: list[object] = [1, 0.1, -1e300, True, False, None, *texts, "x" * 40_000]
    book.write(["date", "any"], ((45_000.25, value) for value in values))
    book.end()
    rows = read(target.getvalue())["rows"]
    assert rows[0] == ("time", "value")
    assert rows[1][0] == datetime(2023, 3, 15, 6)
    found = [row[1] if len(row) > 1 else None for row in rows[1:]]
    assert found[:6] == [1, 0.1, -1e300, True, False, None]
    assert isinstance(found[3], bool)
    unescaped = [openpyxl.utils.escape.unescape(each) if isinstance(each, str) else each for each in found[6:14]]
    assert [each or "" for each in unescaped] == texts
    assert found[14] == "x" * 32_767


def test_more_rows_than_a_sheet_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_writing, "ROWS_A_SHEET", 4)
    target = io.BytesIO()
    book = WorkbookWriter(target, "rows", ["n"])
    for start in (0, 5):
        book.write(["any"], ((start + at,) for at in range(5)))
    book.end()
    found = read(target.getvalue())
    assert {name: [row[0] for row in rows] for name, rows in found.items()} == {
        "rows": ["n", 0, 1, 2], "rows 2": ["n", 3, 4, 5], "rows 3": ["n", 6, 7, 8], "rows 4": ["n", 9],
    }  # fmt: skip


def test_no_rows_are_a_workbook_still() -> None:
    target = io.BytesIO()
    WorkbookWriter(target, "rows", ["n"]).end()
    assert read(target.getvalue()) == {"rows": [("n",)]}
