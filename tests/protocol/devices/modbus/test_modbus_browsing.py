"""Browsing and seeking against pymodbus's own server: units, tables, ranges, values in other readings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData

from millwright.devices.connectors.contract import Node, NodePage
from millwright.devices.connectors.modbus.connector import ModbusConnector, ModbusSession
from millwright.devices.connectors.modbus.seeking import device_at
from millwright.kernel import Invalid, Unavailable
from support.modbus import Liar, device, pymodbus_on_a_wire, pymodbus_server, session


async def every(opened: ModbusSession, parent: str | None = None) -> tuple[list[Node], list[NodePage]]:
    """All nodes of a search, and its pages, which must make progress."""
    pages: list[NodePage] = []
    cursor = None
    while True:
        page = await opened.browse(parent, cursor)
        pages.append(page)
        assert len(pages) < 100, "a search without end"
        if page.next is None:
            return [node for page in pages for node in page.items], pages
        assert page.next != cursor, "a page that leads to itself"
        cursor = page.next


def registers(*spans: tuple[int, int]) -> list[SimData]:
    return [
        SimData(start, values=[at % 65536 for at in range(start, end + 1)], datatype=DataType.REGISTERS)
        for start, end in spans
    ]


@asynccontextmanager
async def by_tcp(*devices: Any) -> AsyncIterator[ModbusSession]:
    async with pymodbus_server(*devices) as port, session(port=port) as opened:
        yield opened


async def test_ranges_of_registers_are_found_to_their_exact_ends() -> None:
    spans = ((0, 9), (12, 40), (350, 611), (4096, 4096), (40_001, 40_777), (65_535, 65_535))
    async with by_tcp(device(1, holding=registers(*spans))) as each:
        found, pages = await every(each, "1:holding")
    ranges = [node.address for node in found]
    # 12 to 40 lies apart from every usual beginning: nothing but luck would find it.
    assert ranges == [f"1:holding:{low}-{high}" for low, high in spans if low != 12]
    assert [node.description for node in found][:2] == ["10 registers", "262 registers"]
    assert [page.share for page in pages] == sorted(page.share or 0 for page in pages)


async def test_a_range_is_shown_with_values_and_each_of_them_in_other_readings() -> None:
    async with by_tcp(device(1, holding=registers((100, 230)))) as each:
        rows, pages = await every(each, "1:holding:100-230")
        assert len(pages) == 3
        assert [node.value for node in rows] == list(range(100, 231))
        assert rows[0].name == "holding 100 (40101)"
        assert (rows[0].address, rows[0].type, rows[0].writable) == ("1:holding:100:uint16", "integer", True)
        await each.write("1:holding:100:float32:cdab", 21.5)
        readings = {node.address: node.value for node in (await each.browse("1:holding:100:uint16")).items}
        assert readings["1:holding:100:float32:cdab"] == 21.5
        assert readings["1:holding:100.0"] is False
        last = {node.address for node in (await each.browse("1:holding:230:uint16")).items}
        assert "1:holding:230:int16" in last
        assert "1:holding:230:float32:abcd" not in last, "it would reach beyond what the unit holds"


async def test_units_behind_a_gateway_are_found_with_what_they_say() -> None:
    async with (
        pymodbus_on_a_wire(device(1), device(7)) as path,
        session(transport="rtu", serial_port=path, baud_rate=115200) as each,
    ):
        found, pages = await every(each)
    assert [node.address for node in found] == ["1", "7"]
    assert "Pump Works" in found[0].description
    assert pages[0].share is not None
    assert pages[0].note is not None or pages[0].items


async def test_a_device_that_answers_to_every_number_is_one_device() -> None:
    def answer(request: bytes) -> list[bytes]:
        # Transaction, protocol, length 3, the unit asked; exception 2 to whatever was asked.
        return [request[:4] + b"\x00\x03" + request[6:7] + bytes((request[7] | 0x80, 2))]

    async with Liar(answer).serving() as port, session(port=port, unit=3) as each:
        page = await each.browse()
    assert [node.address for node in page.items] == ["3"]
    assert page.next is None
    assert page.note is not None
    assert "one device" in page.note.en


async def test_tables_whose_function_is_unknown_are_none_and_silence_ends_a_search() -> None:
    def answer(request: bytes) -> list[bytes]:
        if request[7] in (1, 2):
            return [request[:4] + b"\x00\x03" + request[6:7] + bytes((request[7] | 0x80, 1))]
        return []

    async with Liar(answer).serving() as port, session(port=port, timeout_s=0.1) as each:
        assert [node.address for node in (await each.browse("1")).items] == ["1:input", "1:holding"]
        page = await each.browse("1:holding")
        assert (list(page.items), page.next) == ([], None)
        assert page.note is not None
        assert "silent" in page.note.en
        for nowhere in ("999", "1:cellar", "pump", "1:holding:5:float99"):
            with pytest.raises(Invalid):
                await each.browse(nowhere)


async def test_a_device_gives_fewer_registers_at_once_than_the_standard_allows() -> None:
    def answer(request: bytes) -> list[bytes]:
        start, count = int.from_bytes(request[8:10]), int.from_bytes(request[10:12])
        if count > 10:
            return [request[:4] + b"\x00\x03" + request[6:7] + bytes((request[7] | 0x80, 3))]
        if start + count > 45:
            return [request[:4] + b"\x00\x03" + request[6:7] + bytes((request[7] | 0x80, 2))]
        data = bytes(2 * count)
        head = request[:4] + (3 + len(data)).to_bytes(2) + request[6:8]
        return [head + bytes((len(data),)) + data]

    async with Liar(answer).serving() as port, session(port=port) as each:
        found, _ = await every(each, "1:holding")
    assert [node.address for node in found] == ["1:holding:0-44"]


async def test_a_device_is_sought_at_an_address() -> None:
    async with pymodbus_server(device(1)) as port:
        (found,) = await device_at("127.0.0.1", port)
        assert found.settings == {"host": "127.0.0.1", "unit": 1, "port": port}
        assert "Pump Works" in found.title
    with pytest.raises(Unavailable):
        await device_at("127.0.0.1", port)
    assert await ModbusConnector().seek("127.0.0.77/30", 2.0) == []
    with pytest.raises(Invalid) as wide:
        await ModbusConnector().seek("10.0.0.0/16", 2.0)
    assert wide.value.code == "connectors.seek_invalid"
