"""Addresses: ``1:3001``, ``1:3001:M_ME_NC_1``, ``1:5001:C_SC_NA_1:select`` and ``1:3001>5001:C_SC_NA_1``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from millwright.kernel import Invalid

from ..contract import ValueType
from .elements import ELEMENTS, NUMBERS

COMMAND_TYPES: Final[dict[int, ValueType]] = {
    45: "boolean",
    46: "boolean",
    47: "string",
    48: "number",
    49: "integer",
    50: "number",
    51: "integer",
}
"""What a command takes, by its type without a time (the one with a time is 13 further)."""

CALLS: Final = {"interrogate": 100, "counters": 101, "set_clock": 103}
"""Methods of a station: ``1:interrogate``."""

_PLAIN = re.compile(
    r"(?P<common>\d{1,5}):(?P<object>\d{1,8})(?::(?P<type>M_[A-Z_]+_1))?"
    r"(?:>(?P<to>\d{1,8}):(?P<to_command>C_[A-Z_]+_1)(?P<to_options>(?::\w+)*))?"
)
_COMMAND = re.compile(r"(?P<common>\d{1,5}):(?P<object>\d{1,8}):(?P<command>C_[A-Z_]+_1)(?P<options>(?::\w+)*)")
_CALL = re.compile(rf"(?P<common>\d{{1,5}}):(?P<name>{'|'.join(CALLS)})")
HINT = (
    "Write COMMON ADDRESS:OBJECT ADDRESS, as in 1:3001, with a type to be sure of it, as in 1:3001:M_ME_NC_1; "
    "a command is 1:5001:C_SC_NA_1 or 1:5001:C_SC_NA_1:select, and 1:3001>5001:C_SC_NA_1 is a value with its command."
)


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command goes. ``select`` is ``None`` where the settings decide; ``qualifier`` is QU (0 to 31)."""

    object: int
    type: int
    select: bool | None = None
    qualifier: int = 0

    @property
    def base(self) -> int:
        """The type of the same command without a time."""
        return self.type - 13 if self.type > 51 else self.type


@dataclass(frozen=True, slots=True)
class Address:
    """A value to follow (``object``), a command, or both."""

    common: int
    object: int | None
    type: int | None = None
    command: Command | None = None
    text: str = ""

    @property
    def value_type(self) -> ValueType | None:
        """The type of the values, where the address tells."""
        if self.object is None and self.command is not None:
            return COMMAND_TYPES[self.command.base]
        return ELEMENTS[self.type].type if self.type is not None else None


def parse(text: str) -> Address:
    """The address that ``text`` names. Raises ``Invalid`` (``iec104.address_invalid``)."""
    command: Command | None = None
    if found := _COMMAND.fullmatch(text):
        command = _command(text, found["object"], found["command"], found["options"])
        return Address(_common(text, found["common"]), None, None, command, text)
    if not (found := _PLAIN.fullmatch(text)):
        raise _wrong(text, "is not an address of IEC 60870-5-104")
    kind = None
    if found["type"]:
        kind = NUMBERS.get(found["type"])
        if kind not in ELEMENTS:
            raise _wrong(text, f"names the type {found['type']}, which is not a monitored value that we read")
    if found["to"]:
        command = _command(text, found["to"], found["to_command"], found["to_options"])
    return Address(_common(text, found["common"]), _object(text, found["object"]), kind, command, text)


def parse_call(text: str) -> tuple[int, str]:
    """Common address and method of ``1:interrogate``. Raises ``Invalid`` (``iec104.address_invalid``)."""
    if not (found := _CALL.fullmatch(text)):
        raise Invalid(
            f"{text!r} is not a method of a station.",
            code="iec104.address_invalid",
            hint="Methods are 1:interrogate, 1:counters and 1:set_clock.",
        )
    return _common(text, found["common"]), found["name"]


def _command(text: str, number: str, name: str, options: str) -> Command:
    kind = NUMBERS.get(name)
    if kind is None or (kind not in COMMAND_TYPES and kind - 13 not in COMMAND_TYPES):
        raise _wrong(text, f"names the type {name}, which is not a command that we send")
    select: bool | None = None
    qualifier = 0
    for option in options.split(":")[1:]:
        if option in ("select", "direct"):
            select = option == "select"
        elif option.startswith("q") and option[1:].isascii() and option[1:].isdigit() and int(option[1:]) <= 31:
            qualifier = int(option[1:])
        else:
            raise _wrong(text, f"has the option {option!r}; options are select, direct and q0 to q31")
    return Command(_object(text, number), kind, select, qualifier)


def _common(text: str, digits: str) -> int:
    if not 1 <= int(digits) <= 65535:
        raise _wrong(text, "has a common address that is not 1 to 65535")
    return int(digits)


def _object(text: str, digits: str) -> int:
    if int(digits) > 0xFFFFFF:
        raise _wrong(text, "has an object address that is not 0 to 16777215")
    return int(digits)


def _wrong(text: str, what: str) -> Invalid:
    return Invalid(f"{text!r} {what}.", code="iec104.address_invalid", hint=HINT)
