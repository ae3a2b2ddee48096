"""Information elements of monitored values: IEC 60870-5-101, clauses 7.2.6 and 7.3.1. No I/O."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..contract import BAD, GOOD, UNCERTAIN, Value, ValueType


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with its quality, and in words why it is not good."""

    value: Value
    quality: int = GOOD
    note: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """How objects of one type are read: octets of the value with its quality, then those of the time."""

    name: str
    octets: int
    time_octets: int
    type: ValueType
    read: Callable[[bytes], Reading]
    title: str


_QUALITY: Final = (
    (0x80, BAD, "invalid (IV)"),
    (0x40, UNCERTAIN, "not topical (NT)"),
    (0x20, UNCERTAIN, "substituted (SB)"),
    (0x10, UNCERTAIN, "blocked (BL)"),
)


def quality(octet: int, *, overflow: bool = True) -> tuple[int, str]:
    """Quality and its words out of QDS (with ``overflow``) or the upper half of SIQ, DIQ."""
    if not octet & (0xF1 if overflow else 0xF0):
        return GOOD, ""
    level, words = GOOD, []
    for bit, rank, text in _QUALITY:
        if octet & bit:
            level = rank if rank == BAD or level != BAD else level
            words.append(text)
    if overflow and octet & 1:
        level = level if level == BAD else UNCERTAIN
        words.append("overflow (OV)")
    return level, ", ".join(words)


def _single(octets: bytes) -> Reading:
    return Reading(bool(octets[0] & 1), *quality(octets[0], overflow=False))


def _double(octets: bytes) -> Reading:
    level, note = quality(octets[0], overflow=False)
    state = octets[0] & 3
    if state in (0, 3) and level != BAD:
        words = "neither on nor off" if state == 0 else "both on and off"
        level, note = UNCERTAIN, f"{note}, {words}" if note else words
    return Reading(state, level, note)


def _step(octets: bytes) -> Reading:
    level, note = quality(octets[1])
    position = octets[0] & 0x7F
    if octets[0] & 0x80 and level != BAD:
        level, note = UNCERTAIN, f"{note}, in transit" if note else "in transit"
    return Reading(position - 128 if position & 0x40 else position, level, note)


def _bits(octets: bytes) -> Reading:
    return Reading(int.from_bytes(octets[:4], "little"), *quality(octets[4]))


def _normalised(octets: bytes) -> Reading:
    return Reading(int.from_bytes(octets[:2], "little", signed=True) / 32768, *quality(octets[2]))


def _bare_normalised(octets: bytes) -> Reading:
    return Reading(int.from_bytes(octets[:2], "little", signed=True) / 32768)


def _scaled(octets: bytes) -> Reading:
    return Reading(int.from_bytes(octets[:2], "little", signed=True), *quality(octets[2]))


def _float(octets: bytes) -> Reading:
    (number,) = struct.unpack_from("<f", octets)
    if not math.isfinite(number):
        return Reading(None, BAD, "not a number")
    return Reading(number, *quality(octets[4]))


def _total(octets: bytes) -> Reading:
    flags = octets[4]
    words = []
    if flags & 0x80:
        words.append("invalid (IV)")
    if flags & 0x40:
        words.append("adjusted since it was last read (CA)")
    if flags & 0x20:
        words.append("overflowed (CY)")
    level = BAD if flags & 0x80 else UNCERTAIN if words else GOOD
    return Reading(int.from_bytes(octets[:4], "little", signed=True), level, ", ".join(words))


def _packed(octets: bytes) -> Reading:
    return Reading(int.from_bytes(octets[:2], "little"), *quality(octets[4]))


_KINDS: Final[tuple[tuple[str, int, ValueType, Callable[[bytes], Reading], str, tuple[int, ...]], ...]] = (
    ("M_SP", 1, "boolean", _single, "single point", (1, 2, 30)),
    ("M_DP", 1, "integer", _double, "double point", (3, 4, 31)),
    ("M_ST", 2, "integer", _step, "step position", (5, 6, 32)),
    ("M_BO", 5, "integer", _bits, "bit string", (7, 8, 33)),
    ("M_ME", 3, "number", _normalised, "normalised value", (9, 10, 34)),
    ("M_ME", 3, "integer", _scaled, "scaled value", (11, 12, 35)),
    ("M_ME", 5, "number", _float, "short float", (13, 14, 36)),
    ("M_IT", 5, "integer", _total, "integrated total", (15, 16, 37)),
)
_MEASURED: Final = {9: "NA", 10: "TA", 34: "TD", 11: "NB", 12: "TB", 35: "TE", 13: "NC", 14: "TC", 36: "TF"}


def _table() -> dict[int, Element]:
    table = {
        20: Element("M_PS_NA_1", 5, 0, "integer", _packed, "packed single points"),
        21: Element("M_ME_ND_1", 2, 0, "number", _bare_normalised, "normalised value without quality"),
    }
    for stem, octets, kind, read, title, numbers in _KINDS:
        for number, time, suffix in zip(numbers, (0, 3, 7), ("NA", "TA", "TB"), strict=True):
            name = f"{stem}_{_MEASURED.get(number, suffix)}_1"
            table[number] = Element(name, octets, time, kind, read, title)
    return table


ELEMENTS: Final = _table()
"""Monitored types by number."""

NAMES: Final = {
    **{number: element.name for number, element in ELEMENTS.items()},
    17: "M_EP_TA_1",
    18: "M_EP_TB_1",
    19: "M_EP_TC_1",
    38: "M_EP_TD_1",
    39: "M_EP_TE_1",
    40: "M_EP_TF_1",
    45: "C_SC_NA_1",
    46: "C_DC_NA_1",
    47: "C_RC_NA_1",
    48: "C_SE_NA_1",
    49: "C_SE_NB_1",
    50: "C_SE_NC_1",
    51: "C_BO_NA_1",
    58: "C_SC_TA_1",
    59: "C_DC_TA_1",
    60: "C_RC_TA_1",
    61: "C_SE_TA_1",
    62: "C_SE_TB_1",
    63: "C_SE_TC_1",
    64: "C_BO_TA_1",
    70: "M_EI_NA_1",
    100: "C_IC_NA_1",
    101: "C_CI_NA_1",
    102: "C_RD_NA_1",
    103: "C_CS_NA_1",
    105: "C_RP_NA_1",
    107: "C_TS_TA_1",
}
"""Names of the types in the standard."""

NUMBERS: Final = {name: number for number, name in NAMES.items()}
