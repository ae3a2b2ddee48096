"""A workbook of Excel (ECMA-376) written as a stream: one table, on as many sheets as its rows need."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Any, Final
from xml.sax.saxutils import escape

ROWS_A_SHEET: Final = 1_000_000
"""A sheet takes 1,048,576 rows."""
_MOST_TEXT: Final = 32_767
"""Characters that a cell takes; of a longer text the rest is cut off."""
_PIECE_ROWS: Final = 2_000
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_STYLES: Final = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '</fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class WorkbookWriter:
    """Writes into ``target``, which needs no seeking. Texts are texts: none is taken for a formula."""

    def __init__(self, target: IO[bytes] | Any, name: str, headings: Sequence[str]) -> None:
        self._book = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self._name, self._headings = name, list(headings)
        self._sheets = self._rows = 0
        self._sheet: IO[bytes] | None = None
        self._texts: dict[str, str] = {}

    def write(self, kinds: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """The next rows; a column of the kind ``date`` holds days since 1899-12-30."""
        dates = [kind == "date" for kind in kinds]
        piece: list[str] = []
        for row in rows:
            if self._sheet is None or self._rows >= ROWS_A_SHEET:
                self._put(piece)
                piece = []
                self._begin()
            self._rows += 1
            cells = [
                "<c/>" if cell is None else f'<c s="1"><v>{cell!r}</v></c>' if date else self._cell(cell)
                for date, cell in zip(dates, row, strict=True)
            ]
            piece.append(f"<row>{''.join(cells)}</row>")
            if len(piece) >= _PIECE_ROWS:
                self._put(piece)
                piece = []
        self._put(piece)

    def end(self) -> None:
        """Tie the sheets together; the workbook is whole then."""
        if self._sheet is None:
            self._begin()
        self._finish()
        numbers = range(1, self._sheets + 1)
        sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
        kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
        self._book.writestr(
            "[Content_Types].xml",
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kinds}.styles+xml"/>'
            + "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{sheet}"/>' for n in numbers)
            + "</Types>",
        )
        self._book.writestr(
            "_rels/.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        names = (self._name if n == 1 else f"{self._name} {n}" for n in numbers)
        self._book.writestr(
            "xl/workbook.xml",
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            + "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1))
            + "</sheets></workbook>",
        )
        self._book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
            + "".join(
                f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                for n in numbers
            )
            + f'<Relationship Id="rId0" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        )
        self._book.writestr("xl/styles.xml", _STYLES)
        self._book.close()

    def _begin(self) -> None:
        self._finish()
        self._sheets, self._rows = self._sheets + 1, 1
        self._sheet = self._book.open(f"xl/worksheets/sheet{self._sheets}.xml", "w", force_zip64=True)
        head = "".join(f'<c s="2" t="inlineStr"><is><t>{_text(each)}</t></is></c>' for each in self._headings)
        pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        self._sheet.write(
            f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews>'
            f'<sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
            f'<cols><col min="1" max="{len(self._headings)}" width="24" customWidth="1"/></cols>'
            f"<sheetData><row>{head}</row>".encode()
        )

    def _finish(self) -> None:
        if self._sheet is not None:
            self._sheet.write(b"</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _put(self, piece: list[str]) -> None:
        if piece and self._sheet is not None:
            self._sheet.write("".join(piece).encode())

    def _cell(self, cell: Any) -> str:
        if isinstance(cell, bool):
            return f'<c t="b"><v>{cell:d}</v></c>'
        if isinstance(cell, str):
            known = self._texts.get(cell)
            if known is None:
                known = f'<c t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
                if len(self._texts) < _PIECE_ROWS and len(cell) < 256:
                    self._texts[cell] = known
            return known
        return f"<c><v>{cell!r}</v></c>"


def _text(text: str) -> str:
    return escape(_UNFIT.sub(lambda match: "".join(f"_x{ord(each):04X}_" for each in match[0][:1]) + match[0][1:],
                             text[:_MOST_TEXT]))  # fmt: skip
