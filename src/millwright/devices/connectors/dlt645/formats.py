"""Formats: how the bytes of a data identifier become a value, and in which unit (Annex A of the standard).

A format is written as the standard writes it: ``NNNNNN.NN`` are eight decimal digits (it also says X for N); ``±``
before it means that the highest bit is the sign; ``A16`` are 16 characters, the last one sent
first; ``T16`` are sent in their order; ``H2`` are two bytes of bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from millwright.devices.connectors.contract import Value, ValueType


@dataclass(frozen=True, slots=True)
class Format:
    """``size`` is in bytes. ``kind``: digits, text, bits, or a date or time of day."""

    kind: str
    size: int
    decimals: int = 0
    signed: bool = False
    straight: bool = False

    @property
    def value_type(self) -> ValueType:
        """What values of it are."""
        if self.kind == "digits":
            return "number" if self.decimals else "integer"
        return "integer" if self.kind == "bits" else "string"

    def value(self, data: bytes) -> Value:
        """The value in ``data``, low byte first; raises ``ValueError`` with the reason when there is none."""
        if self.kind == "text":
            # The standard sends the last character first, as it does with digits; not every meter does.
            return (data if self.straight else data[::-1]).decode("ascii", "replace").strip("\0 ")
        if self.kind == "bits":
            return int.from_bytes(data, "little")
        if data == b"\xff" * len(data):
            raise ValueError("the meter has no value for it")
        negative = self.signed and bool(data[-1] & 0x80)
        digits = (data[:-1] + bytes((data[-1] & 0x7F,)) if negative else data)[::-1].hex()
        if not digits.isdecimal():
            raise ValueError(f"no decimal digits: {digits}")
        if self.kind == "digits":
            number = -int(digits) if negative else int(digits)
            return number / 10**self.decimals if self.decimals else number
        parts = [digits[at : at + 2] for at in range(0, len(digits), 2)]
        if self.kind == "time":
            return ":".join(parts)
        if self.kind == "moment":
            return f"20{'-'.join(parts[:3])}T{':'.join(parts[3:])}"
        if self.kind == "date":
            return f"20{'-'.join(parts[:3])}"
        return digits


def parse_format(text: str) -> Format | None:
    """Read a format as the standard writes it; ``None`` when it is none."""
    if found := re.fullmatch(r"([±+-]?)([NX]+)(?:\.([NX]+))?", text.upper()):
        digits = len(found[2]) + len(found[3] or "")
        if digits % 2 or digits > 16:
            return None
        return Format("digits", digits // 2, len(found[3] or ""), bool(found[1]))
    if found := re.fullmatch(r"([AHT])([1-9]\d?)", text.upper(), re.ASCII):
        return Format("bits" if found[1] == "H" else "text", int(found[2]), straight=found[1] == "T")
    return None


_MOMENT: Final = Format("moment", 5)
_NUMBER: Final = Format("number", 6)


def _plain(text: str) -> Format:
    found = parse_format(text)
    assert found is not None, text
    return found


_ENERGY_UNITS: Final = {
    **dict.fromkeys((0x00, 0x01, 0x02), "kW.h"),
    **dict.fromkeys(range(0x03, 0x09), "kvar.h"),
    **dict.fromkeys((0x09, 0x0A), "kV.A.h"),
}
_DEMAND_UNITS: Final = {
    **dict.fromkeys((0x01, 0x02), "kW"),
    **dict.fromkeys(range(0x03, 0x09), "kvar"),
    **dict.fromkeys((0x09, 0x0A), "kV.A"),
}
_VARIABLES: Final = {
    0x01: ("NNN.N", "V"),
    0x02: ("±NNN.NNN", "A"),
    0x03: ("±NN.NNNN", "kW"),
    0x04: ("±NN.NNNN", "kvar"),
    0x05: ("±NN.NNNN", "kV.A"),
    0x06: ("±N.NNN", "1"),
    0x07: ("NNN.N", "deg"),
    0x08: ("NN.NN", "%"),
    0x09: ("NN.NN", "%"),
}
"""Voltages, currents, powers …: DI2, with DI1 the phase (0 the total)."""
_SINGLE: Final = {
    "02800001": ("±NNN.NNN", "A"),
    "02800002": ("NN.NN", "Hz"),
    "02800003": ("±NN.NNNN", "kW"),
    "02800004": ("±NN.NNNN", "kW"),
    "02800005": ("±NN.NNNN", "kvar"),
    "02800006": ("±NN.NNNN", "kV.A"),
    "02800007": ("±NNN.N", "Cel"),
    "02800008": ("NN.NN", "V"),
    "02800009": ("NN.NN", "V"),
    "0280000A": ("NNNNNNNN", "min"),
    "04000403": ("A32", ""),
    "04000404": ("A6", ""),
    "04000405": ("A6", ""),
    "04000406": ("A6", ""),
    "04000407": ("A4", ""),
    "04000408": ("A4", ""),
    "04000409": ("NNNNNN", ""),
    "0400040A": ("NNNNNN", ""),
    "0400040B": ("A10", ""),
    "0400040C": ("A10", ""),
    **{f"040005{word:02X}": ("H2", "") for word in range(1, 8)},
    "04800001": ("A32", ""),
    "04800002": ("A32", ""),
    "04800003": ("A32", ""),
}
_SPECIAL: Final = {
    "04000101": Format("date", 4),
    "04000102": Format("time", 3),
    "04000401": _NUMBER,
    "04000402": _NUMBER,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an identifier: the fields of one element, and whether it is a block of several elements."""

    fields: Sequence[Format]
    unit: str = ""
    block: bool = False


def known(identifier: str) -> Known | None:
    """What is known of a data identifier of 8 hexadecimal digits, if anything."""
    if identifier in _SPECIAL:
        return Known((_SPECIAL[identifier],))
    if identifier in _SINGLE:
        text, unit = _SINGLE[identifier]
        return Known((_plain(text),), unit)
    di3, di2, di1, di0 = bytes.fromhex(identifier)
    if di3 == 0x00 and di2 in _ENERGY_UNITS and (di1 <= 0x3F or di1 == 0xFF) and di0 <= 0x0C:
        # Combined active and combined reactive energy may be negative; all others only grow.
        text = "±NNNNNN.NN" if di2 in (0x00, 0x03, 0x04) else "NNNNNN.NN"
        return Known((_plain(text),), _ENERGY_UNITS[di2], di1 == 0xFF)
    if di3 == 0x01 and di2 in _DEMAND_UNITS and (di1 <= 0x3F or di1 == 0xFF) and di0 <= 0x0C:
        text = "±NN.NNNN" if di2 in (0x03, 0x04) else "NN.NNNN"
        return Known((_plain(text), _MOMENT), _DEMAND_UNITS[di2], di1 == 0xFF)
    if di3 == 0x02 and di2 in _VARIABLES and di0 == 0x00:
        first = 1 if di2 in (1, 2, 7, 8, 9) else 0  # These have no total.
        if first <= di1 <= 3 or di1 == 0xFF:
            text, unit = _VARIABLES[di2]
            return Known((_plain(text),), unit, di1 == 0xFF)
    return None
