"""From a text to the modules of a symbol, by zxing-cpp (decision 26)."""

from __future__ import annotations

import re

import numpy as np
import zxingcpp

from millwright.identity.carriers.errors import content_refused, content_too_long
from millwright.identity.carriers.model import Level, Symbol, Symbology

_FORMATS = {"qr": zxingcpp.BarcodeFormat.QRCode, "gs1_qr": zxingcpp.BarcodeFormat.QRCode,
            "data_matrix": zxingcpp.BarcodeFormat.DataMatrix, "gs1_data_matrix": zxingcpp.BarcodeFormat.DataMatrix,
            "code_128": zxingcpp.BarcodeFormat.Code128, "gs1_128": zxingcpp.BarcodeFormat.Code128}  # fmt: skip
_ROUND, _SQUARE = re.compile(r"\((\d{2,4})\)"), re.compile(r"\[(\d{2,4})\]")
_CHARACTERS_82 = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]")
"""GS1 AI encodable character set 82 (GS1 General Specifications, figure 7.11-1)."""
_CHECKED = {"00": 18, "01": 14, "02": 14}
"""Application identifiers whose data is digits with a check digit at its end, and their lengths."""
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

    What the data of each must be is the matter of the code system ``gs1``; here only that it can be carried, and the
    check digits of the identifiers of trade items and logistic units, for a label is not easily taken back.
    """
    pattern = _SQUARE if text.startswith("[") else _ROUND
    found = list(pattern.finditer(text))
    if not found or found[0].start() != 0:
        raise content_refused(
            text, 0, "an element string begins with an application identifier in brackets, such as (01)",
            "元素串应以括号中的应用标识符开头，例如 (01)",
        )  # fmt: skip
    elements = []
    for index, match in enumerate(found):
        end = found[index + 1].start() if index + 1 < len(found) else len(text)
        ai, data = match[1], text[match.end() : end]
        if not data:
            raise content_refused(text, match.end(), f"({ai}) has no data", f"({ai}) 没有数据")
        for at, character in enumerate(data, match.end()):
            if not _CHARACTERS_82.fullmatch(character):
                raise content_refused(text, at, "not in GS1's character set 82", "不属于 GS1 字符集 82")
        _check_digit(text, ai, data, match.end())
        elements.append((ai, data))
    return tuple(elements)


def _check_digit(text: str, ai: str, data: str, at: int) -> None:
    length = _CHECKED.get(ai)
    if length is None:
        return
    if len(data) != length or not (data.isascii() and data.isdigit()):
        raise content_refused(text, at, f"({ai}) has {length} digits", f"({ai}) 应为 {length} 位数字")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(data[:-1])))
    wanted = str(-total % 10)
    if data[-1] != wanted:
        raise content_refused(
            text,
            at + length - 1,
            f"the check digit is {wanted}, not {data[-1]}",
            f"校验码应为 {wanted}，而不是 {data[-1]}",
        )
