"""From the data of a message to values by property name.

``None`` stands for a value that its sender marked abnormal or invalid. What cannot be read ends the reading there:
``fault`` says why, and the values before it stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Any, Final

from millwright.devices.vehicles import layouts, times
from millwright.devices.vehicles.frames import Command, Message
from millwright.devices.vehicles.layouts import Field

_CODES: Final = {1: "B", 2: "H", 4: "I"}
_SIGNATURE: Final = 0xFF
_CUSTOM_BYTES: Final = 4000
_REPORTS: Final = (Command.REALTIME, Command.REISSUED)


@dataclass(slots=True)
class Reading:
    """What a message says. ``time_ms`` is ``None`` where it states no time that exists."""

    time_ms: int | None
    values: dict[str, Any] = field(default_factory=dict)
    uncertain: dict[str, Any] = field(default_factory=dict)
    """Values that their sender does not vouch for: the place while there is no fix."""
    abnormal: list[str] = field(default_factory=list)
    """Names of values marked abnormal, which invalid ones are not."""
    fault: str = ""


class _Cut(Exception):
    """The data ends inside an item, or an item is none."""


def read(message: Message) -> Reading:
    """What a login, logout or report says; raises nothing."""
    data = message.data
    try:
        time_ms = times.to_ms(data)
    except ValueError:
        time_ms = None
    out = Reading(time_ms)
    try:
        if message.command in _REPORTS:
            _read_items(_Cursor(data, 6), message.edition, out)
        elif message.command == Command.LOGIN:
            _read_login(_Cursor(data, 6), message.edition, out)
        elif message.command == Command.LOGOUT:
            out.values["login_number"] = _Cursor(data, 6).number(2)
        else:
            out.fault = f"the command 0x{message.command:02X} is not read"
    except _Cut as error:
        out.fault = str(error)
    return out


class _Cursor:
    """Reads fields one after another."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at, self.end = data, at, len(data)

    def take(self, size: int) -> int:
        """Where ``size`` bytes begin. Raises :class:`_Cut`."""
        at = self.at
        self.at = at + size
        if self.at > self.end:
            raise _Cut(f"the data ends {self.at - self.end} bytes too early")
        return at

    def number(self, size: int) -> int:
        """A number."""
        at = self.take(size)
        return int.from_bytes(self.data[at : at + size], "big")

    def text(self, size: int) -> str:
        """A text, without what fills it up."""
        at = self.take(size)
        return self.data[at : at + size].decode("ascii", "replace").strip("\0 ")

    def numbers(self, size: int, count: int) -> tuple[int, ...]:
        """Numbers of the same size."""
        at = self.take(size * count)
        if size == 1:
            return tuple(self.data[at : at + count])
        return _struct(_CODES[size] * count).unpack_from(self.data, at)


@lru_cache(maxsize=4096)
def _struct(codes: str) -> Struct:
    return Struct(">" + codes)


@lru_cache(maxsize=4096)
def _plan(fields: tuple[Field, ...], number: int) -> tuple[Struct, tuple[tuple[str, int, int, int], ...]]:
    """How to read fields at once: (name, largest raw value that is one, zero, divisor) of each."""
    steps = tuple(
        (
            each.name.replace("{n}", str(number)),
            (1 << 8 * each.size) - 3 if each.marked else 1 << 32,
            each.zero,
            10**each.digits,
        )
        for each in fields
    )
    return _struct("".join(_CODES[each.size] for each in fields)), steps


def _read_fields(cursor: _Cursor, fields: tuple[Field, ...], out: Reading, number: int = 0) -> None:
    layout, steps = _plan(fields, number)
    values = out.values
    for (name, most, zero, divisor), raw in zip(
        steps, layout.unpack_from(cursor.data, cursor.take(layout.size)), strict=True
    ):
        if raw > most:
            values[name] = None
            if not raw & 1:
                out.abnormal.append(name)
        else:
            values[name] = (raw - zero) / divisor if divisor > 1 else raw - zero


@lru_cache(maxsize=4096)
def _names(form: str, number: int, first: int, count: int) -> tuple[str, ...]:
    before, _, after = form.replace("{n}", str(number)).partition("{i}")
    return tuple([f"{before}{index}{after}" for index in range(first, first + count)])


def _spread(
    out: Reading, form: str, number: int, first: int, raws: Sequence[int], size: int, zero: int = 0, divisor: int = 1
) -> None:
    """Many values of one kind: cells, probes."""
    if not raws:
        return
    names, most = _names(form, number, first, len(raws)), (1 << 8 * size) - 3
    if divisor > 1:
        out.values.update(zip(names, [(raw - zero) / divisor for raw in raws], strict=True))
    else:
        out.values.update(zip(names, [raw - zero for raw in raws], strict=True))
    if max(raws) > most:
        for name, raw in zip(names, raws, strict=True):
            if raw > most:
                out.values[name] = None
                if not raw & 1:
                    out.abnormal.append(name)


