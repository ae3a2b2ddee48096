"""Registers to values and back: types and byte orders.

``abcd`` is the standard's own order, ``cdab`` has the words of a long value swapped, ``badc`` the bytes of each word,
``dcba`` both. A string knows the bytes of its words alone.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Final

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.modbus.address import Address
from millwright.devices.connectors.modbus.settings import Order
from millwright.kernel import Invalid

Decode = Callable[[bytes], Value]
"""From the bytes of a whole block; raises ``ValueError`` with the reason when they hold no value."""

_CODES: Final = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}


def ordered(data: bytes, order: Order) -> bytes:
    """The bytes of one value brought from ``order`` to ``abcd``, or back: it is its own inverse."""
    if order == "dcba":
        return data[::-1]
    words = [data[at : at + 2] for at in range(0, len(data), 2)]
    if order == "cdab":
        words.reverse()
    elif order == "badc":
        words = [word[::-1] for word in words]
    return b"".join(words)


def decoder(address: Address, at: int, order: Order) -> Decode:
    """Reads the value of a register address that begins at byte ``at`` of a block."""
    end = at + 2 * address.count
    if address.bit is not None:
        mask, swapped_bytes = 1 << (address.bit & 7), order in ("badc", "dcba")
        index = at + ((address.bit < 8) != swapped_bytes)
        return lambda data: bool(data[index] & mask)
    if address.type == "string":
        swapped: Order = "badc" if order in ("badc", "dcba") else "abcd"
        return lambda data: _text(ordered(data[at:end], swapped)[: address.length])
    if address.type.startswith("bcd"):
        return lambda data: _from_bcd(ordered(data[at:end], order))
    code = _CODES[address.type]
    is_float = code in "fd"
    if order in ("abcd", "dcba") or (address.count == 1 and order == "cdab"):
        unpack = struct.Struct(("<" if order == "dcba" else ">") + code).unpack_from
        if is_float:
            return lambda data: _finite(unpack(data, at)[0])
        return lambda data: unpack(data, at)[0]
    plain = struct.Struct(">" + code).unpack
    if is_float:
        return lambda data: _finite(plain(ordered(data[at:end], order))[0])
    return lambda data: plain(ordered(data[at:end], order))[0]


def encode(address: Address, value: Value, order: Order) -> bytes:
    """The registers that hold ``value``; raises ``Invalid`` when it does not fit."""
    if address.type == "string":
        data = value.encode("utf-8") if isinstance(value, str) else None
        if data is None or len(data) > address.length:
            raise _unfit(value, f"a text of at most {address.length} bytes in UTF-8")
        return ordered(data.ljust(2 * address.count, b"\0"), "badc" if order in ("badc", "dcba") else "abcd")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(value, "a number")
    code = _CODES.get(address.type)
    if code in ("f", "d"):
        return ordered(_packed(code, value, value), order)
    if isinstance(value, float):
        if not value.is_integer():
            raise _unfit(value, f"a whole number, as {address.type} holds no fractions")
        value = int(value)
    if code is None:
        digits = 4 * address.count
        if not 0 <= value < 10**digits:
            raise _unfit(value, f"a whole number of at most {digits} digits")
        return ordered(bytes.fromhex(f"{value:0{digits}d}"), order)
    return ordered(_packed(code, value, value), order)


def _packed(code: str, number: int | float, value: Value) -> bytes:
    if isinstance(number, float) and not math.isfinite(number):
        raise _unfit(value, "a finite number")
    try:
        return struct.pack(">" + code, number)
    except (struct.error, OverflowError):
        name = next(name for name, each in _CODES.items() if each == code)
        raise _unfit(value, f"a number within the range of {name}") from None


def _unfit(value: Value, wanted: str) -> Invalid:
    return Invalid(
        f"The value {value!r} does not fit.", code="connectors.value_invalid", hint=f"The address takes {wanted}."
    )


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise ValueError("not a number" if math.isnan(number) else "infinite")


def _text(data: bytes) -> str:
    data = data.partition(b"\0")[0]
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name).rstrip()
        except UnicodeDecodeError:
            continue
    raise ValueError(f"no text: {data.hex(' ')}")


def _from_bcd(data: bytes) -> int:
    digits = data.hex()
    if not digits.isdecimal():
        raise ValueError(f"no decimal digits: {digits}")
    return int(digits)
