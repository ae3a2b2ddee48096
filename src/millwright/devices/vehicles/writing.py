"""Messages as a terminal or a platform writes them: what :mod:`.reading` reads, the other way round.

``None`` is written as *invalid*. A value that its field cannot hold raises ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from millwright.devices.vehicles import layouts, times
from millwright.devices.vehicles.frames import Command, encode
from millwright.devices.vehicles.layouts import Field

Values = Mapping[str, Any]
USERNAME_BYTES: Final = 12
PASSWORD_BYTES: Final = 20


def message(command: int, vin: str, time_ms: int, rest: bytes = b"", *, edition: int = 2016) -> bytes:
    """A message with a time and what follows it."""
    return encode(command, vin, times.from_ms(time_ms) + rest, edition=edition)


def login(vin: str, time_ms: int, number: int, iccid: str, codes: Sequence[str] = (), *, edition: int = 2016) -> bytes:
    """A vehicle's login; ``codes`` are those of its storage subsystems, all of the same length."""
    rest = number.to_bytes(2, "big") + iccid.encode("ascii").ljust(20, b"\0")[:20] + bytes((len(codes),))
    if edition == 2016:
        size = max(map(len, codes), default=0)
        rest += bytes((size,)) + b"".join(code.encode("ascii").ljust(size, b"\0") for code in codes)
    else:
        rest += bytes([1] * len(codes))
        rest += b"".join(code.encode("ascii").ljust(24, b"\0")[:24] for code in codes)
    return message(Command.LOGIN, vin, time_ms, rest, edition=edition)


def logout(vin: str, time_ms: int, number: int, *, edition: int = 2016) -> bytes:
    """A vehicle's logout."""
    return message(Command.LOGOUT, vin, time_ms, number.to_bytes(2, "big"), edition=edition)


def platform_login(code: str, time_ms: int, number: int, username: str, password: str, *, edition: int = 2016) -> bytes:
    """A platform's login. Raises ``ValueError`` when name or password does not fit."""
    name, secret = username.encode("ascii"), password.encode("ascii")
    if len(name) > USERNAME_BYTES or len(secret) > PASSWORD_BYTES:
        raise ValueError(f"a user name has at most {USERNAME_BYTES} bytes, a password {PASSWORD_BYTES}")
    rest = number.to_bytes(2, "big") + name.ljust(USERNAME_BYTES, b"\0") + secret.ljust(PASSWORD_BYTES, b"\0") + b"\x01"
    return message(Command.PLATFORM_LOGIN, code, time_ms, rest, edition=edition)


def platform_logout(code: str, time_ms: int, number: int, *, edition: int = 2016) -> bytes:
    """A platform's logout."""
    return message(Command.PLATFORM_LOGOUT, code, time_ms, number.to_bytes(2, "big"), edition=edition)


def report(
    vin: str, time_ms: int, items: Iterable[bytes], *, edition: int = 2016, command: int = Command.REALTIME
) -> bytes:
    """A report of items."""
    return message(command, vin, time_ms, b"".join(items), edition=edition)


def pack(fields: Iterable[Field], values: Values, number: int = 0) -> bytes:
    """The fields one after another; what ``values`` lacks is invalid."""
    return b"".join(_number(each, values.get(each.name.replace("{n}", str(number)))) for each in fields)


def _number(field: Field, value: float | None) -> bytes:
    most: int = 1 << 8 * field.size
    if value is None:
        return (most - 1).to_bytes(field.size, "big")
    raw: int = round(value * 10**field.digits) + field.zero
    if not 0 <= raw <= most - (3 if field.marked else 1):
        raise ValueError(f"{field.name} cannot be {value}")
    return raw.to_bytes(field.size, "big")


def vehicle(values: Values, *, edition: int = 2016) -> bytes:
    """The item of the vehicle as a whole."""
    fields = layouts.VEHICLE_2016 if edition == 2016 else layouts.VEHICLE_2025
    flags = sum(bit for name, bit in layouts.GEAR_FLAGS.items() if values.get(name))
    return b"\x01" + pack(fields, {**values, "gear": (values.get("gear") or 0) | flags})