def _count(cursor: _Cursor, size: int) -> int:
    """How many follow; a count that is marked abnormal or invalid has nothing behind it."""
    count = cursor.number(size)
    return 0 if count > (1 << 8 * size) - 3 else count


def _read_items(cursor: _Cursor, edition: int, out: Reading) -> None:
    items = ITEMS[edition]
    while cursor.at < cursor.end:
        kind = cursor.number(1)
        if edition == 2025 and kind == _SIGNATURE:
            _read_signature(cursor, out)
            continue
        reader = items.get(kind)
        if reader is not None:
            reader(cursor, out)
        elif 0x80 <= kind <= 0xFE:
            _read_custom(kind, cursor, out)
        else:
            raise _Cut(f"the item 0x{kind:02X} is not one of the edition of {edition}, and its length is not known")


def _read_custom(kind: int, cursor: _Cursor, out: Reading) -> None:
    """What a maker defined itself, as hexadecimal digits; in parts where it is long."""
    at = cursor.take(cursor.number(2))
    name, data = f"custom.{kind:02x}", cursor.data[at : cursor.at]
    if len(data) <= _CUSTOM_BYTES:
        out.values[name] = data.hex()
        return
    for part in range(0, len(data), _CUSTOM_BYTES):
        out.values[f"{name}.{part // _CUSTOM_BYTES}"] = data[part : part + _CUSTOM_BYTES].hex()


def _vehicle(fields: tuple[Field, ...]) -> Callable[[_Cursor, Reading], None]:
    def read_vehicle(cursor: _Cursor, out: Reading) -> None:
        _read_fields(cursor, fields, out)
        raw = out.values["gear"]
        for name, bit in layouts.GEAR_FLAGS.items():
            out.values[name] = bool(raw & bit)
        out.values["gear"] = raw & 0x0F
        if fields is layouts.VEHICLE_2025 and raw & 0x80:  # the gear itself is not valid (table A.1 of 2025)
            out.values["gear"] = None

    return read_vehicle


def _motors(fields: tuple[Field, ...]) -> Callable[[_Cursor, Reading], None]:
    def read_motors(cursor: _Cursor, out: Reading) -> None:
        for _ in range(_count(cursor, 1)):
            _read_fields(cursor, fields, out, cursor.number(1))

    return read_motors


def _fuel_cell_2016(cursor: _Cursor, out: Reading) -> None:
    _read_fields(cursor, layouts.FUEL_CELL_2016, out)
    _spread(out, "fuel_cell.probe.{i}.temperature", 0, 1, cursor.numbers(1, _count(cursor, 2)), 1, 40)
    _read_fields(cursor, layouts.HYDROGEN_2016, out)


def _simple(fields: tuple[Field, ...]) -> Callable[[_Cursor, Reading], None]:
    return lambda cursor, out: _read_fields(cursor, fields, out)


def _place(cursor: _Cursor, out: Reading, *, systems: bool = False) -> None:
    state = cursor.number(1)
    if systems:
        out.values["coordinate_system"] = cursor.number(1)
    _read_fields(cursor, layouts.PLACE, out)
    values = out.values
    values["location_valid"] = not state & layouts.PLACE_INVALID
    for name, bit in (("longitude", layouts.PLACE_WEST), ("latitude", layouts.PLACE_SOUTH)):
        if state & bit and values[name] is not None:
            values[name] = -values[name]
        if state & layouts.PLACE_INVALID and values[name] is not None:
            out.uncertain[name] = values.pop(name)


def _place_2025(cursor: _Cursor, out: Reading) -> None:
    _place(cursor, out, systems=True)


def _alarms(edition: int) -> Callable[[_Cursor, Reading], None]:
    names = tuple([f"alarm.{name}" for name, _, _ in layouts.ALARMS[: layouts.ALARM_BITS[edition]]])

    def read_alarms(cursor: _Cursor, out: Reading) -> None:
        _read_fields(cursor, (layouts.LEVEL,), out)
        flags = cursor.number(4)
        out.values.update({name: bool(flags >> bit & 1) for bit, name in enumerate(names)})
        for kind in layouts.FAULTS:
            codes = cursor.numbers(4, _count(cursor, 1))
            out.values[f"alarm.{kind}_faults"] = len(codes)
            if codes:
                out.values[f"alarm.{kind}_codes"] = ",".join([f"{code:08X}" for code in codes])
        if edition == 2025:
            for _ in range(_count(cursor, 1)):
                bit, level = cursor.numbers(1, 2)
                name = layouts.ALARMS[bit][0] if bit < len(layouts.ALARMS) else f"bit_{bit}"
                out.values[f"alarm.{name}_level"] = level

    return read_alarms


