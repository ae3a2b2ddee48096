"""What carriers are."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

Symbology = Literal["qr", "data_matrix", "code_128", "gs1_qr", "gs1_data_matrix", "gs1_128"]
"""Kinds of printed carriers that are written."""

SYMBOLOGIES: tuple[Symbology, ...] = get_args(Symbology)

Level = Literal["L", "M", "Q", "H"]
"""Error correction of QR Code: about 7, 15, 25 and 30 % of the codewords may be lost (ISO/IEC 18004, clause 4)."""

MOST_LABELS = 5000
"""On the sheets of one request."""

_LINEAR = ("code_128", "gs1_128")
_QUIET = {"qr": 4, "gs1_qr": 4, "data_matrix": 1, "gs1_data_matrix": 1, "code_128": 10, "gs1_128": 10}


class Symbol(Struct, frozen=True, kw_only=True):
    """A symbol: its modules row by row (1: dark), without the quiet zone. A linear one has one row.

    ``elements`` are the application identifiers and their data, for a ``gs1_`` symbology; ``hri`` is what people read.
    """

    symbology: Symbology
    text: str
    hri: str
    modules: tuple[bytes, ...]
    elements: tuple[tuple[str, str], ...] = ()

    @property
    def linear(self) -> bool:
        """Whether it is bars: its height is free."""
        return self.symbology in _LINEAR

    @property
    def quiet(self) -> int:
        """Modules that must stay empty around it; of bars, left and right."""
        return _QUIET[self.symbology]

    @property
    def width(self) -> int:
        """In modules."""
        return len(self.modules[0])

    @property
    def height(self) -> int:
        """In modules; bars are drawn as high as a sixth of their width, and 15 at least."""
        return max(15, self.width // 6) if self.linear else len(self.modules)


class Found(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A carrier in a picture.

    ``text`` is what it says (element strings in brackets for GS1), ``symbology_identifier`` how (``]Q3``; ISO/IEC
    15424), ``corners`` where: clockwise from its upper left, in pixels.
    """

    format: str
    text: str
    symbology_identifier: str
    gs1: bool = False
    octets_hex: str = ""
    corners: tuple[tuple[int, int], ...] = ()


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A label: what its symbol says, and a line for people above the interpretation."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
    caption: Annotated[str, Meta(max_length=200)] = ""
    symbology: Symbology | None = None


class SheetLayout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How labels lie on A4. The defaults are sheets of 3 × 8."""

    columns: Annotated[int, Meta(ge=1, le=12)] = 3
    rows: Annotated[int, Meta(ge=1, le=30)] = 8
    margin_mm: Annotated[float, Meta(ge=0, le=40)] = 8.0
    gap_mm: Annotated[float, Meta(ge=0, le=20)] = 2.0
    hri: Annotated[bool, Meta(description="Print the human readable interpretation.")] = True
    frames: Annotated[bool, Meta(description="Draw thin frames to cut along.")] = False
