"""Carriers: what shows an identifier to a machine – QR Code, Data Matrix, Code 128, the memory of an RFID tag.

Vocabulary: a *symbology* is a kind of printed carrier; a *symbol* is one of them with its content; *HRI* is the human
readable interpretation beneath it. The ``gs1_`` symbologies begin with FNC1 and hold GS1 element strings, which are
given in brackets: ``(01)09506000134352(10)A``; in the data ``(`` is ``\\(``, or the brackets are square ones.

Standards: ISO/IEC 18004 (QR Code), ISO/IEC 16022 (Data Matrix, ECC 200), ISO/IEC 15417 (Code 128), GS1 General
Specifications section 5, ISO/IEC 15424 (symbology identifiers), ISO/IEC 18000-63 and the GS1 Gen2 UHF air interface.
"""

from typing import TYPE_CHECKING

from millwright.identity.carriers.model import SYMBOLOGIES, Found, Label, Level, SheetLayout, Symbol, Symbology
from millwright.kernel.lazy import exports

if TYPE_CHECKING:
    from millwright.identity.carriers.drawing import png_of, svg_of
    from millwright.identity.carriers.encoding import encode
    from millwright.identity.carriers.reading import read_picture
    from millwright.identity.carriers.sheets import pdf_sheet, read_labels, svg_sheet
    from millwright.identity.carriers.tags import EpcBank, epc_bank, read_epc_bank
    from millwright.identity.carriers.zpl import zpl_of

__getattr__ = exports(__name__)

__all__ = [
    "SYMBOLOGIES",
    "EpcBank",
    "Found",
    "Label",
    "Level",
    "SheetLayout",
    "Symbol",
    "Symbology",
    "encode",
    "epc_bank",
    "pdf_sheet",
    "png_of",
    "read_epc_bank",
    "read_labels",
    "read_picture",
    "svg_of",
    "svg_sheet",
    "zpl_of",
]
