"""Polygons on a plan, in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""The least x and y, and the greatest."""


def box_of(polygon: Sequence[Point]) -> Box:
    """The box around the corners."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether the point lies inside, by counting crossings (even-odd rule)."""
    inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


def distance(polygon: Sequence[Point], x: float, y: float) -> float:
    """How far the point is from the border."""
    nearest = math.inf
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        dx, dy = x2 - x1, y2 - y1
        length = dx * dx + dy * dy
        along = 0.0 if length == 0 else max(0.0, min(1.0, ((x - x1) * dx + (y - y1) * dy) / length))
        nearest = min(nearest, math.hypot(x - x1 - along * dx, y - y1 - along * dy))
        x1, y1 = x2, y2
    return nearest


def area(polygon: Sequence[Point]) -> float:
    """Its area in square metres, whichever way round it goes."""
    total = 0.0
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        total += x1 * y2 - x2 * y1
        x1, y1 = x2, y2
    return abs(total) / 2


def centre(polygon: Sequence[Point]) -> Point:
    """The middle of its corners."""
    return sum(x for x, _ in polygon) / len(polygon), sum(y for _, y in polygon) / len(polygon)
