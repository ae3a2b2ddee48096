"""Data types of S7 controllers, in their bytes: big-endian, as STEP 7 lays them out. No I/O."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from millwright.kernel import Invalid

from ..contract import Value, ValueType


@dataclass(frozen=True, slots=True)
class Kind:
    """A data type of fixed size: ``size`` in bytes; ``write`` is ``None`` where it can only be read."""

    name: str
    size: int
    type: ValueType
    read: Callable[[bytes], Value]
    write: Callable[[Value], bytes] | None


def wrong(value: Value, wanted: str) -> Invalid:
    """The error of a value that does not fit (``s7.value_invalid``)."""
    return Invalid(
        f"{value!r} does not fit: the address takes {wanted}.", code="s7.value_invalid", hint=f"Give {wanted}."
    )


def _whole(name: str, code: str) -> Kind:
    layout = struct.Struct(f">{code}")
    bits = layout.size * 8
    low, high = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    def write(value: Value) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise wrong(value, f"a whole number from {low} to {high}")
        if not low <= value <= high:
            raise wrong(value, f"a whole number from {low} to {high}")
        return layout.pack(int(value))

    def read(octets: bytes) -> Value:
        number: int = layout.unpack(octets)[0]
        return number

    return Kind(name, layout.size, "integer", read, write)


def _real(name: str, code: str) -> Kind:
    layout = struct.Struct(f">{code}")

    def write(value: Value) -> bytes:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong(value, "a number")
        try:
            return layout.pack(value)
        except OverflowError:
            raise wrong(value, "a number within single precision") from None

    def read(octets: bytes) -> Value:
        number = float(layout.unpack(octets)[0])
        return number if math.isfinite(number) else None

    return Kind(name, layout.size, "number", read, write)


def _bool(octets: bytes) -> Value:
    return bool(octets[0])


def _write_bool(value: Value) -> bytes:
    if isinstance(value, int | float) and value in (0, 1):
        return bytes((int(value),))
    raise wrong(value, "true or false")


def _s5time(octets: bytes) -> Value:
    """Milliseconds of an S5TIME: three BCD digits with a base of 10 ms, 100 ms, 1 s or 10 s."""
    word = int.from_bytes(octets)
    digits = _bcd(word >> 4 & 0xFF) * 10 + (word & 0xF)
    return digits * (10, 100, 1000, 10_000)[word >> 12 & 3]


def _date(octets: bytes) -> Value:
    return (date(1990, 1, 1) + timedelta(days=int.from_bytes(octets))).isoformat()


def _date_and_time(octets: bytes) -> Value:
    year, month, day, hour, minute, second = (_bcd(octet) for octet in octets[:6])
    milliseconds = _bcd(octets[6]) * 10 + (octets[7] >> 4)
    return _moment(year + (1900 if year >= 90 else 2000), month, day, hour, minute, second, milliseconds * 1000)


def _dtl(octets: bytes) -> Value:
    year, month, day, _, hour, minute, second, nanoseconds = struct.unpack(">HBBBBBBI", octets)
    return _moment(year, month, day, hour, minute, second, nanoseconds // 1000)


def _moment(*fields: int) -> Value:
    try:
        return datetime(*fields).isoformat()  # type: ignore[arg-type]  # the tuple is longer than mypy can see
    except ValueError:
        return None


def _bcd(octet: int) -> int:
    return (octet >> 4) * 10 + (octet & 0xF)


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("BOOL", 1, "boolean", _bool, _write_bool),
        *(_whole(*pair) for pair in (("BYTE", "B"), ("USINT", "B"), ("SINT", "b"), ("WORD", "H"), ("UINT", "H"))),
        *(_whole(*pair) for pair in (("INT", "h"), ("DWORD", "I"), ("UDINT", "I"), ("DINT", "i"), ("LWORD", "Q"))),
        *(_whole(*pair) for pair in (("ULINT", "Q"), ("LINT", "q"), ("TIME", "i"), ("TOD", "I"), ("LTIME", "q"))),
        _real("REAL", "f"),
        _real("LREAL", "d"),
        Kind("S5TIME", 2, "integer", _s5time, None),
        Kind("DATE", 2, "string", _date, None),
        Kind("DT", 8, "string", _date_and_time, None),
        Kind("DTL", 12, "string", _dtl, None),
    )
}
"""Types of fixed size. TIME and TOD are milliseconds, LTIME nanoseconds, S5TIME milliseconds."""


def read_string(octets: bytes, encoding: str) -> Value:
    """A STRING: its maximal and its actual length, then characters; ``None`` where the lengths cannot be."""
    length = octets[1]
    if length > len(octets) - 2 or octets[0] < length:
        return None
    return octets[2 : 2 + length].decode(encoding, errors="replace")


def write_string(value: Value, size: int, encoding: str) -> bytes:
    """Both lengths and the characters of a STRING of at most ``size``."""
    octets = _encoded(value, size, encoding)
    return bytes((size, len(octets))) + octets


def read_wide(octets: bytes) -> Value:
    """A WSTRING: as a STRING, in units of two bytes."""
    length = int.from_bytes(octets[2:4])
    if length > (len(octets) - 4) // 2:
        return None
    return octets[4 : 4 + 2 * length].decode("utf-16-be", errors="replace")


def write_wide(value: Value, size: int) -> bytes:
    """Both lengths and the characters of a WSTRING of at most ``size``."""
    octets = _encoded(value, 2 * size, "utf-16-be")
    return size.to_bytes(2) + (len(octets) // 2).to_bytes(2) + octets


def read_chars(octets: bytes, encoding: str) -> Value:
    """An array of CHAR, without what fills it up."""
    return octets.decode(encoding, errors="replace").rstrip("\0 ")


def write_chars(value: Value, size: int, encoding: str) -> bytes:
    """Characters filled up with spaces."""
    return _encoded(value, size, encoding).ljust(size)


def _encoded(value: Value, size: int, encoding: str) -> bytes:
    if not isinstance(value, str):
        raise wrong(value, "a text")
    try:
        octets = value.encode(encoding)
    except UnicodeEncodeError:
        raise wrong(value, f"characters of {encoding}") from None
    if len(octets) > size:
        raise wrong(value, f"a text of at most {size} bytes in {encoding}")
    return octets
