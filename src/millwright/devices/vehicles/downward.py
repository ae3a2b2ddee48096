"""Commands to terminals and their answers (GB/T 32960.3-2016, annex B): what is sent, and what came back.

The protocol has no number by which an answer could name its question: it repeats the command and the time. So no two
commands of a kind are sent with the same second on one connection, and the server that sent one knows which it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from millwright.devices.vehicles import parameters
from millwright.devices.vehicles.frames import CLOCK_BYTES, Answer, Message
from millwright.devices.vehicles.parameters import (
    BY_ID,
    BY_NAME,
    BY_SERVICE,
    CONTROL,
    LENGTHS,
    PARAMETERS,
    QUERY,
    SET,
    Parameter,
)

_MOST_TEXT: Final = 255
_FLAGS: Final = {
    Answer.ERROR: "the setting failed, or it does not know the command",
    Answer.VIN_TWICE: "the VIN is not its own",
}


class Down(Struct, frozen=True, array_like=True):
    """A command on its way to the server that has the terminal: the rest of the data, after the time."""

    number: int
    command: int
    rest: bytes


def encode(kind: str, name: str, number: int, value: Any, inputs: dict[str, Any]) -> bytes:
    """What the server is told. Raises ``ValueError`` for what the standard has no place for."""
    return msgspec.msgpack.encode(_down(kind, name, number, value, inputs))


def decode(payload: bytes) -> Down:
    """The other way round. Raises ``msgspec.MsgspecError``."""
    return msgspec.msgpack.decode(payload, type=Down)


def _down(kind: str, name: str, number: int, value: Any, inputs: dict[str, Any]) -> Down:
    if kind == "write":
        items = _items(BY_NAME[name], value)
        return Down(number, SET, bytes((len(items),)) + b"".join(items))
    if name == parameters.QUERY_SERVICE:
        wanted = [*_ids(str(inputs.get(parameters.NAMES_INPUT, "")))]
        return Down(number, QUERY, bytes((len(wanted),)) + bytes(wanted))
    control = BY_SERVICE[name]
    level = bytes((int(inputs[parameters.LEVEL_INPUT]),)) if control.levelled else b""
    return Down(number, CONTROL, bytes((control.id,)) + level)


def _items(parameter: Parameter, value: Any) -> list[bytes]:
    """A parameter as the items that set it: of a domain its length comes before it."""
    if not parameter.settable:
        raise ValueError(f"{parameter.name} cannot be set")
    if parameter.text:
        data = _ascii(parameter, value)
        assert parameter.length_id is not None
        return [bytes((parameter.length_id, len(data))), bytes((parameter.id,)) + data]
    raw = round(float(value) * 10**parameter.digits)
    if not parameter.least <= raw <= parameter.most:
        raise ValueError(f"{parameter.name} cannot be {value}")
    return [bytes((parameter.id,)) + raw.to_bytes(parameter.size, "big")]


def _ascii(parameter: Parameter, value: Any) -> bytes:
    try:
        data = str(value).encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(f"{parameter.name} has letters, digits, dots and hyphens only") from None
    if not data or len(data) > _MOST_TEXT or any(not 0x20 < byte < 0x7F for byte in data):
        raise ValueError(f"{parameter.name} is 1 to {_MOST_TEXT} signs without spaces")
    return data


def _ids(names: str) -> Iterable[int]:
    """The numbers of parameters by their names, separated by commas; of all, without any. A domain wants its length
    too."""
    wanted = [each.strip() for each in names.split(",") if each.strip()]
    for name in wanted or BY_NAME:
        full = name if name.startswith("terminal.") else f"terminal.{name}"
        if full not in BY_NAME:
            raise ValueError(f"there is no parameter {name!r}; there are {', '.join(BY_NAME)}")
        parameter = BY_NAME[full]
        if parameter.length_id is not None:
            yield parameter.length_id
        yield parameter.id


class Unreadable(ValueError):
    """An answer that is none."""


def values_of(message: Message) -> dict[str, Any]:
    """The parameters in the answer to a query; a value marked abnormal or invalid is ``None``. Raises
    :class:`Unreadable` for what ends too early, or holds a parameter whose length is not known."""
    data = message.data
    if len(data) < CLOCK_BYTES + 1:
        raise Unreadable("the answer has no parameters")
    count, at = data[CLOCK_BYTES], CLOCK_BYTES + 1
    out: dict[str, Any] = {}
    lengths: dict[int, int] = {}
    for _ in range(count):
        if at >= len(data):
            raise Unreadable(f"the answer ends before its {count} parameters")
        number, at = data[at], at + 1
        if number in LENGTHS:
            if at >= len(data):
                raise Unreadable("the answer ends within a length")
            lengths[LENGTHS[number].id] = data[at]
            at += 1
            continue
        parameter = BY_ID.get(number)
        if parameter is None:
            raise Unreadable(f"the parameter 0x{number:02X} is not known, nor how long it is")
        size = parameter.size or lengths.get(number, 0)
        if at + size > len(data):
            raise Unreadable(f"the answer ends within {parameter.name}")
        out[parameter.name] = _value(parameter, data[at : at + size])
        at += size
    if at != len(data):
        raise Unreadable(f"{len(data) - at} bytes follow the last parameter")
    return out


def _value(parameter: Parameter, data: bytes) -> Any:
    if parameter.text:
        return data.decode("ascii", "replace").strip("\0 ")
    raw = int.from_bytes(data, "big")
    if raw >= (1 << 8 * parameter.size) - 2:
        return None
    if parameter.flag:
        return {1: True, 2: False}.get(raw)
    return raw / 10**parameter.digits if parameter.digits else raw


def refusal_of(message: Message) -> str:
    """Why the terminal says no, in words; empty where it says yes."""
    if message.answer == Answer.SUCCESS:
        return ""
    said = _FLAGS.get(Answer(message.answer), "it does not say why")
    return f"The terminal answered 0x{message.answer:02X}: {said}."


__all__ = ["PARAMETERS", "Down", "Unreadable", "decode", "encode", "refusal_of", "values_of"]
