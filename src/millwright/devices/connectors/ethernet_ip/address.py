"""Addresses: ``Speed``, ``Tank[3].Level``, ``Program:Main.Count``, ``Status.5``, ``Speed:REAL``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from millwright.kernel import Invalid

from ..contract import ValueType

TYPES: Final[dict[str, ValueType]] = {
    "BOOL": "boolean",
    **dict.fromkeys(("SINT", "INT", "DINT", "LINT", "USINT", "UINT", "UDINT", "ULINT"), "integer"),
    "REAL": "number",
    "LREAL": "number",
}
"""Elementary types, and what their values are here."""

RANGES: Final = {
    **{name: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for name, bits in (("SINT", 8), ("INT", 16), ("DINT", 32))},
    "LINT": (-(2**63), 2**63 - 1),
    **{name: (0, 2**bits - 1) for name, bits in (("USINT", 8), ("UINT", 16), ("UDINT", 32), ("ULINT", 64))},
}
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,39}(?:\[\d{1,7}(?:,\d{1,7}){0,2}\])?"
_ADDRESS = re.compile(
    rf"(?P<tag>(?:Program:[A-Za-z_]\w{{0,39}}\.)?{_NAME}(?:\.{_NAME})*(?:\.\d{{1,2}})?(?:\{{\d{{1,5}}\}})?)"
    rf"(?::(?P<type>{'|'.join(TYPES)}))?",
    re.ASCII,
)
HINT = (
    "Write the tag as the controller names it: Speed, Tank[3].Level, Program:Main.Count, Status.5 for a bit, "
    "Speeds[0]{10} for an array; where the controller does not tell its tags, with the type: Speed:REAL."
)


@dataclass(frozen=True, slots=True)
class Address:
    """A tag by its full name; ``type`` where it is declared."""

    tag: str
    type: str | None
    text: str


def parse(text: str) -> Address:
    """The address that ``text`` names. Raises ``Invalid`` (``ethernet_ip.address_invalid``)."""
    if not (found := _ADDRESS.fullmatch(text)):
        raise Invalid(f"{text!r} is not a tag.", code="ethernet_ip.address_invalid", hint=HINT)
    return Address(found["tag"], found["type"], text)
