"""What commands print: tables and sentences for people, JSON for programs, errors with their hint."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec

from millwright.kernel import MillwrightError, to_iso


def print_json(value: Any) -> None:
    """``value`` as indented JSON on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "None.") -> None:
    """Rows in columns as wide as they need; ``empty`` when there are none."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(empty)
        return
    table = [[heading.upper() for heading in headings], *cells]
    widths = [max(text_width(row[column]) for row in table) for column in range(len(headings))]
    for row in table:
        padded = (text + " " * (width - text_width(text)) for text, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def print_error(error: MillwrightError, *, as_json: bool) -> None:
    """The error's message and hint on standard error; with ``as_json`` the whole of it on standard output."""
    if as_json:
        print_json({"error": error.to_dict()})
        return
    click.echo(f"{'Held:' if error.family == 'held' else 'Error:'} {error.message}", err=True)
    if error.hint:
        click.echo(f"Hint:  {error.hint}", err=True)


def format_time(ms: int | None) -> str:
    """UTC to the second, or a dash."""
    return "-" if ms is None else to_iso(ms)[:19].replace("T", " ")


def interactive() -> bool:
    """Whether a person sits before standard output."""
    return sys.stdout.isatty()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)


def text_width(text: str) -> int:
    """Columns on a terminal: East Asian wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""``--json``, the same on every command."""
