"""Keys without an Application Identifier, as they stand under a bar code or in a list."""

from __future__ import annotations

from millwright.identity.codes.errors import bad_code
from millwright.identity.codes.gs1.check_digits import check_digit, has_check_digit
from millwright.identity.codes.gs1.elements import Element, find_fault, refuse
from millwright.identity.codes.gs1.table import table

_KEYS = (
    (8, "01", "GTIN-8", ""),
    (12, "01", "GTIN-12", ""),
    (13, "01", "GTIN-13", "13 digits may also be a GLN; it is read as a GTIN-13."),
    (14, "01", "GTIN-14", ""),
    (17, "402", "GSIN", ""),
    (18, "00", "SSCC", "18 digits may also be a GSRN; it is read as an SSCC."),
)
_BY_LENGTH = {length: (ai, name, note) for length, ai, name, note in _KEYS}

LENGTHS = frozenset(_BY_LENGTH)
"""How many digits a key without an identifier has."""


def read_key(text: str, start: int = 0) -> tuple[Element, str]:
    """The element that the digits from ``start`` are, and a note where they may be another (clause 2)."""
    digits = text[start:]
    ai, name, note = _BY_LENGTH[len(digits)]
    entry = table().by_ai[ai]
    if not has_check_digit(digits):
        right = check_digit(digits[:-1])
        raise bad_code(
            text,
            len(text) - 1,
            f"the check digit of this {name} is {digits[-1]} but should be {right}.",
            why_zh=f"此 {name} 的校验位是 {digits[-1]}，应为 {right}。",
        )
    value = digits.zfill(entry.most)
    if fault := find_fault(entry, value):
        refuse(text, start, fault)
    return Element(entry, value, start, start), note
