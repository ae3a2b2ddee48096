"""Sheets of labels: a grid on A4, as PDF of any length or as SVG of one page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from msgspec import Struct

from millwright.identity.carriers.drawing import bars, folded, path_of
from millwright.identity.carriers.encoding import encode
from millwright.identity.carriers.errors import labels_refused
from millwright.identity.carriers.model import MOST_LABELS, SYMBOLOGIES, Label, SheetLayout, Symbol, Symbology
from millwright.kernel import Invalid

A4_MM = (210.0, 297.0)
_TEXT_MM = 2.6
"""Size of the text beneath a symbol."""
_MOST_LINES = 3
_MOST_MODULES = 10_000_000
"""Of all symbols together: 5,000 labels of 40 characters are half of it. Large ones would take minutes."""
_COPIES = re.compile(r"0{0,6}[1-9][0-9]{0,3}")
"""Bounded in length before it is read as a number; leading zeros are those of spreadsheets."""
_FONT = "STSong-Light"
_POINTS = 72 / 25.4

Progress = Callable[[int, int], None]
"""Called with how many labels are drawn, and how many there are."""


def read_labels(content: bytes) -> list[Label]:
    """Labels of a CSV file: a column ``text``, optionally ``caption``, ``symbology`` and ``copies``; without a heading
    that names ``text``, the first column. UTF-8 or GB 18030, as Chinese spreadsheets write it. Raises ``Invalid``."""
    try:
        rows = list(csv.reader(io.StringIO(_decoded(content), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise labels_refused(f"This is no CSV file in UTF-8 or GB 18030: {error}") from None
    heading = [name.strip().lower() for name in rows[0]] if rows else []
    start = 1 if "text" in heading else 0
    names = heading if start else ["text", "caption", "symbology", "copies"]
    labels: list[Label] = []
    for number, row in enumerate(rows[start:], start + 1):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: cell.strip() for name, cell in zip(names, row, strict=False)}
        labels += _copies(cells, number)
        if len(labels) > MOST_LABELS:
            raise labels_refused(f"more than {MOST_LABELS} labels", number)
    if not labels:
        raise labels_refused("There are no labels.")
    return labels


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")


def _copies(cells: dict[str, str], number: int) -> list[Label]:
    if not cells.get("text"):
        raise labels_refused("there is no text", number)
    kind = cells.get("symbology") or None
    symbology = next((each for each in SYMBOLOGIES if each == kind), None)
    if kind is not None and symbology is None:
        raise labels_refused(f"no symbology {kind!r}: {', '.join(SYMBOLOGIES)}", number)
    copies = cells.get("copies") or "1"
    if not _COPIES.fullmatch(copies) or int(copies) > MOST_LABELS:
        raise labels_refused(f"copies is 1 to {MOST_LABELS}", number)
    return [Label(text=cells["text"], caption=cells.get("caption", "")[:200], symbology=symbology)] * int(copies)


def _symbols(
    labels: Sequence[Label], symbology: Symbology, progress: Progress | None
) -> Iterator[tuple[Label, Symbol]]:
    kept: tuple[Label, Symbol] | None = None
    modules = 0
    for number, label in enumerate(labels, 1):
        if kept is None or kept[0] is not label:  # copies are the same object
            try:
                kept = label, encode(label.text, label.symbology or symbology)
            except Invalid as error:
                raise labels_refused(error.message, number) from None
        modules += kept[1].width * len(kept[1].modules)
        if modules > _MOST_MODULES:
            raise labels_refused("the symbols are too large together; make several sheets", number)
        yield kept
        if progress is not None:
            progress(number, len(labels))


class _Place(Struct, frozen=True):
    """Where things of a label are on its page, in millimetres from the upper left."""

    x: float
    y: float
    width: float
    height: float
    symbol_x: float
    symbol_y: float
    module: float
    lines: tuple[str, ...]
    text_y: float


def _placed(label: Label, symbol: Symbol, layout: SheetLayout, index: int) -> _Place:
    width = (A4_MM[0] - 2 * layout.margin_mm - (layout.columns - 1) * layout.gap_mm) / layout.columns
    height = (A4_MM[1] - 2 * layout.margin_mm - (layout.rows - 1) * layout.gap_mm) / layout.rows
    row, column = divmod(index % (layout.columns * layout.rows), layout.columns)
    x = layout.margin_mm + column * (width + layout.gap_mm)
    y = layout.margin_mm + row * (height + layout.gap_mm)
    lines = _lines(label, symbol, layout, width)
    free = height - 2 - len(lines) * _TEXT_MM * 1.25
    quiet_above = 0 if symbol.linear else symbol.quiet
    module = min((width - 2) / (symbol.width + 2 * symbol.quiet), free / (symbol.height + 2 * quiet_above))
    if module <= 0.05:
        raise labels_refused("a label is too small for its symbol; take fewer columns or rows", index + 1)
    module = min(module, 1.0)
    drawn = symbol.height * module
    symbol_y = y + 1 + (free - drawn) / 2
    return _Place(
        x, y, width, height, x + (width - symbol.width * module) / 2, symbol_y, module, lines,
        max(symbol_y + drawn + quiet_above * module, y + 1 + free) + _TEXT_MM,
    )  # fmt: skip


def _lines(label: Label, symbol: Symbol, layout: SheetLayout, width: float) -> tuple[str, ...]:
    said = [label.caption] if label.caption else []
    if layout.hri:
        said.append(symbol.hri)
    lines = [line for text in said for line in folded(text, (width - 2) / _TEXT_MM)]
    return tuple(lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][:-1] + "…"])


def pdf_sheet(
    labels: Sequence[Label], layout: SheetLayout, *, symbology: Symbology = "qr", progress: Progress | None = None
) -> bytes:
    """The labels as PDF on as many pages as they take. Raises ``Invalid``, which names the label."""
    # A tenth of a second of imports that few requests need.
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(A4_MM[0] * _POINTS, A4_MM[1] * _POINTS), invariant=1, pageCompression=1)
    canvas.setTitle("Labels")
    each_page = layout.columns * layout.rows
    for index, (label, symbol) in enumerate(_symbols(labels, symbology, progress)):
        if index and index % each_page == 0:
            canvas.showPage()
        place = _placed(label, symbol, layout, index)
        path = canvas.beginPath()
        for x, y, width, height in bars(symbol):
            path.rect(
                (place.symbol_x + x * place.module) * _POINTS,
                (A4_MM[1] - place.symbol_y - (y + height) * place.module) * _POINTS,
                width * place.module * _POINTS,
                height * place.module * _POINTS,
            )
        canvas.drawPath(path, stroke=0, fill=1)
        canvas.setFont(_FONT, _TEXT_MM * _POINTS)
        for row, line in enumerate(place.lines):
            at = A4_MM[1] - place.text_y - row * _TEXT_MM * 1.25
            canvas.drawCentredString((place.x + place.width / 2) * _POINTS, at * _POINTS, line)
        if layout.frames:
            canvas.setLineWidth(0.2)
            canvas.rect(
                place.x * _POINTS, (A4_MM[1] - place.y - place.height) * _POINTS,
                place.width * _POINTS, place.height * _POINTS, stroke=1, fill=0,
            )  # fmt: skip
    canvas.save()
    return out.getvalue()


def svg_sheet(
    labels: Sequence[Label], layout: SheetLayout, *, symbology: Symbology = "qr", progress: Progress | None = None
) -> bytes:
    """The labels as SVG, pages one below the other. Raises ``Invalid``, which names the label."""
    each_page = layout.columns * layout.rows
    pages = max(1, -(-len(labels) // each_page))
    height = pages * A4_MM[1]
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{A4_MM[0]:g}mm" height="{height:g}mm"'
        f' viewBox="0 0 {A4_MM[0]:g} {height:g}"><rect width="{A4_MM[0]:g}" height="{height:g}" fill="#fff"/>'
    ]
    for index, (label, symbol) in enumerate(_symbols(labels, symbology, progress)):
        place = _placed(label, symbol, layout, index)
        drawn.append(f'<g transform="translate(0 {index // each_page * A4_MM[1]:g})">')
        if layout.frames:
            drawn.append(
                f'<rect x="{place.x:.3f}" y="{place.y:.3f}" width="{place.width:.3f}" height="{place.height:.3f}"'
                ' fill="none" stroke="#000" stroke-width="0.1"/>'
            )
        drawn.append(
            f'<path shape-rendering="crispEdges" transform="translate({place.symbol_x:.3f} {place.symbol_y:.3f})'
            f' scale({place.module:.4f})" d="{path_of(symbol)}"/>'
        )
        drawn += [
            f'<text x="{place.x + place.width / 2:.3f}" y="{place.text_y + row * _TEXT_MM * 1.25:.3f}"'
            f' font-size="{_TEXT_MM}" text-anchor="middle" font-family="sans-serif">{escape(line)}</text>'
            for row, line in enumerate(place.lines)
        ]
        drawn.append("</g>")
    return "".join([*drawn, "</svg>"]).encode()
