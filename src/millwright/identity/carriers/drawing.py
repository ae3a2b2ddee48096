"""Symbols as SVG and PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from millwright.identity.carriers.model import Symbol

_MOST_LINES = 4


def bars(symbol: Symbol) -> Iterator[tuple[int, int, int, int]]:
    """The dark rectangles of a symbol in modules: x, y, width, height; neighbours in a row are one."""
    for y, row in enumerate(symbol.modules):
        x = 0
        while (start := row.find(1, x)) >= 0:
            end = row.find(0, start)
            x = len(row) if end < 0 else end
            yield start, y, x - start, symbol.height if symbol.linear else 1


def path_of(symbol: Symbol) -> str:
    """The dark modules as data of an SVG path, in modules."""
    return "".join(f"M{x} {y}h{width}v{height}h-{width}z" for x, y, width, height in bars(symbol))


def svg_of(symbol: Symbol, *, module_mm: float = 0.5, hri: bool = False) -> bytes:
    """An SVG picture with its quiet zone; a module is ``module_mm`` wide when it is printed at its own size."""
    quiet = symbol.quiet
    above = 1 if symbol.linear else quiet
    width, height = symbol.width + 2 * quiet, symbol.height + 2 * above
    step = max(3.0, width / 18)
    lines = _lines(symbol.hri, width / (step * 0.8)) if hri else []
    total = height + (len(lines) + 0.4) * step if lines else height
    texts = "".join(
        f'<text x="{width / 2:g}" y="{height + (row + 0.8) * step:g}" font-size="{step * 0.8:g}" text-anchor="middle"'
        f' font-family="sans-serif">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * module_mm:g}mm" height="{total * module_mm:g}mm"'
        f' viewBox="0 0 {width} {total:g}" shape-rendering="crispEdges"><title>{escape(_printable(symbol.hri))}</title>'
        f'<rect width="{width}" height="{total:g}" fill="#fff"/>'
        f'<path transform="translate({quiet} {above})" d="{path_of(symbol)}"/>{texts}</svg>'
    ).encode()


def png_of(symbol: Symbol, *, scale: int = 4) -> bytes:
    """A PNG picture of one bit a pixel with its quiet zone; a module is ``scale`` pixels."""
    rows = np.frombuffer(b"".join(symbol.modules), dtype=np.uint8).reshape(len(symbol.modules), symbol.width)
    if symbol.linear:
        rows = np.repeat(rows, symbol.height, axis=0)
    above = 1 if symbol.linear else symbol.quiet
    framed = np.pad(rows, ((above, above), (symbol.quiet, symbol.quiet)))
    light = np.kron(1 - framed, np.ones((scale, scale), dtype=np.uint8)).astype(bool)
    out = io.BytesIO()
    Image.fromarray(light).save(out, "PNG")
    return out.getvalue()


def _printable(text: str) -> str:
    """Without control characters, which XML 1.0 does not hold."""
    return "".join(each if each >= " " and each not in "\x7f\ufffe\uffff" else "\ufffd" for each in text)


def folded(text: str, ems: float) -> Iterator[str]:
    """Lines of at most so many ems: a Chinese character is one, a Latin one a good half."""
    line, taken = "", 0.0
    for character in _printable(text):
        size = 1.0 if character > "\u2e7f" else 0.6
        if line and taken + size > ems:
            yield line
            line, taken = "", 0.0
        line, taken = line + character, taken + size
    if line:
        yield line


def _lines(text: str, ems: float) -> list[str]:
    """Lines beneath a symbol, as many as four."""
    lines = list(folded(text, ems))
    return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][:-1] + "…"]
