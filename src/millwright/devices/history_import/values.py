"""Values of a column: numbers all at once where they are, else cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from millwright.historian import BAD, BOOLEAN, GOOD, NUMBER, TEXT, UNCERTAIN
from millwright.kernel.spreadsheet import plain_cell

MOST_TEXT: Final = 4096
_WORDS: Final = {"true": 1.0, "false": 0.0}
_QUALITIES: Final = {"good": int(GOOD), "uncertain": int(UNCERTAIN), "bad": int(BAD), "": int(GOOD)}


@dataclass(slots=True)
class Values:
    """A column's values: ``number`` (NaN for a text), ``kind``; which cells are ``empty``; ``text`` and why a cell is
    ``refused``, by place."""

    number: npt.NDArray[np.float64]
    kind: npt.NDArray[np.uint8]
    empty: npt.NDArray[np.bool_]
    text: dict[int, str] = field(default_factory=dict)
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)


def read_values(cells: Sequence[str], *, decimal_comma: bool) -> Values:
    """The values of cells. An empty cell is no reading; ``true`` and ``false`` are booleans, other words texts."""
    size = len(cells)
    if not decimal_comma:
        try:
            number = np.array(cells, np.float64)
            return Values(number, np.full(size, NUMBER, np.uint8), np.zeros(size, np.bool_))
        except ValueError:
            pass
    found = Values(np.full(size, np.nan), np.full(size, NUMBER, np.uint8), np.zeros(size, np.bool_))
    for place, cell in enumerate(cells):
        text = cell.strip()
        if not text:
            found.empty[place] = True
            continue
        try:
            found.number[place] = float(_with_point(text) if decimal_comma else text)
            continue
        except ValueError:
            pass
        word = _WORDS.get(text.lower())
        if word is not None:
            found.number[place], found.kind[place] = word, BOOLEAN
            continue
        text = plain_cell(text)
        if len(text.encode()) > MOST_TEXT:
            found.refused[place] = (f"The text is longer than {MOST_TEXT} bytes.", f"文本超过 {MOST_TEXT} 字节")
            continue
        found.kind[place] = TEXT
        found.text[place] = text
    return found


def _with_point(text: str) -> str:
    """``1.234,5`` as ``1234.5``; a number without a comma as it is."""
    return text.replace(".", "").replace(",", ".") if "," in text else text


def read_qualities(cells: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The quality that each cell says: a word, or the byte of OPC classic; what nobody knows is uncertain."""
    known: dict[str, int] = dict(_QUALITIES)

    def quality(cell: str) -> int:
        found = known.get(cell)
        if found is None:
            found = known.get(cell.strip().lower())
            if found is None:
                try:
                    number = float(cell)
                except ValueError:
                    number = float(UNCERTAIN)
                found = int(GOOD if number >= GOOD else UNCERTAIN if number >= UNCERTAIN else BAD)
            if len(known) < 1000:
                known[cell] = found
        return found

    return np.fromiter((quality(cell) for cell in cells), np.uint8, len(cells))
