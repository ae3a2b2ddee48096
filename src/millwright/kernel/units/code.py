"""Checking a UCUM code, and printing it."""

from __future__ import annotations

from millwright.kernel.errors import Invalid
from millwright.kernel.units.atoms import SYMBOLS
from millwright.kernel.units.grammar import COMPONENT, Fault, Unit, prefixed, read, split
from millwright.kernel.units.suggestion import suggest

_SUPERSCRIPT = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")


def parse(code: str) -> Unit:
    """The unit that ``code`` stands for. Raises ``Invalid`` (``units.unknown``) with the nearest code as hint."""
    try:
        return read(code)
    except Fault as fault:
        nearest = suggest(code)
        raise Invalid(
            f"{code!r} is no UCUM unit: {fault}.",
            code="units.unknown",
            hint=f"Did you mean {nearest}?" if nearest else "Codes are case sensitive; see https://ucum.org.",
            detail={"unit": code, "nearest": nearest},
        ) from fault


def check(code: str) -> str:
    """``code`` when it is UCUM. Raises ``Invalid`` (``units.unknown``)."""
    parse(code)
    return code


def symbol(code: str) -> str:
    """How the unit is printed: ``m3/h`` → ``m³/h``, ``Cel`` → ``°C``. Raises ``Invalid`` (``units.unknown``)."""
    check(code)
    printed: list[str] = []
    position = 0
    while position < len(code):
        char = code[position]
        if char == "{":
            end = code.index("}", position)
            text = code[position + 1 : end]
            alone = not printed or printed[-1] in "·/("
            printed.append(text if alone else f" {text}")
            position = end + 1
        elif char in "./()":
            printed.append("·" if char == "." else char)
            position += 1
        else:
            found = COMPONENT.match(code, position)
            assert found is not None
            printed.append(_print(found.group()))
            position = found.end()
    return "".join(printed)


def _print(component: str) -> str:
    if component.isdigit():
        return component
    atom, exponent = split(component)
    raised = str(exponent).translate(_SUPERSCRIPT) if exponent != 1 else ""
    prefix, name = prefixed(atom)
    return f"{'µ' if prefix == 'u' else prefix}{SYMBOLS.get(name, name)}{raised}"
