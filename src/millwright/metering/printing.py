"""A statement as PDF, in Chinese and English.

Chinese is set in STSong-Light, one of the fonts that every PDF reader brings along for it (Adobe-GB1), so that no font
file has to be shipped.
"""

from __future__ import annotations

import io
from datetime import date, timedelta
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from millwright.kernel import to_iso
from millwright.metering.meters import meters
from millwright.metering.model import Line, Raw, Statement, StatementDocument

_FONT = "STSong-Light"
_MARGIN = 16 * mm
_BODY = ParagraphStyle("body", fontName=_FONT, fontSize=8.5, leading=12, wordWrap="CJK")
_RIGHT = ParagraphStyle("right", parent=_BODY, alignment=2)
_TITLE = ParagraphStyle("title", fontName=_FONT, fontSize=16, leading=22)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=7, leading=10, textColor=colors.HexColor("#666666"))
_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.HexColor("#cccccc")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
)
_KINDS = {
    "fee": "月费 Monthly fee",
    "free": "免费额度 Free",
    "package": "流量包 Package",
    "package_use": "流量包抵扣 From package",
    "tier": "用量 Use",
}


def pdf_of(statement: Statement) -> bytes:
    """The statement on A4 pages."""
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    document = statement.document
    number = statement.number or "草稿 Draft"
    story: list[Flowable] = [
        Paragraph(f"账单 Statement {escape(number)}", _TITLE),
        Spacer(1, 4 * mm),
        _head(statement),
        Spacer(1, 5 * mm),
        _lines(document),
        Spacer(1, 7 * mm),
        Paragraph("用量明细 Raw counts", _BODY),
        Spacer(1, 1 * mm),
        _raw(document.raw),
    ]
    if statement.digest:
        story += [Spacer(1, 5 * mm), Paragraph(f"SHA-256 {statement.digest}", _SMALL)]
    out = io.BytesIO()
    SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=f"Statement {number}",
        author="Millwright",
        invariant=1,
    ).build(story, onFirstPage=_foot, onLaterPages=_foot)
    return out.getvalue()


def _foot(canvas: Canvas, _document: object) -> None:
    canvas.setFont(_FONT, 7)
    canvas.drawRightString(A4[0] - 20 * mm, 10 * mm, str(canvas.getPageNumber()))


def _head(statement: Statement) -> Table:
    document = statement.document
    zone = f"UTC{document.utc_offset_h:+d}" if document.utc_offset_h else "UTC"
    issued = "—" if statement.issued_ms is None else to_iso(statement.issued_ms)
    rows = [
        ("付款单位 Payer", f"{document.organisation} ({document.organisation_id})"),
        ("月份 Month", f"{document.month} ({zone})"),
        ("开具时间 Issued", issued),
        ("未税合计 Total, tax-free", f"{document.currency} {document.total}"),
    ]
    return Table([[_cell(name), _cell(value)] for name, value in rows], colWidths=[45 * mm, 125 * mm], hAlign="LEFT")


def _lines(document: StatementDocument) -> Table:
    head = ["项目 Item", "方案 Plan", "天数 Days", "数量 Quantity", "单价 Price", "金额 Amount"]
    rows = [[_cell(each) for each in head]]
    rows += [_line(line) for line in document.lines]
    rows.append([_cell("未税合计 Total, tax-free"), "", "", "", "", _number(f"{document.currency} {document.total}")])
    widths = [48 * mm, 32 * mm, 20 * mm, 26 * mm, 24 * mm, 26 * mm]
    return Table(rows, colWidths=widths, style=_GRID, repeatRows=1, hAlign="LEFT")


def _line(line: Line) -> list[Flowable]:
    what = _KINDS[line.kind]
    if line.meter:
        what = f"{_meter(line.meter)} · {what}"
    if line.note:
        what = f"{what} {line.note}"
    fee = line.kind == "fee"
    price = line.price if line.per == 1 or fee else f"{line.price} / {line.per:,}"
    return [
        _cell(what),
        _cell(f"{line.plan} v{line.version}"),
        _number(str(line.days)),
        _number(f"{line.quantity} / {line.per}" if fee else f"{line.quantity:,}"),
        _number(price),
        _number(line.amount),
    ]


def _raw(raw: list[Raw]) -> Table:
    rows = [[_cell(each) for each in ("组织 Organisation", "日期 Days", "计量 Meter", "数量 Quantity")]]
    rows += [
        [
            _cell(each.name),
            _cell(f"{each.first_day} – {_last(each.end_day)}"),
            _cell(_meter(each.meter)),
            _number(f"{each.quantity:,}"),
        ]
        for each in raw
    ]
    return Table(rows, colWidths=[56 * mm, 44 * mm, 50 * mm, 26 * mm], style=_GRID, repeatRows=1, hAlign="LEFT")


def _last(end_day: str) -> str:
    return (date.fromisoformat(end_day) - timedelta(days=1)).isoformat()


def _meter(name: str) -> str:
    found = meters().get(name)
    return name if found is None else f"{found.text_zh} {found.text}"


def _cell(text: str) -> Paragraph:
    return Paragraph(escape(text), _BODY)


def _number(text: str) -> Paragraph:
    return Paragraph(escape(text), _RIGHT)
