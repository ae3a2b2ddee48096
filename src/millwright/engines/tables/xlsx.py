"""Rows of the first sheet of an Excel workbook (ECMA-376), read as a stream."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import IO, BinaryIO, Final
from xml.etree import ElementTree

from millwright.engines.tables.errors import Unreadable, unreadable

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]+)")
_DATES = frozenset({14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 36, 45, 46, 47, 50, 57})
_DATE_FORM = re.compile(r"[ymdh]", re.IGNORECASE)
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_MOST_APART: Final = 8 * 1024 * 1024
"""Bytes of a row, or of what stands between two."""
_MOST_ELEMENTS: Final = 100_000
"""Elements of a row, or around it."""
_MOST_STRINGS: Final = 200 * 1024 * 1024
"""Bytes of shared texts, which are in memory while the sheet is read."""


def read_workbook(file: BinaryIO) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names in the first row, and the rows. Raises ``Invalid`` (:class:`Unreadable`)."""
    try:
        book = zipfile.ZipFile(file)
        sheet = _first_sheet(book)
        strings, dates = _strings(book), _date_styles(book)
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise unreadable("it is no workbook of Excel", "不是 Excel 工作簿") from error
    rows = _rows(book, sheet, strings, dates)
    _, names = next(rows, (0, []))
    return [each.strip() for each in names], rows


def _parts(book: zipfile.ZipFile, name: str, tag: str) -> Iterator[ElementTree.Element]:
    """Elements of a part, each cleared when it was looked at, as is what stands around them.

    Entities are refused, so that none expands.
    """
    with book.open(name) as source:
        part = _Part(source)
        open_ones: list[ElementTree.Element] = []
        inside = held = 0
        for event, element in ElementTree.iterparse(part, events=("start", "end")):  # noqa: S314 - no entities
            wanted = element.tag == _MAIN + tag
            if event == "start":
                open_ones.append(element)
                inside += wanted
                held += 1
                if held > _MOST_ELEMENTS:
                    raise _too_much()
                continue
            open_ones.pop()
            inside -= wanted
            if wanted:
                yield element
                part.apart = 0
            if element.tag == _MAIN + "sheetData":  # what follows is not looked at, and may be large
                return
            if not inside and open_ones:
                open_ones[-1].clear()
                held = len(open_ones)


def _too_much() -> Unreadable:
    return unreadable("a row has too much in it, or there is too much between two", "某一行或两行之间的内容过多")


def _tree(data: bytes) -> ElementTree.Element:
    _refuse_entities(data)
    return ElementTree.fromstring(data)  # noqa: S314 - entities are refused


def _refuse_entities(data: bytes) -> None:
    """A part of a workbook never declares any (ECMA-376, Part 2, 8.3), and is in UTF-8."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        raise unreadable("it declares entities, or is not in UTF-8", "文件含有不允许的声明")


class _Part:
    """A part of a workbook, looked at while it is read; ``apart`` counts its bytes since it was set to 0."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._end = source, b""
        self.apart = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._source.read(size)
        _refuse_entities(self._end + data)
        self._end = data[-16:]
        self.apart += len(data)
        if self.apart > _MOST_APART:
            raise _too_much()
        return data


def _first_sheet(book: zipfile.ZipFile) -> str:
    workbook = _tree(_small(book, "xl/workbook.xml"))
    first = workbook.find(f"{_MAIN}sheets/{_MAIN}sheet")
    wanted = None if first is None else first.get(_RELATION)
    relations = _tree(_small(book, "xl/_rels/workbook.xml.rels"))
    for each in relations:
        if each.get("Id") == wanted:
            target = each.get("Target") or ""
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise unreadable("it has no sheet", "工作簿没有工作表")


def _small(book: zipfile.ZipFile, name: str) -> bytes:
    if book.getinfo(name).file_size > 4 * 1024 * 1024:
        raise unreadable(f"{name} is too large", "文件结构异常")
    return book.read(name)


def _strings(book: zipfile.ZipFile) -> list[str]:
    name = "xl/sharedStrings.xml"
    if name not in book.namelist():
        return []
    if book.getinfo(name).file_size > _MOST_STRINGS:
        raise unreadable("it has too many different texts; save it as CSV", "文本过多，请另存为 CSV")
    return ["".join(part.text or "" for part in each.iter(f"{_MAIN}t")) for each in _parts(book, name, "si")]


def _date_styles(book: zipfile.ZipFile) -> set[str]:
    """The styles of cells whose numbers are dates."""
    name = "xl/styles.xml"
    if name not in book.namelist():
        return set()
    styles = _tree(_small(book, name))
    dates = set(_DATES)
    for each in styles.iter(f"{_MAIN}numFmt"):
        if _DATE_FORM.search(_LITERAL.sub("", each.get("formatCode") or "")):
            dates.add(int(each.get("numFmtId") or 0))
    forms = styles.find(f"{_MAIN}cellXfs")
    found = [] if forms is None else list(forms)
    return {str(place) for place, each in enumerate(found) if int(each.get("numFmtId") or 0) in dates}


def _rows(book: zipfile.ZipFile, sheet: str, strings: list[str], dates: set[str]) -> Iterator[tuple[int, list[str]]]:
    line = 0
    for row in _parts(book, sheet, "row"):
        line = int(row.get("r") or line + 1)
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            place = _PLACE.fullmatch(cell.get("r") or "")
            column = _column(place[1]) if place else len(cells)
            if column >= 1000:
                raise unreadable("it has more than 1000 columns", "列数过多", line)
            cells += [""] * (column - len(cells))
            cells.append(_text(cell, strings, dates))
        if any(cells):
            yield line, cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _text(cell: ElementTree.Element, strings: list[str], dates: set[str]) -> str:
    kind = cell.get("t") or "n"
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{_MAIN}t"))
    value = cell.find(f"{_MAIN}v")
    text = "" if value is None else value.text or ""
    if kind == "s":
        return strings[int(text)] if text.isdigit() and int(text) < len(strings) else ""
    if kind == "b":
        return "true" if text == "1" else "false"
    if kind == "n" and text:
        return _date(text) if (cell.get("s") or "") in dates else _number(text)
    return text


def _number(text: str) -> str:
    if "E" not in text and "e" not in text and "." not in text:
        return text
    number = float(text)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _date(text: str) -> str:
    """Days since 1900 as Excel counts them, which has a 29 February in that year."""
    days = float(text)
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(days * 86_400))
    return moment.date().isoformat() if days.is_integer() else f"{moment.isoformat()}Z"
