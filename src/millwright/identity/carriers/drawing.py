"""Symbols as SVG and PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from millwright.identity.carriers.model import Symbol

SVG, PNG = "image/svg+xml", "image/png"


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
    lines = _folded(symbol.hri, width) if hri else []
    step = max(3.0, width / 18)
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


def _folded(text: str, width: int) -> list[str]:
    """Lines that fit beneath a symbol, as many as four."""
    text, most = _printable(text), max(16, width // 2)
    lines = [text[at : at + most] for at in range(0, len(text), most)]
    return lines if len(lines) <= 4 else [*lines[:3], lines[3][:-1] + "…"]
