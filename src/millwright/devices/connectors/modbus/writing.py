"""Writing: coils, registers, bits of registers; confirmed by the answer, and by reading back."""

from __future__ import annotations

import asyncio

from millwright.devices.connectors.contract import Value
from millwright.devices.connectors.modbus.address import Address, parse
from millwright.devices.connectors.modbus.link import Link
from millwright.devices.connectors.modbus.pdu import (
    BUSY,
    ILLEGAL_FUNCTION,
    NO_PATH,
    NO_TARGET,
    READ_OF,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    BadReply,
    NoAnswer,
    Refused,
    check_written,
    mask_request,
    read_data,
    read_request,
    write_request,
)
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.devices.connectors.modbus.values import encode
from millwright.kernel import Denied, Invalid, Unavailable


class Writer:
    """Writes over one link, one value at a time, so that changes of bits of one register do not cross."""

    def __init__(self, link: Link, settings: ModbusSettings) -> None:
        self._link, self._settings = link, settings
        self._no_mask: set[int] = set()
        """Units that do not know mask write."""
        self._turn = asyncio.Lock()

    async def write(self, text: str, value: Value) -> None:
        """As :meth:`millwright.devices.connectors.contract.Session.write`."""
        address = parse(text)
        unit = self._settings.unit if address.unit is None else address.unit
        if address.table not in ("coil", "holding"):
            raise Invalid(
                f"{text} can be read only.",
                code="connectors.read_only",
                hint="Coils and holding registers can be written; discrete inputs and input registers cannot.",
            )
        if unit == 0 and self._settings.transport != "tcp":
            raise Invalid(
                "Unit 0 is everybody on a serial line, and nobody confirms what it gets.",
                code="connectors.read_only",
                hint="Write to each unit by its number.",
            )
        async with self._turn:
            try:
                if address.type == "bool":
                    await self._bit(unit, address, _boolean(value))
                else:
                    await self._registers(unit, address, encode(address, value, address.order or self._settings.order))
            except Refused as error:
                if error.code in (BUSY, NO_PATH, NO_TARGET):
                    raise Unavailable(
                        f"Unit {unit} cannot take it now: {error}.",
                        code="connectors.no_answer",
                        hint="Try again; if it stays so, look at the unit and its wires.",
                    ) from error
                raise Denied(
                    f"Unit {unit} refused to write {text}: {error}.",
                    code="connectors.refused",
                    hint="Check the address and whether the device lets it be written, and in which state.",
                ) from error
            except (NoAnswer, BadReply) as error:
                raise Unavailable(
                    f"Unit {unit} did not confirm: {error}.",
                    code="connectors.unconfirmed",
                    hint="It may have been written or not: read the value before you try again.",
                ) from error

    async def _ask(self, unit: int, question: bytes) -> None:
        check_written(question, await self._link.ask(unit, question))

    async def _held(self, unit: int, address: Address) -> bytes:
        question = read_request(READ_OF[address.table], address.start, address.count)
        return read_data(question, await self._link.ask(unit, question))

    async def _bit(self, unit: int, address: Address, value: bool) -> None:
        if address.bit is None:
            function = WRITE_COILS if self._settings.write_with == "multiple" else WRITE_COIL
            await self._ask(unit, write_request(function, address.start, bytes((value,))))
            await self._compare(unit, address, bytes((value,)), b"\x01")
            return
        order = address.order or self._settings.order
        mask = 1 << (address.bit ^ 8 if order in ("badc", "dcba") else address.bit)
        if unit not in self._no_mask:
            try:
                await self._ask(unit, mask_request(address.start, 0xFFFF ^ mask, mask if value else 0))
            except Refused as error:
                if error.code != ILLEGAL_FUNCTION:
                    raise
                self._no_mask.add(unit)
        if unit in self._no_mask:
            # Not atomic: what the device itself changes of the register in between is lost. There is no other way.
            held = int.from_bytes(await self._held(unit, address), "big")
            changed = held | mask if value else held & ~mask
            await self._write_registers(unit, address.start, changed.to_bytes(2, "big"))
        await self._compare(unit, address, (mask if value else 0).to_bytes(2, "big"), mask.to_bytes(2, "big"))

    async def _registers(self, unit: int, address: Address, data: bytes) -> None:
        await self._write_registers(unit, address.start, data)
        await self._compare(unit, address, data, b"\xff" * len(data))

    async def _write_registers(self, unit: int, start: int, data: bytes) -> None:
        single = len(data) == 2 and self._settings.write_with == "auto"
        await self._ask(unit, write_request(WRITE_REGISTER if single else WRITE_REGISTERS, start, data))

    async def _compare(self, unit: int, address: Address, data: bytes, mask: bytes) -> None:
        if not self._settings.read_back:
            return
        try:
            held = await self._held(unit, address)
        except Refused:
            return  # It can be written and not read; the answer confirmed it.
        if any((one ^ other) & bit for one, other, bit in zip(held, data, mask, strict=True)):
            raise Denied(
                f"Unit {unit} confirmed the write, and holds {held.hex(' ')} in place of {data.hex(' ')}.",
                code="connectors.not_taken",
                hint="Its range or state may not allow it. Set read_back off for registers that reset themselves.",
            )


def _boolean(value: Value) -> bool:
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise Invalid(
        f"The value {value!r} does not fit.",
        code="connectors.value_invalid",
        hint="A coil or bit takes true, false, 0 or 1.",
    )
