"""Addresses: ``[meter:]identifier[.element][.time][:format]``.

000000000001:00010000           forward active energy of a meter
02010100                        voltage of phase A, of the connection's own meter
000000000001:0201FF00.1         the second of a block: voltage of phase B
01010000.time                   when the maximum demand was
0E010203:NNN.NN                 an identifier of a maker's own, with its format
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from millwright.devices.connectors.contract import Value, ValueType
from millwright.devices.connectors.dlt645.formats import Format, known, parse_format
from millwright.kernel import Invalid

EXAMPLE: Final = "000000000001:00010000"
_IDENTIFIER: Final = re.compile(r"([0-9A-Fa-f]{8})(?:\.(\d{1,2}))?(\.time)?", re.ASCII)
_METER: Final = re.compile(r"\d{12}|[Aa]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """One value in the answer to one identifier, ``at`` bytes from its begin."""

    meter: str | None
    identifier: str
    at: int
    format: Format
    unit: str = ""
    alone: bool = True
    """Whether the answer must be this value and nothing else."""

    @property
    def value_type(self) -> ValueType:
        """What values of it are."""
        return self.format.value_type

    def value(self, data: bytes) -> Value:
        """The value in an answer; raises ``ValueError`` with the reason when there is none."""
        end = self.at + self.format.size
        if len(data) < end or (self.alone and len(data) != end):
            raise ValueError(f"the meter sent {len(data)} bytes, expected were {end}")
        return self.format.value(data[self.at : end])


def _wrong(text: str, why: str, hint: str = "") -> Invalid:
    return Invalid(
        f"{text!r} is no address of a DL/T 645 meter: {why}.",
        code="connectors.address_invalid",
        hint=hint or f"Write it as {EXAMPLE}: the meter's 12 digits, and DI3 to DI0 as 8 hexadecimal digits.",
    )


@lru_cache(maxsize=4096)
def parse(text: str) -> Address:
    """Read an address; raises ``Invalid`` with a hint that shows a right one."""
    parts = text.strip().split(":")
    meter = None
    if len(parts) > 1 and len(parts[0]) == 12:
        if not _METER.fullmatch(parts[0]):
            raise _wrong(text, f"{parts[0]!r} is no meter")
        meter = parts.pop(0).upper()
    found = _IDENTIFIER.fullmatch(parts[0])
    if not found or len(parts) > 2:
        raise _wrong(text, f"{parts[0]!r} is no data identifier" if not found else "it has too many parts")
    identifier, element = found[1].upper(), int(found[2] or 0)
    if len(parts) == 2:
        if found[3] or (written := parse_format(parts[1])) is None:
            raise _wrong(
                text, f"{parts[1]!r} is no format", "Write it as NNNNNN.NN, ±NNN.N, A16 (text) or H2 (bytes of bits)."
            )
        return Address(meter, identifier, element * written.size, written, "", found[2] is None)
    about = known(identifier)
    if about is None:
        hint = f"Write its format after it, as {identifier}:NNNNNN.NN (decimal digits), A16 (text) or H2 (bits)."
        raise _wrong(text, f"the format of {identifier} is not known", hint)
    if about.block and found[2] is None:
        raise _wrong(text, f"{identifier} is a block", f"Say which of its values, from 0: {identifier}.0.")
    if found[2] is not None and not about.block:
        raise _wrong(text, f"{identifier} is no block", f"Write {identifier}.")
    if found[3] and len(about.fields) == 1:
        raise _wrong(text, f"{identifier} has no time", f"Write {identifier}.")
    size = sum(each.size for each in about.fields)
    at = element * size + (about.fields[0].size if found[3] else 0)
    alone = len(about.fields) == 1 and not about.block
    return Address(meter, identifier, at, about.fields[1 if found[3] else 0], "" if found[3] else about.unit, alone)
