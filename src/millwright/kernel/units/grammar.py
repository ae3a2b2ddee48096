"""Reading a UCUM code (the grammar of §§1–9): terms of components, joined by ``.`` and ``/``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from millwright.kernel.units.atoms import (
    ARBITRARY,
    BASE,
    METRIC,
    PLAIN,
    PREFIXES,
    SPECIAL,
)

MAX_LENGTH: Final = 64
"""Longest code accepted."""

Dimension = tuple[tuple[str, int], ...]
"""Base units with their exponents, sorted; empty for a pure number."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its size in base units, its dimension, and for a special unit its function.

    ``factor`` is the size of one in base units. For a special unit, ``special`` names the function that leads from
    ``scale`` times the value to the proper unit of size ``factor``.
    """

    code: str
    factor: float
    dimension: Dimension
    special: str | None = None
    scale: float = 1.0


COMPONENT: Final = re.compile(r"(?:[^.\/(){}\[\]]|\[[^\[\]{}]*\])+")
_EXPONENT = re.compile(r"^(.*?[^0-9+\-])([+-]?\d+)$")
_METRIC_ATOMS: Final = frozenset(METRIC) | set(BASE) | set(ARBITRARY) | {k for k, v in SPECIAL.items() if v[2]}
ATOMS: Final = frozenset(_METRIC_ATOMS) | set(PLAIN) | set(SPECIAL)


class Fault(Exception):
    """Why a code cannot be read."""


@lru_cache(maxsize=4096)
def read(code: str) -> Unit:
    """The unit that ``code`` stands for. Raises :class:`Fault`."""
    if not code or len(code) > MAX_LENGTH or not code.isascii() or not code.isprintable() or " " in code:
        raise Fault(f"a code has 1 to {MAX_LENGTH} printable ASCII characters and no spaces")
    try:
        unit = _Reader(code).main_term()
    except (OverflowError, ZeroDivisionError) as error:
        raise Fault("its size is out of range") from error
    return Unit(code, unit.factor, unit.dimension, unit.special, unit.scale)


def is_code(code: str) -> bool:
    """Whether ``code`` is UCUM."""
    try:
        read(code)
    except Fault:
        return False
    return True


def split(component: str) -> tuple[str, int]:
    """A simple unit and its exponent. Raises :class:`Fault`."""
    for power in ("10*", "10^"):
        if component.startswith(power):
            rest = component[len(power) :]
            if rest and not re.fullmatch(r"[+-]?\d{1,2}", rest):
                raise Fault(f"{rest!r} is no exponent of ten")
            return power, int(rest or 1)
    if component in ATOMS:
        return component, 1
    found = _EXPONENT.match(component)
    if found is None:
        return component, 1
    if len(found[2]) > 3:
        raise Fault(f"the exponent {found[2]} is out of range")
    return found[1], int(found[2])


def prefixed(atom: str) -> tuple[str, str]:
    """Prefix and unit; the unit alone wins over a prefix (``cd`` is the candela). Raises :class:`Fault`."""
    if atom in ATOMS:
        return "", atom
    for length in (1, 2):
        prefix, rest = atom[:length], atom[length:]
        if prefix in PREFIXES and rest in _METRIC_ATOMS:
            return prefix, rest
    raise Fault(f"there is no unit {atom!r}")


class _Reader:
    def __init__(self, code: str) -> None:
        self._code = code
        self._position = 0

    def main_term(self) -> Unit:
        unit = self._term()
        if self._position < len(self._code):
            raise Fault(f"{self._code[self._position]!r} is out of place")
        return unit

    def _peek(self) -> str:
        return self._code[self._position : self._position + 1]

    def _term(self, depth: int = 0) -> Unit:
        unit = Unit("", 1.0, ())
        operator = "."
        if self._peek() == "/":
            operator, self._position = "/", self._position + 1
        alone = True
        while True:
            unit = _multiply(unit, self._component(depth), -1 if operator == "/" else 1, alone and operator == ".")
            operator = self._peek()
            if operator not in (".", "/"):
                return unit
            self._position += 1
            alone = False

    def _component(self, depth: int) -> Unit:
        char = self._peek()
        if char == "(":
            if depth > 8:
                raise Fault("it is nested too deep")
            self._position += 1
            unit = self._term(depth + 1)
            if self._peek() != ")":
                raise Fault("a bracket is not closed")
            self._position += 1
            return unit
        if char == "{":
            self._annotation()
            return Unit("", 1.0, ())
        found = COMPONENT.match(self._code, self._position)
        if found is None:
            raise Fault("a unit is missing" if not char else f"{char!r} is out of place")
        self._position = found.end()
        unit = _simple(found.group())
        if self._peek() == "{":
            self._annotation()
        return unit

    def _annotation(self) -> None:
        end = self._code.find("}", self._position)
        if end < 0 or "{" in self._code[self._position + 1 : end]:
            raise Fault("an annotation is not closed")
        self._position = end + 1


def _simple(component: str) -> Unit:
    if component.isdigit():
        return Unit(component, float(component), ())
    atom, exponent = split(component)
    prefix, name = prefixed(atom)
    scale = PREFIXES[prefix] if prefix else 1.0
    if name in SPECIAL:
        if exponent != 1:
            raise Fault(f"{name} cannot be raised to a power")
        function, proper, _ = SPECIAL[name]
        base = _defined(proper)
        return Unit(component, base.factor, base.dimension, function, scale)
    unit = _atom(name)
    return Unit(
        component,
        (scale * unit.factor) ** exponent,
        tuple((base, power * exponent) for base, power in unit.dimension) if exponent else (),
    )


@cache
def _atom(name: str) -> Unit:
    definition = METRIC.get(name) or PLAIN.get(name)
    if definition is None:
        return Unit(name, 1.0, ((name, 1),))
    return _defined(definition)


def _defined(definition: str) -> Unit:
    number, _, code = definition.partition(" ")
    if not code:
        try:
            return Unit(definition, float(definition), ())
        except ValueError:
            number, code = "1", definition
    unit = _Reader(code).main_term()
    return Unit(code, float(number) * unit.factor, unit.dimension)


def _multiply(left: Unit, right: Unit, sign: int, first: bool) -> Unit:
    if right.special and first:
        return right
    if left.special and right.factor == 1 and not right.dimension and not right.special:
        return left  # an annotation
    if left.special or right.special:
        raise Fault("a unit on no ratio scale (such as Cel or dB) stands alone; use K for differences")
    powers = dict(left.dimension)
    for base, power in right.dimension:
        powers[base] = powers.get(base, 0) + sign * power
    dimension = tuple(sorted((base, power) for base, power in powers.items() if power))
    return Unit("", left.factor * right.factor**sign, dimension)
