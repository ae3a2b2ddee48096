"""Values of commands as information elements: IEC 60870-5-101, clauses 7.2.6.15 to 7.2.6.17 and 7.3.2. No I/O."""

from __future__ import annotations

import math
import struct
from typing import Final

from millwright.kernel import Invalid

from ..contract import Value
from .address import Command

_OFF_ON: Final = {"off": 1, "on": 2}
_STEP: Final = {"lower": 1, "higher": 2}


def element(command: Command, value: Value, *, select: bool) -> bytes:
    """The element that a command of this type carries. Raises ``Invalid`` (``iec104.value_invalid``)."""
    flag = 0x80 if select else 0
    kind = command.base
    if kind in (45, 46, 47):
        state = {45: _single, 46: _double, 47: _step}[kind](value)
        return bytes((state | (command.qualifier & 0x1F) << 2 | flag,))
    if kind == 51:
        return _whole(value, 0, 0xFFFFFFFF).to_bytes(4, "little")
    qualifier = bytes((command.qualifier & 0x7F | flag,))
    if kind == 49:
        return _whole(value, -32768, 32767).to_bytes(2, "little", signed=True) + qualifier
    number = _number(value)
    if kind == 48:
        if not -1 <= number < 1:
            raise _wrong(value, "a number from -1 up to, and not including, 1")
        return min(round(number * 32768), 32767).to_bytes(2, "little", signed=True) + qualifier
    try:
        return struct.pack("<f", number) + qualifier
    except OverflowError:
        raise _wrong(value, "a number within single precision") from None


def _single(value: Value) -> int:
    if isinstance(value, int | float) and value in (0, 1):
        return int(value)
    raise _wrong(value, "true or false")


def _double(value: Value) -> int:
    if isinstance(value, bool):
        return 2 if value else 1
    if isinstance(value, str) and value in _OFF_ON:
        return _OFF_ON[value]
    if isinstance(value, int | float) and value in (1, 2):
        return int(value)
    raise _wrong(value, "true or false, on or off, or 1 (off) or 2 (on)")


def _step(value: Value) -> int:
    if isinstance(value, str) and value in _STEP:
        return _STEP[value]
    if isinstance(value, int | float) and not isinstance(value, bool) and value in (1, 2):
        return int(value)
    raise _wrong(value, "lower or higher, or 1 (lower) or 2 (higher)")


def _number(value: Value) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise _wrong(value, "a number")


def _whole(value: Value, low: int, high: int) -> int:
    number = _number(value)
    if number != int(number) or not low <= number <= high:
        raise _wrong(value, f"a whole number from {low} to {high}")
    return int(number)


def _wrong(value: Value, wanted: str) -> Invalid:
    return Invalid(
        f"{value!r} does not fit: the command takes {wanted}.",
        code="iec104.value_invalid",
        hint=f"Give {wanted}.",
    )
