"""Turning a value of one unit into another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from millwright.kernel.errors import Invalid
from millwright.kernel.units.code import parse

_Function = Callable[[float], float]

_FUNCTIONS: Final[dict[str, tuple[_Function, _Function]]] = {
    "celsius": (lambda x: x + 273.15, lambda x: x - 273.15),
    "fahrenheit": (lambda x: (x + 459.67) * 5 / 9, lambda x: x * 9 / 5 - 459.67),
    "reaumur": (lambda x: x * 1.25 + 273.15, lambda x: (x - 273.15) / 1.25),
    "ph": (lambda x: 10**-x, lambda x: -math.log10(x)),
    "neper": (math.exp, math.log),
    "bel": (lambda x: 10**x, math.log10),
    "bel_field": (lambda x: 10 ** (x / 2), lambda x: 2 * math.log10(x)),
    "bits": (lambda x: 2**x, math.log2),
}
"""From a special unit's value to its proper unit's, and back (UCUM §22)."""


def commensurable(first: str, second: str) -> bool:
    """Whether values of one convert into the other. Raises ``Invalid`` (``units.unknown``)."""
    return parse(first).dimension == parse(second).dimension


def convert(value: float, source: str, target: str) -> float:
    """``value`` of unit ``source`` in unit ``target``.

    Raises ``Invalid``: ``units.unknown``, ``units.incommensurable``, or ``units.out_of_range`` (a logarithm of a
    number that is not positive).
    """
    if source == target:
        return value
    start, end = parse(source), parse(target)
    if start.dimension != end.dimension:
        raise Invalid(
            f"{source} and {target} measure different things.",
            code="units.incommensurable",
            hint="Convert between units of the same kind of quantity.",
            detail={"source": source, "target": target},
        )
    try:
        if start.special:
            value = _FUNCTIONS[start.special][0](value * start.scale)
        ratio = start.factor / end.factor
        value *= ratio
        if end.special:
            value = _FUNCTIONS[end.special][1](value) / end.scale
    except (ValueError, OverflowError) as error:
        raise Invalid(
            f"{value!r} {source} has no value in {target}.", code="units.out_of_range", hint="Check the value."
        ) from error
    return value
