"""Workbooks that are small and unpack to much: refused before they take memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest

from millwright.engines.tables.errors import Unreadable
from millwright.engines.tables.xlsx import read_workbook

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = '<row><c t="str"><v>name</v></c></row>'
MUCH = 400_000


def workbook(sheet: str, strings: str = "") -> io.BytesIO:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets><sheet r:id="r1"/></sheets></workbook>'
        )
        relation = '<Relationship Id="r1" Target="worksheets/s.xml"/>'
        book.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relation}</Relationships>")
        book.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{strings}</sst>")
        book.writestr("xl/worksheets/s.xml", f"<worksheet {MAIN}>{sheet}</worksheet>")
    return found


@pytest.mark.parametrize(
    ("sheet", "strings"),
    [
        ("<a/>" * MUCH + f"<sheetData>{HEAD}</sheetData>", ""),
        (f"<sheetData>{HEAD}" + "<a/>" * MUCH + "</sheetData>", ""),
        (f"<sheetData>{HEAD}<row>" + "<a/>" * MUCH + "</row></sheetData>", ""),
        (f"<sheetData>{HEAD}<row><c><v>" + "1" * MUCH * 4 + "</v></c></row></sheetData>", ""),
        (f"<sheetData>{HEAD}" + "<a>" * 200_000 + "</a>" * 200_000 + "</sheetData>", ""),
        (f"<sheetData>{HEAD}</sheetData>", "<si>" + "<t/>" * MUCH + "</si>"),
        (f"<sheetData>{HEAD}</sheetData>", "<a/>" * MUCH),
    ],
    ids=["before", "between", "within", "a long cell", "deep", "in a text", "between texts"],
)
def test_a_small_file_that_unpacks_to_much_is_refused_in_little_memory(
    sheet: str, strings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millwright.engines.tables.xlsx._MOST_APART", 500_000)
    file = workbook(sheet, strings)
    assert len(file.getvalue()) < 64 * 1024
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="too much"):
            list(read_workbook(file)[1])
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_many_rows_and_what_follows_them_are_no_trouble() -> None:
    rows = "".join(f'<row><c t="str"><v>{number}{"x" * 100}</v></c></row>' for number in range(20_000))
    merged = '<mergeCells><mergeCell ref="A1:B1"/></mergeCells>' * 200_000
    columns, found = read_workbook(workbook(f"<cols/><sheetData>{HEAD}{rows}</sheetData>{merged}"))
    assert columns == ["name"]
    assert sum(1 for _ in found) == 20_000
