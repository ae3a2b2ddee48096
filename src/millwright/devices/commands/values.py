"""Values against the thing model, and whether one is what was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from millwright.devices.commands.errors import value_invalid
from millwright.devices.commands.model import Value
from millwright.devices.models.model import Parameter, PropertySpec

MOST_TEXT = 4096
"""Longest text that is written."""

_FLOAT32 = 1e-6
_EXACT = 2**53


def check_value(spec: PropertySpec | Parameter, value: Any, pointer: str) -> Value:
    """``value`` as the model's type. Raises ``Invalid`` (``commands.value_invalid``)."""
    name = spec.name
    if spec.type == "boolean":
        if not isinstance(value, bool):
            raise value_invalid(f"{name} takes true or false.", pointer)
        return bool(value)
    if spec.type == "string":
        if not isinstance(value, str):
            raise value_invalid(f"{name} takes text.", pointer)
        if len(value.encode(errors="surrogatepass")) > MOST_TEXT or "\0" in value:
            raise value_invalid(f"{name} takes at most {MOST_TEXT} bytes of text without U+0000.", pointer)
        return value
    if isinstance(value, bool | str) or not isinstance(value, int | float) or not _is_finite(value):
        raise value_invalid(f"{name} takes a number.", pointer)
    if spec.type == "integer":
        if value != int(value) or abs(value) > _EXACT:
            raise value_invalid(f"{name} takes a whole number.", pointer)
        number: float | int = int(value)
    else:
        number = value
    low, high, unit = spec.minimum, spec.maximum, f" {spec.unit}" if spec.unit else ""
    if (low is not None and number < low) or (high is not None and number > high):
        span = f"{'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}{unit}"
        raise value_invalid(f"{name} takes {span}, not {number:g}.", pointer)
    return number


def check_inputs(specs: Sequence[Parameter], given: dict[str, Any]) -> dict[str, Value]:
    """All inputs, each of its type. Raises ``Invalid`` (``commands.value_invalid``)."""
    by_name = {spec.name: spec for spec in specs}
    for name in given:
        if name not in by_name:
            raise value_invalid(f"The service has no input {name!r}.", "/inputs")
    for name in by_name:
        if name not in given:
            raise value_invalid(f"The input {name!r} is missing.", "/inputs")
    return {name: check_value(spec, given[name], f"/inputs/{name}") for name, spec in by_name.items()}


def is_asked(seen: Value | None, asked: Value | None, tolerance: float | None) -> bool:
    """Whether what came back is what was asked for; numbers may have gone through 32 bits on the way."""
    if seen is None or asked is None:
        return False
    if isinstance(asked, str) or isinstance(seen, str):
        return seen == asked and isinstance(seen, str) and isinstance(asked, str)
    if isinstance(asked, bool) or isinstance(seen, bool):
        return seen == asked
    if not _is_finite(seen) or not _is_finite(asked):
        return False
    most = max(abs(asked) * _FLOAT32, 1e-12) if tolerance is None else tolerance
    return abs(seen - asked) <= most


def _is_finite(value: float) -> bool:
    """Whether it is a number of 64 bits; JSON has whole ones of any size."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
