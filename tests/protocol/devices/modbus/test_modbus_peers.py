"""The connector against pymodbus's own server: TCP, RTU on a wire, RTU over TCP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.simulator import DataType, SimData

from millwright.devices.connectors.contract import BAD, GOOD
from millwright.devices.connectors.modbus.connector import ModbusConnector, ModbusSession
from millwright.devices.connectors.modbus.settings import ModbusSettings
from millwright.kernel import Denied, Invalid, Unavailable, Unsupported
from support.modbus import device, following, pymodbus_on_a_wire, pymodbus_server, session, wire


@asynccontextmanager
async def by_tcp(*devices: Any) -> AsyncIterator[ModbusSession]:
    async with pymodbus_server(*devices) as port, session(port=port) as opened:
        yield opened


@asynccontextmanager
async def by_rtu(*devices: Any) -> AsyncIterator[ModbusSession]:
    async with (
        pymodbus_on_a_wire(*devices) as path,
        session(transport="rtu", serial_port=path, baud_rate=19200, parity="none", stop_bits=2) as opened,
    ):
        yield opened


@asynccontextmanager
async def by_rtu_over_tcp(*devices: Any) -> AsyncIterator[ModbusSession]:
    async with (
        pymodbus_server(*devices, framer=FramerType.RTU) as port,
        session(transport="rtu_over_tcp", port=port) as opened,
    ):
        yield opened


TRANSPORTS = {"tcp": by_tcp, "rtu": by_rtu, "rtu_over_tcp": by_rtu_over_tcp}


@pytest.fixture(params=TRANSPORTS)
def reach(request: pytest.FixtureRequest) -> Any:
    return TRANSPORTS[request.param]


Reach = Any


async def test_every_table_is_read_and_followed(reach: Reach) -> None:
    opened: AbstractAsyncContextManager[ModbusSession] = reach(
        device(1), device(2, holding=[500 + n for n in range(20)])
    )
    async with opened as each:
        addresses = [
            "holding:5",
            "2:holding:7",
            "input:3",
            "coil:0",
            "coil:1",
            "discrete:39",
            "40010:uint32",
            "holding:3.1",
        ]
        samples = await each.read(addresses)
        assert [sample.point_id for sample in samples] == addresses
        assert [sample.value for sample in samples] == [5, 507, 7, True, False, True, 9 * 65536 + 10, True]
        assert {(sample.quality, sample.time_ms, sample.note) for sample in samples} == {(GOOD, None, "")}
        points = {address: address for address in addresses}
        async with following(each, points) as followed:
            await followed.until(lambda seen: all(len(seen.of(point)) >= 3 for point in points))
        assert {sample.value for sample in followed.of("2:holding:7")} == {507}
        assert {sample.quality for sample in followed.samples} == {GOOD}


async def test_what_is_written_is_there(reach: Reach) -> None:
    async with reach(device(1)) as each:
        written = {
            "holding:20": 4711,
            "holding:22:int16": -5,
            "holding:30:float32:cdab": 21.5,
            "holding:40:float64:dcba": -1e-9,
            "holding:50:string8:badc": "Pump 7",
            "holding:60:bcd32": 12345678,
            "holding:61.9": True,
            "coil:7": True,
            "coil:8": False,
        }
        for address, value in written.items():
            await each.write(address, value)
        assert [sample.value for sample in await each.read(list(written))][:6] == list(written.values())[:6]
        assert [sample.value for sample in await each.read(["holding:61.9", "coil:7", "coil:8"])] == [True, True, False]


async def test_a_bit_leaves_its_neighbours_alone(reach: Reach) -> None:
    async with reach(device(1)) as each:
        await each.write("holding:85.0", False)
        await each.write("holding:85.15", True)
        await each.write("holding:86.8:badc", True)
        assert [s.value for s in await each.read(["holding:85", "holding:86"])] == [85 - 1 + 0x8000, 86 | 1]


async def test_it_says_what_it_is(reach: Reach) -> None:
    async with reach(device(1)) as each:
        found = await each.identify()
    assert (found.vendor, found.product, found.version) == ("Pump Works", "Deep", "2.3")
    assert found.fingerprint


async def test_what_cannot_be_read_is_bad_and_the_rest_is_read() -> None:
    holes = [SimData(address, values=[address], datatype=DataType.REGISTERS) for address in (0, 1, 2, 5, 9, 10, 40)]
    async with by_tcp(device(1, holding=holes)) as each:
        addresses = [f"holding:{n}" for n in (0, 1, 2, 3, 5, 9, 10, 11, 40)] + ["holding:2:float32"]
        samples = {sample.point_id: sample for sample in await each.read(addresses)}
        assert [samples[f"holding:{n}"].value for n in (0, 1, 2, 5, 9, 10, 40)] == [0, 1, 2, 5, 9, 10, 40]
        for bad in ("holding:3", "holding:11", "holding:2:float32"):
            assert (samples[bad].value, samples[bad].quality) == (None, BAD)
            assert samples[bad].note == "illegal data address (exception 2)"
        async with following(each, {address: address for address in addresses}) as followed:
            await followed.until(lambda seen: len(seen.of("holding:40")) >= 5)
        assert {sample.value for sample in followed.of("holding:9")} == {9}
        assert len(followed.of("holding:3")) == 1, "bad news is told once"


async def test_a_refused_write_says_why() -> None:
    readonly = [
        SimData(0, values=[1], datatype=DataType.REGISTERS),
        SimData(5, values=[1], datatype=DataType.REGISTERS),
    ]
    async with by_tcp(device(1, holding=readonly)) as each:
        with pytest.raises(Denied, match="illegal data address") as caught:
            await each.write("holding:9", 1)
        assert caught.value.code == "connectors.refused"
        for address, value, code in (
            ("holding:0", 65536, "connectors.value_invalid"),
            ("coil:0", "on", "connectors.value_invalid"),
            ("input:0", 1, "connectors.read_only"),
            ("discrete:0", True, "connectors.read_only"),
            ("holdings", 1, "connectors.address_invalid"),
        ):
            with pytest.raises(Invalid) as wrong:
                await each.write(address, value)
            assert wrong.value.code == code
        assert [sample.value for sample in await each.read(["holding:0"])] == [1]


async def test_a_hundred_devices_keep_their_beat() -> None:
    """A hundred connections of a hundred registers; each is read every interval, none drifts or starves."""
    async with pymodbus_server(device(1)) as port:
        sessions = [
            await ModbusConnector().open(ModbusSettings(host="127.0.0.1", port=port, timeout_s=30)) for _ in range(100)
        ]
        counts = [0] * 100
        enough = asyncio.Event()

        def taker(at: int) -> Any:
            async def take(samples: Any) -> None:
                assert [sample.value for sample in samples] == list(range(100))
                counts[at] += 1
                if min(counts) >= 3:
                    enough.set()

            return take

        from millwright.devices.connectors.contract import Point

        points = [Point(id=str(n), address=f"holding:{n}", interval_ms=500) for n in range(100)]
        begin = time.monotonic()
        tasks = [asyncio.ensure_future(each.run(points, taker(at))) for at, each in enumerate(sessions)]
        try:
            async with asyncio.timeout(60):
                await enough.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for each in sessions:
                await each.close()
        assert max(counts) <= (time.monotonic() - begin) / 0.5 + 1, "nobody is read faster than asked"


async def test_nobody_there_is_unavailable_and_wrong_settings_are_invalid() -> None:
    async with pymodbus_server(device(1)) as port:
        pass
    with pytest.raises(Unavailable) as caught:
        await ModbusConnector().open(ModbusSettings(host="127.0.0.1", port=port))
    assert caught.value.code == "connectors.unreachable"
    with pytest.raises(Unavailable, match="cannot be opened"):
        await ModbusConnector().open(ModbusSettings(transport="rtu", serial_port="/dev/no-such-port"))
    for wrong in (ModbusSettings(), ModbusSettings(transport="rtu")):
        with pytest.raises(Invalid) as invalid:
            await ModbusConnector().open(wrong)
        assert invalid.value.code == "connectors.settings_invalid"


async def test_a_port_is_opened_once() -> None:
    async with pymodbus_on_a_wire(device(1)) as path, session(transport="rtu", serial_port=path):
        with pytest.raises(Unavailable, match="cannot be opened"):
            await ModbusConnector().open(ModbusSettings(transport="rtu", serial_port=path))


async def test_what_a_port_does_not_take_is_said() -> None:
    """A pseudo terminal has no parity, and the system says so when nothing else was to be changed."""
    with wire() as (_, path):
        async with session(transport="rtu", serial_port=path):
            pass
        with pytest.raises(Invalid, match="does not take these settings") as caught:
            await ModbusConnector().open(ModbusSettings(transport="rtu", serial_port=path))
    assert caught.value.code == "connectors.settings_invalid"


async def test_what_it_cannot_do_is_said() -> None:
    async with by_tcp(device(1)) as each:
        with pytest.raises(Unsupported):
            await each.call("holding:1", {})
    with pytest.raises(Unsupported):
        await ModbusConnector().discover()
    assert ModbusConnector().check_address("holding:1:float32") == "number"
    assert ModbusConnector().check_address("coil:1") == "boolean"
