"""From a text to the modules of a symbol, by zxing-cpp (decision 26)."""

from __future__ import annotations

import re

import numpy as np
import zxingcpp

from millwright.identity.carriers.errors import content_refused, content_too_long
from millwright.identity.carriers.model import Level, Symbol, Symbology
from millwright.identity.codes.gs1.elements import Element, find_fault, read_bracketed, refuse, unknown_identifier
from millwright.identity.codes.gs1.table import table
from millwright.kernel import Invalid

_FORMATS = {"qr": zxingcpp.BarcodeFormat.QRCode, "gs1_qr": zxingcpp.BarcodeFormat.QRCode,
            "data_matrix": zxingcpp.BarcodeFormat.DataMatrix, "gs1_data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
            "code_128": zxingcpp.BarcodeFormat.Code128, "gs1_128": zxingcpp.BarcodeFormat.Code128}  # fmt: skip
_SQUARE = re.compile(r"\[(?P<ai>[^\[\]]*)\](?P<data>[^\[]*)")
_MOST = 4000
"""No symbol holds more; what is longer is refused before the library looks at it."""


def encode(text: str, symbology: Symbology, *, level: Level = "M") -> Symbol:
    """The symbol of a text; ``level`` is that of QR Code. Raises ``Invalid``.

    Text beyond ASCII is written as UTF-8 behind ECI 26, which every reader of ISO/IEC 18004 and 16022 knows.
    """
    _check(text, symbology)
    elements = elements_of(text) if symbology.startswith("gs1_") else ()
    options: dict[str, object] = {"gs1": True} if elements else {}
    if symbology in ("qr", "gs1_qr"):
        options["ec_level"] = level
    elif "matrix" in symbology:
        options["force_square"] = True
    if not text.isascii() and not elements:
        # Without it the library writes ISO/IEC 8859-1 or Shift JIS where it can, and readers have to guess which.
        options["eci"] = "UTF-8"
    # Square brackets: round ones may stand in the data.
    content = "".join(f"[{ai}]{data}" for ai, data in elements) or text
    try:
        made = zxingcpp.create_barcode(content, _FORMATS[symbology], **options)
        picture = np.array(made.to_image(scale=1, add_quiet_zones=False))
    except (ValueError, RuntimeError) as error:
        raise content_too_long(symbology, _words(error)) from None
    dark = (picture < 128).astype(np.uint8)
    if symbology in ("code_128", "gs1_128"):
        dark = dark[:1]
    hri = "".join(f"({ai}){data}" for ai, data in elements) or text
    return Symbol(
        symbology=symbology, text=text, hri=hri, modules=tuple(row.tobytes() for row in dark), elements=elements
    )


def _words(error: Exception) -> str:
    """What the library says, without its numbers."""
    return re.sub(r"^Error \d+: | \(retval: \d+\)$", "", str(error))


def _check(text: str, symbology: Symbology) -> None:
    if not text:
        raise content_refused(text, 0, "there is nothing to write", "没有内容")
    if len(text) > _MOST:
        raise content_too_long(symbology, f"more than {_MOST} characters")
    for at, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise content_refused(text, at, "half of a character", "不完整的字符")
        if symbology == "code_128" and character > "\x7f":
            raise content_refused(text, at, "Code 128 holds ASCII alone", "Code 128 只能容纳 ASCII 字符")


def elements_of(text: str) -> tuple[tuple[str, str], ...]:
    """The application identifiers of a bracketed element string, and their data. Raises ``Invalid``.

    Each must be what the code system ``gs1`` takes, check digits and dates included: a label is not easily taken back.
    Whether they may stand together is not asked, for that is said of all carriers of one item.
    """
    try:
        elements = _in_square(text) if text.startswith("[") else read_bracketed(text)
    except Invalid as error:
        raise content_refused(text, error.detail["at"], error.detail["why"], error.detail["why_zh"]) from None
    return tuple((each.entry.ai, each.value) for each in elements)


def _in_square(text: str) -> list[Element]:
    """The elements of ``[01]09506000134352[10]A(1)``; no data holds square brackets."""
    by_ai, elements, at = table().by_ai, [], 0
    for match in _SQUARE.finditer(text):
        if match.start() != at:
            break
        entry = by_ai.get(match["ai"])
        if entry is None:
            unknown_identifier(text, at + 1, match["ai"])
        if fault := find_fault(entry, match["data"]):
            refuse(text, match.start("data"), fault)
        elements.append(Element(entry, match["data"], match.start("data"), at + 1))
        at = match.end()
    if at < len(text):
        raise content_refused(
            text, at, "an element string has an application identifier in brackets here, such as [01]",
            "此处应为括号中的应用标识符，例如 [01]",
        )  # fmt: skip
    return elements