def _voltages_2016(cursor: _Cursor, out: Reading) -> None:
    for _ in range(_count(cursor, 1)):
        number = cursor.number(1)
        _read_fields(cursor, layouts.STORAGE, out, number)
        first = cursor.number(2)
        raws = cursor.numbers(2, _count(cursor, 1))
        _spread(out, "storage.{n}.cell.{i}.voltage", number, first, raws, 2, 0, 1000)


def _voltages_2025(cursor: _Cursor, out: Reading) -> None:
    for _ in range(_count(cursor, 1)):
        number = cursor.number(1)
        _read_fields(cursor, layouts.PACK_2025, out, number)
        raws = cursor.numbers(2, _count(cursor, 2))
        out.values[f"storage.{number}.cells"] = len(raws)
        _spread(out, "storage.{n}.cell.{i}.voltage", number, 1, raws, 2, 0, 1000)


def _temperatures(cursor: _Cursor, out: Reading) -> None:
    for _ in range(_count(cursor, 1)):
        number = cursor.number(1)
        _spread(out, "storage.{n}.probe.{i}.temperature", number, 1, cursor.numbers(1, _count(cursor, 2)), 1, 40)


def _stacks(cursor: _Cursor, out: Reading) -> None:
    for _ in range(_count(cursor, 1)):
        number = cursor.number(1)
        _read_fields(cursor, layouts.STACK_2025, out, number)
        raws = cursor.numbers(1, _count(cursor, 2))
        _spread(out, "stack.{n}.cooling_probe.{i}.temperature", number, 1, raws, 1, 40)


def _capacitor(cursor: _Cursor, out: Reading) -> None:
    number = cursor.number(1)
    _read_fields(cursor, layouts.CAPACITOR_2025, out, number)
    _spread(out, "capacitor.{n}.cell.{i}.voltage", number, 1, cursor.numbers(2, _count(cursor, 2)), 2, 0, 1000)
    _spread(out, "capacitor.{n}.probe.{i}.temperature", number, 1, cursor.numbers(1, _count(cursor, 2)), 1, 40)


def _read_signature(cursor: _Cursor, out: Reading) -> None:
    """The vehicle's signature (table 8 of 2025): kept, not verified."""
    algorithm = cursor.number(1)
    parts = []
    for _ in range(2):
        at = cursor.take(cursor.number(2))
        parts.append(cursor.data[at : cursor.at].hex())
    out.values["signature_algorithm"] = algorithm
    if cursor.at != cursor.end:
        raise _Cut("something follows the signature")


def _read_login(cursor: _Cursor, edition: int, out: Reading) -> None:
    values = out.values
    values["login_number"] = cursor.number(2)
    values["iccid"] = cursor.text(20)
    count = cursor.number(1)
    if edition == 2016:
        size = cursor.number(1)
        codes = [cursor.text(size) for _ in range(count if size else 0)]
    else:
        codes = [cursor.text(24) for packs in cursor.numbers(1, count) for _ in range(packs)]
    if codes:
        values["storage_codes"] = ",".join(codes)


ITEMS: Final[dict[int, dict[int, Callable[[_Cursor, Reading], None]]]] = {
    2016: {
        0x01: _vehicle(layouts.VEHICLE_2016),
        0x02: _motors(layouts.MOTOR_2016),
        0x03: _fuel_cell_2016,
        0x04: _simple(layouts.ENGINE_2016),
        0x05: _place,
        0x06: _simple(layouts.EXTREMES_2016),
        0x07: _alarms(2016),
        0x08: _voltages_2016,
        0x09: _temperatures,
    },
    2025: {
        0x01: _vehicle(layouts.VEHICLE_2025),
        0x02: _motors(layouts.MOTOR_2025),
        0x03: _simple(layouts.HYDROGEN_2025),
        0x04: _simple(layouts.ENGINE_2025),
        0x05: _place_2025,
        0x06: _alarms(2025),
        0x07: _voltages_2025,
        0x08: _temperatures,
        0x30: _stacks,
        0x31: _capacitor,
        0x32: _simple(layouts.CAPACITOR_EXTREMES_2025),
    },
}
"""The items of a report by edition and kind (table 8; table 9 of 2025)."""
