"""Addresses: ``[unit:]table:number[.bit][:type][:order]``, or a reference in place of table and number.

    1:holding:100:float32:abcd      holding:7.3       coil:0      input:20:string12      3:40101:uint32:cdab

Other common forms are understood (``4x0101``, ``400101``, ``HR100``, ``%MW100``, ``holding[100]``, numbers as 0x64).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from millwright.devices.connectors.contract import ValueType
from millwright.devices.connectors.modbus.settings import Order
from millwright.kernel import Invalid

Table = Literal["coil", "discrete", "input", "holding"]

EXAMPLE: Final = "1:holding:100:float32:abcd"
_TABLES: Final[dict[str, Table]] = {
    **dict.fromkeys(("coil", "coils", "co", "c", "0x", "m", "qx"), "coil"),
    **dict.fromkeys(("discrete", "discretes", "discrete_input", "di", "1x", "ix"), "discrete"),
    **dict.fromkeys(("input", "inputs", "input_register", "ir", "3x", "iw"), "input"),
    **dict.fromkeys(("holding", "holdings", "holding_register", "hr", "4x", "mw"), "holding"),
}
_BY_DIGIT: Final[dict[str, Table]] = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
_ORDERS: Final[dict[str, Order]] = {
    **dict.fromkeys(("abcd", "be", "big"), "abcd"),
    **dict.fromkeys(("cdab", "swap", "word_swap", "le_bs"), "cdab"),
    **dict.fromkeys(("badc", "byte_swap", "be_bs"), "badc"),
    **dict.fromkeys(("dcba", "le", "little"), "dcba"),
}
_TYPES: Final = {
    **dict.fromkeys(("int16", "i16", "short"), "int16"),
    **dict.fromkeys(("uint16", "u16", "word"), "uint16"),
    **dict.fromkeys(("int32", "i32", "dint"), "int32"),
    **dict.fromkeys(("uint32", "u32", "dword", "udint"), "uint32"),
    **dict.fromkeys(("int64", "i64", "lint"), "int64"),
    **dict.fromkeys(("uint64", "u64", "ulint"), "uint64"),
    **dict.fromkeys(("float32", "f32", "float", "real"), "float32"),
    **dict.fromkeys(("float64", "f64", "double", "lreal"), "float64"),
    **dict.fromkeys(("bcd16", "bcd"), "bcd16"),
    "bcd32": "bcd32",
    "bcd64": "bcd64",
    "bool": "bool",
}
REGISTERS: Final = {"string": 0, "bool": 1} | {
    name: int(re.sub(r"\D", "", name)) // 16 for name in set(_TYPES.values()) if name != "bool"
}
"""How many registers a value of each type takes; a string takes as many as its length wants."""

_REFERENCE = re.compile(r"([0134])(\d{4}|\d{5})", re.ASCII)
_MODICON = re.compile(r"([0134])x(\d{1,5})", re.IGNORECASE | re.ASCII)
_SHORT = re.compile(r"%?([a-z_]+)\[?(\d+)\]?(?:\.(\d+))?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"(0x[0-9a-f]+|\d+)(?:\.(\d+))?", re.IGNORECASE | re.ASCII)
_STRING = re.compile(r"(?:string|str)(?:[(\[]?(\d+)[)\]]?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """One value: ``start`` counts from 0, ``count`` is registers or bits, ``bit`` 0 is the lowest of a register."""

    unit: int | None
    table: Table
    start: int
    type: str
    count: int
    bit: int | None
    order: Order | None
    length: int = 0

    @property
    def value_type(self) -> ValueType:
        """What values of it are."""
        if self.type == "bool":
            return "boolean"
        if self.type == "string":
            return "string"
        return "number" if self.type.startswith("float") else "integer"

    def canonical(self) -> str:
        """The address in its one plain form."""
        parts = [] if self.unit is None else [str(self.unit)]
        parts += [self.table, f"{self.start}" + ("" if self.bit is None else f".{self.bit}")]
        if self.type != "bool":
            parts.append(self.type + (str(self.length) if self.type == "string" else ""))
        return ":".join([*parts, *([self.order] if self.order else [])])


def _wrong(text: str, why: str, hint: str = "") -> Invalid:
    return Invalid(
        f"{text!r} is no Modbus address: {why}.",
        code="connectors.address_invalid",
        hint=hint or f"Write it as {EXAMPLE} (unit, table, number from 0, type, order), as 1:40101:float32, or coil:7.",
    )


@lru_cache(maxsize=4096)
def parse(text: str) -> Address:
    """Read an address; raises ``Invalid`` with a hint that shows a right one."""
    parts = [part.strip() for part in text.strip().split(":")]
    if not all(parts):
        raise _wrong(text, "a part of it is empty")
    unit = None
    if len(parts) > 1 and parts[0].isascii() and parts[0].isdigit() and len(parts[0]) <= 3:
        unit = int(parts.pop(0))
        if unit > 255:
            raise _wrong(text, f"there is no unit {unit}, units are 0 to 255")
    table, start, bit, rest = _place(text, parts)
    if not 0 <= start <= 65535:
        raise _wrong(text, f"there is no number {start}, numbers are 0 to 65535")
    return _typed(text, unit, table, start, bit, rest)


def _place(text: str, parts: list[str]) -> tuple[Table, int, int | None, list[str]]:
    first, dot, low = parts[0].partition(".")
    if dot and not (low.isascii() and low.isdigit()):
        raise _wrong(text, "after a dot comes the number of a bit", "Write a bit of a register as holding:7.3.")
    bit = int(low) if dot else None
    if found := _REFERENCE.fullmatch(first) or _MODICON.fullmatch(first):
        number = int(found[2])
        if number == 0:
            raise _wrong(text, "references begin at 1", f"The first one is {found[1]}0001.")
        return _BY_DIGIT[found[1]], number - 1, bit, parts[1:]
    if first.isdigit():
        raise _wrong(text, f"the reference {first} names no table; they begin with 0, 1, 3 or 4 and have 5 or 6 digits")
    if first.lower() in _TABLES:
        if len(parts) < 2:
            raise _wrong(text, "the number is missing", f"Write it as {first.lower()}:100.")
        number_text = _NUMBER.fullmatch(parts[1])
        if not number_text:
            raise _wrong(text, f"{parts[1]!r} is no number", f"Write it as {first.lower()}:100.")
        bit = int(number_text[2]) if number_text[2] else None
        return _TABLES[first.lower()], int(number_text[1], 0 if "x" in number_text[1].lower() else 10), bit, parts[2:]
    found = _SHORT.fullmatch(parts[0])
    if found and found[1].lower() in _TABLES:
        return _TABLES[found[1].lower()], int(found[2]), int(found[3]) if found[3] else None, parts[1:]
    raise _wrong(text, f"{parts[0]!r} is no table; there are coil, discrete, input and holding")


def _typed(text: str, unit: int | None, table: Table, start: int, bit: int | None, rest: list[str]) -> Address:
    order: Order | None = None
    if rest and rest[-1].lower() in _ORDERS:
        order = _ORDERS[rest.pop().lower()]
    name = rest.pop(0).lower() if rest else ""
    if rest:
        raise _wrong(text, f"{rest[0]!r} is no byte order; there are abcd (be), cdab, badc and dcba (le)")
    if table in ("coil", "discrete"):
        if bit is not None or name not in ("", "bool") or order:
            raise _wrong(
                text, "a coil or discrete input is a boolean and nothing else", f"Write it as {table}:{start}."
            )
        return Address(unit, table, start, "bool", 1, None, None)
    if found := re.fullmatch(r"bit(\d+)", name, re.ASCII):
        name, bit = "", int(found[1])
    if bit is not None or name == "bool":
        if name not in ("", "bool") or bit is None or bit > 15:
            raise _wrong(text, "a bit of a register is 0 to 15", f"Write it as {table}:{start}.3.")
        return Address(unit, table, start, "bool", 1, bit, order)
    if found := _STRING.fullmatch(name):
        length = int(found[1] or 0)
        if not 1 <= length <= 250:
            raise _wrong(text, "a string needs its length in characters, 1 to 250", f"Write {table}:{start}:string16.")
        return _within(text, Address(unit, table, start, "string", (length + 1) // 2, None, order, length))
    if name and name not in _TYPES:
        known = "int16, uint16, int32, uint32, int64, uint64, float32, float64, bcd16, bcd32, bcd64, string16, bit3"
        raise _wrong(text, f"{name!r} is no type", f"Types are {known}; {EXAMPLE} is a right address.")
    kind = _TYPES[name or "uint16"]
    return _within(text, Address(unit, table, start, kind, REGISTERS[kind], None, order))


def _within(text: str, address: Address) -> Address:
    if address.start + address.count > 65536:
        raise _wrong(text, "it reaches beyond the last register, 65535")
    return address