def motors(values: Values, count: int, *, edition: int = 2016) -> bytes:
    """The item of the motors 1 to ``count``."""
    fields = layouts.MOTOR_2016 if edition == 2016 else layouts.MOTOR_2025
    each = [bytes((number,)) + pack(fields, values, number) for number in range(1, count + 1)]
    return bytes((0x02, count)) + b"".join(each)


def fuel_cell(values: Values, temperatures: Sequence[int | None]) -> bytes:
    """The item of the fuel cell (2016)."""
    probes = len(temperatures).to_bytes(2, "big") + _spread(temperatures, 1, 40)
    return b"\x03" + pack(layouts.FUEL_CELL_2016, values) + probes + pack(layouts.HYDROGEN_2016, values)


def engine(values: Values, *, edition: int = 2016) -> bytes:
    """The item of the engine."""
    return b"\x04" + pack(layouts.ENGINE_2016 if edition == 2016 else layouts.ENGINE_2025, values)


def place(longitude: float, latitude: float, *, valid: bool = True, edition: int = 2016, system: int = 1) -> bytes:
    """The item of the place."""
    state = (0 if valid else layouts.PLACE_INVALID) | (layouts.PLACE_SOUTH if latitude < 0 else 0)
    state |= layouts.PLACE_WEST if longitude < 0 else 0
    head = bytes((0x05, state)) + (b"" if edition == 2016 else bytes((system,)))
    return head + pack(layouts.PLACE, {"longitude": abs(longitude), "latitude": abs(latitude)})


def extremes(values: Values) -> bytes:
    """The item of the extremes (2016)."""
    return b"\x06" + pack(layouts.EXTREMES_2016, values)


def alarms(
    level: int | None,
    names: Iterable[str] = (),
    codes: Mapping[str, Sequence[int]] | None = None,
    *,
    edition: int = 2016,
) -> bytes:
    """The item of the alarms: those in ``names`` are set; ``codes`` by the list they belong to."""
    bits = {name: bit for bit, (name, _, _) in enumerate(layouts.ALARMS)}
    flags = sum(1 << bits[name] for name in names)
    out = (b"\x07" if edition == 2016 else b"\x06") + _number(layouts.LEVEL, level) + flags.to_bytes(4, "big")
    for kind in layouts.FAULTS:
        found = (codes or {}).get(kind, ())
        out += bytes((len(found),)) + b"".join(code.to_bytes(4, "big") for code in found)
    return out if edition == 2016 else out + b"\0"


def voltages(
    values: Values, cells: Mapping[int, Sequence[float | None]], *, first: int = 1, edition: int = 2016
) -> bytes:
    """The item of the storage's voltages: cells by the number of their subsystem, counted from ``first``."""
    out = bytes((0x08 if edition == 2016 else 0x07, len(cells)))
    for number, found in cells.items():
        out += bytes((number,))
        if edition == 2016:
            own = {f"storage.{number}.cells": len(found), **values}
            out += pack(layouts.STORAGE, own, number) + first.to_bytes(2, "big") + bytes((len(found),))
        else:
            out += pack(layouts.PACK_2025, values, number) + len(found).to_bytes(2, "big")
        out += _spread(found, 2, 0, 1000)
    return out


def temperatures(probes: Mapping[int, Sequence[int | None]], *, edition: int = 2016) -> bytes:
    """The item of the storage's temperatures by the number of their subsystem."""
    out = bytes((0x09 if edition == 2016 else 0x08, len(probes)))
    for number, found in probes.items():
        out += bytes((number,)) + len(found).to_bytes(2, "big") + _spread(found, 1, 40)
    return out


def custom(kind: int, data: bytes) -> bytes:
    """An item that a maker defined, 0x80 to 0xFE."""
    return bytes((kind,)) + len(data).to_bytes(2, "big") + data


def _spread(values: Sequence[float | None], size: int, zero: int, factor: int = 1) -> bytes:
    most = (1 << 8 * size) - 1
    return b"".join((most if value is None else round(value * factor) + zero).to_bytes(size, "big") for value in values)
