"""Labels in ZPL II, the language of Zebra's and many other label printers.

The printer draws the symbol itself (^BQ, ^BX, ^BC) where its command can hold the data; where it cannot – FNC1 in a
QR Code, text beyond ASCII in a Data Matrix, control characters – the modules are sent as a picture (^GF), which every
printer prints alike. Characters that mean something to ZPL are written in hexadecimal after ^FH.
"""

from __future__ import annotations

import re

from millwright.identity.carriers.model import Level, Symbol
from millwright.identity.codes.gs1.table import table

_PLAIN = re.compile(r"[ -~]*")


def zpl_of(symbol: Symbol, *, dots: int = 6, level: Level = "M", hri: bool = True) -> bytes:
    """A whole label (^XA to ^XZ); a module is ``dots`` wide, which at 203 dpi is an eighth of a millimetre each."""
    plain = bool(_PLAIN.fullmatch(symbol.text))
    if symbol.symbology == "qr":
        # ^BQ takes at most ten dots a module; MA: level M, automatic mode.
        field = f"^BQN,2,{min(dots, 10)}^FH\\^FD{level}A,{_hex(symbol.text)}^FS"
    elif symbol.symbology == "data_matrix" and plain:
        field = f"^BXN,{dots},200,,,,_^FH\\^FD{_hex(symbol.text.replace('_', '__'))}^FS"
    elif symbol.symbology == "gs1_data_matrix":
        field = f"^BXN,{dots},200,,,,_^FH\\^FD{_hex(_with_fnc1(symbol, '_1', '_'))}^FS"
    elif symbol.symbology == "code_128" and plain:
        field = f"{_bars(symbol, dots)}^FH\\^FD{_hex('>:' + symbol.text.replace('>', '>0'))}^FS"
    elif symbol.symbology == "gs1_128":
        # Subset B throughout: longer than subset C for digits, and right for every data.
        field = f"{_bars(symbol, dots)}^FH\\^FD{_hex('>:' + _with_fnc1(symbol, '>8', '>'))}^FS"
    else:
        field = _graphic(symbol, dots)
    label = f"^XA^CI28^FO40,40{field}"
    if hri and "\x00" not in symbol.hri:
        label += f"^FO40,{60 + symbol.height * dots}^A0N,28,28^FH\\^FD{_hex(symbol.hri)}^FS"
    return f"{label}^XZ\n".encode()


def _bars(symbol: Symbol, dots: int) -> str:
    """Code 128 without text of its own: the label's is the same for every symbology. ^BY takes ten dots at most."""
    return f"^BY{min(dots, 10)}^BCN,{symbol.height * dots},N,N,N,N"


def _with_fnc1(symbol: Symbol, fnc1: str, doubled: str) -> str:
    """The element string with FNC1 as its first character and after what has no predefined length."""
    escapes, by_ai = {"_": "__", ">": ">0"}, table().by_ai
    text = fnc1
    for index, (ai, data) in enumerate(symbol.elements):
        text += ai + data.replace(doubled, escapes[doubled])
        if index + 1 < len(symbol.elements) and not by_ai[ai].fixed:
            text += fnc1
    return text


def _hex(text: str) -> str:
    """Field data after ``^FH\\``: what is not plain, and what ZPL would take for commands, as octets of UTF-8."""
    return "".join(
        character
        if " " <= character <= "}" and character not in "^\\"
        else "".join(f"\\{o:02X}" for o in character.encode())
        for character in text
    )


def _graphic(symbol: Symbol, dots: int) -> str:
    """^GFA: the modules as a picture, each ``dots`` wide."""
    rows = symbol.modules * (symbol.height if symbol.linear else 1)
    size = (symbol.width * dots + 7) // 8
    lines = []
    for row in rows:
        bits = "".join(str(module) * dots for module in row).ljust(size * 8, "0")
        lines += [f"{int(bits, 2):0{size * 2}X}"] * dots
    total = size * len(lines)
    return f"^GFA,{total},{total},{size},{''.join(lines)}^FS"
