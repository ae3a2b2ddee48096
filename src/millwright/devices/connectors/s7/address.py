"""Addresses as engineers write them: ``DB1.DBD4:REAL``, ``DB1.DBX0.3``, ``MW10:INT``, ``I0.0``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from millwright.kernel import Invalid

from ..contract import Value, ValueType
from . import values
from .values import KINDS

INPUTS, OUTPUTS, FLAGS, DATA = 0x81, 0x82, 0x83, 0x84
_AREAS: Final = {"I": INPUTS, "E": INPUTS, "Q": OUTPUTS, "A": OUTPUTS, "M": FLAGS}
_WIDTHS: Final = {"B": ("BYTE", 1), "W": ("WORD", 2), "D": ("DWORD", 4)}
_TEXTS: Final = {"STRING": 254, "WSTRING": 16_382, "CHAR": 65_534}
_ADDRESS = re.compile(
    r"(?:DB(?P<db>[0-9]{1,5})\.DB(?P<dw>[XBWD])|(?P<area>[IEQAM])(?P<aw>[XBWD])?)"
    r"(?P<byte>[0-9]{1,5})(?:\.(?P<bit>[0-7]))?"
    r"(?::(?P<type>[A-Z0-9_]+)(?:\[(?P<count>[0-9]{1,5})\])?)?"
)
HINT = (
    "Write DB1.DBD4:REAL, DB1.DBW2:INT, DB1.DBX0.3, MW10:INT, I0.0, Q0.1, DB1.DBB10:STRING[20], or an array "
    "as DB1.DBW20:INT[8]."
)


@dataclass(frozen=True, slots=True)
class Address:
    """A value: ``size`` bytes from ``start`` of an area, or one ``bit`` of them. ``count`` is above 1 for an array."""

    area: int
    db: int
    start: int
    size: int
    bit: int | None
    kind: str
    count: int = 1

    @property
    def value_type(self) -> ValueType:
        """The type of its values; an array is a JSON text."""
        return "string" if self.kind in _TEXTS or self.count > 1 else KINDS[self.kind].type

    def read(self, octets: bytes, encoding: str) -> Value:
        """The value out of its bytes; ``None`` where they hold none."""
        if self.bit is not None:
            return bool(octets[0] >> self.bit & 1)
        if self.kind == "STRING":
            return values.read_string(octets, encoding)
        if self.kind == "WSTRING":
            return values.read_wide(octets)
        if self.kind == "CHAR":
            return values.read_chars(octets, encoding)
        kind = KINDS[self.kind]
        if self.count == 1:
            return kind.read(octets)
        return json.dumps([kind.read(octets[at : at + kind.size]) for at in range(0, len(octets), kind.size)])

    def write(self, value: Value, encoding: str) -> bytes:
        """The bytes of a value. Raises ``Invalid`` (``s7.value_invalid``, ``s7.read_only``)."""
        if self.kind == "STRING":
            return values.write_string(value, self.size - 2, encoding)
        if self.kind == "WSTRING":
            return values.write_wide(value, (self.size - 4) // 2)
        if self.kind == "CHAR":
            return values.write_chars(value, self.size, encoding)
        write = KINDS[self.kind].write
        if write is None or self.count > 1:
            raise Invalid(
                f"A value of type {self.kind}{f'[{self.count}]' if self.count > 1 else ''} is only read.",
                code="s7.read_only",
                hint="Write the elements of an array one by one, and times as numbers of type DWORD or WORD.",
            )
        return write(value)


def parse(text: str) -> Address:
    """The address that ``text`` names. Raises ``Invalid`` (``s7.address_invalid``)."""
    found = _ADDRESS.fullmatch(text.upper())
    if not found:
        raise _wrong(text, "is not an address of an S7 controller")
    area = DATA if found["db"] else _AREAS[found["area"]]
    db, start = int(found["db"] or 0), int(found["byte"])
    width = found["dw"] or found["aw"] or "X"
    bit = None if found["bit"] is None else int(found["bit"])
    if (found["db"] and not 1 <= db <= 65535) or start > 65535:
        raise _wrong(text, "has a data block that is not 1 to 65535, or a byte above 65535")
    if (width == "X") != (bit is not None):
        raise _wrong(text, "needs a bit, as in DBX0.3" if width == "X" else "names a bit of something that is no bit")
    kind, count = found["type"], int(found["count"] or 1)
    if width == "X" and kind not in (None, "BOOL"):
        # The programming environment shows the start of anything as DBX10.0.
        if bit != 0:
            raise _wrong(text, f"is a {kind} that does not begin at bit 0")
        bit = None
    if bit is not None:
        if found["count"]:
            raise _wrong(text, "is an array of bits; read bytes instead")
        return Address(area, db, start, 1, bit, "BOOL")
    if kind is None:
        kind = _WIDTHS[width][0]
    size, count = _size(text, kind, count, found["count"], width)
    if start + size > 65536:
        raise _wrong(text, "goes beyond byte 65535")
    return Address(area, db, start, size, None, kind, count)


def _size(text: str, kind: str, count: int, given: str | None, width: str) -> tuple[int, int]:
    if count < 1:
        raise _wrong(text, "has a length of 0")
    if kind in _TEXTS:
        if given is None and kind != "CHAR":
            count = min(254, _TEXTS[kind])
        if count > _TEXTS[kind]:
            raise _wrong(text, f"is a {kind} longer than {_TEXTS[kind]}")
        return {"STRING": count + 2, "WSTRING": 2 * count + 4, "CHAR": count}[kind], 1
    if kind == "BOOL" or kind not in KINDS:
        raise _wrong(text, f"has the type {kind}; types are {', '.join((*KINDS, *_TEXTS))}")
    size = KINDS[kind].size
    if width in _WIDTHS and width != "B" and _WIDTHS[width][1] > size:
        raise _wrong(text, f"is wider than a {kind}")
    return size * count, count


def _wrong(text: str, what: str) -> Invalid:
    return Invalid(f"{text!r} {what}.", code="s7.address_invalid", hint=HINT)
