"""Text in CSV files that people open in a spreadsheet, which runs what looks like a formula (OWASP, CSV injection)."""

from __future__ import annotations

import re

# The full-width forms count too: spreadsheets of Chinese and Japanese users take them as operators.
_FORMULA = re.compile(r"'*\ *[=+\-@\t\r\n＝＋－＠]")


def safe_cell(text: str) -> str:
    """``text`` with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain_cell(text: str) -> str:
    """What :func:`safe_cell` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
