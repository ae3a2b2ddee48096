"""Modbus peers: pymodbus's own server with simulated devices, and one that sends what a test wants, byte by byte."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from millwright.devices.connectors.contract import Point, Sample, Session
from millwright.devices.connectors.modbus.connector import ModbusConnector, ModbusSession
from millwright.devices.connectors.modbus.settings import ModbusSettings


def device(unit: int, holding: Sequence[int | SimData] = range(200), inputs: Sequence[int] = (7,) * 20) -> SimDevice:
    """A unit: 40 coils, even ones on; 40 inputs, all on; ``inputs``; and ``holding`` (0, 1, 2 … 199)."""
    cells = [each for each in holding if isinstance(each, SimData)]
    plain = [each for each in holding if isinstance(each, int)]
    if plain:
        cells.append(SimData(0, values=plain, datatype=DataType.REGISTERS))
    return SimDevice(
        unit,
        (
            [SimData(0, values=[True, False] * 20, datatype=DataType.BITS)],
            [SimData(0, values=[True] * 40, datatype=DataType.BITS)],
            cells,
            [SimData(0, values=list(inputs), datatype=DataType.REGISTERS)],
        ),
    )


def identity() -> ModbusDeviceIdentification:
    return ModbusDeviceIdentification(
        info_name={"VendorName": "Pump Works", "ProductCode": "PW-7", "MajorMinorRevision": "2.3", "ModelName": "Deep"}
    )


@asynccontextmanager
async def pymodbus_server(
    *devices: SimDevice, framer: FramerType = FramerType.SOCKET, **kwargs: Any
) -> AsyncIterator[int]:
    """pymodbus's TCP server; yields its port."""
    server = ModbusTcpServer(list(devices), address=("127.0.0.1", 0), framer=framer, identity=identity(), **kwargs)
    await server.listen()
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@contextmanager
def wire() -> Iterator[tuple[int, str]]:
    """A pair of pseudo terminals: a descriptor for one end, and the path of the other that is opened as a port."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(theirs)
        os.close(ours)


def bridge(one: int, other: int) -> Callable[[], None]:
    """Carry bytes between two descriptors, as a cable does; returns what ends it."""
    loop = asyncio.get_running_loop()

    def carry(source: int, sink: int) -> None:
        try:
            os.write(sink, os.read(source, 4096))
        except BlockingIOError:
            return

    loop.add_reader(one, carry, one, other)
    loop.add_reader(other, carry, other, one)

    def end() -> None:
        loop.remove_reader(one)
        loop.remove_reader(other)

    return end


@asynccontextmanager
async def pymodbus_on_a_wire(*devices: SimDevice) -> AsyncIterator[str]:
    """pymodbus's serial server at one end of a cable; yields the port of the other end."""
    with wire() as (far, far_path), wire() as (near, near_path):
        end = bridge(far, near)
        server = ModbusSerialServer(
            list(devices), framer=FramerType.RTU, port=far_path, baudrate=19200, timeout=1, identity=identity()
        )
        await server.listen()
        try:
            yield near_path
        finally:
            await server.shutdown()
            end()


Answer = Callable[[bytes], Sequence[bytes] | None]
"""From the bytes of a question to the pieces that are sent, each by itself; ``None`` hangs up."""


class Liar:
    """A TCP peer that answers each packet as it was told; ``heard`` is what came."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while data := await reader.read(4096):
            self.heard.append(data)
            pieces = self.answer(data)
            if pieces is None:
                break
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.001)
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            for writer in self._writers:
                await asyncio.wait_for(_closed(writer), 5)


async def _closed(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.wait_closed()
    except OSError:
        return


@asynccontextmanager
async def session(**settings: Any) -> AsyncIterator[ModbusSession]:
    """An open session to this machine."""
    if settings.get("transport") == "rtu":
        settings.setdefault("parity", "none")  # A pseudo terminal knows no other.
    else:
        settings.setdefault("host", "127.0.0.1")
    opened = await ModbusConnector().open(ModbusSettings(**settings))
    try:
        yield opened
    finally:
        await opened.close()


class Followed:
    """What a session delivers while it runs."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.calls = 0
        self._came = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def deliver(self, samples: Sequence[Sample]) -> None:
        self.calls += 1
        self.samples += samples
        self._came.set()

    def of(self, point: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.point_id == point]

    async def until(self, condition: Callable[[Followed], bool], limit_s: float = 20) -> None:
        """Wait until it holds; an end of the session is raised."""
        async with asyncio.timeout(limit_s):
            while not condition(self):
                self._came.clear()
                waiting = asyncio.ensure_future(self._came.wait())
                assert self.task is not None
                await asyncio.wait([waiting, self.task], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if self.task.done():
                    self.task.result()


@asynccontextmanager
async def following(
    opened: Session, points: dict[str, str], interval_ms: int = 50, **more: Any
) -> AsyncIterator[Followed]:
    """Run a session with points by id and address."""
    followed = Followed()
    wanted = [Point(id=key, address=address, interval_ms=interval_ms, **more) for key, address in points.items()]
    followed.task = asyncio.ensure_future(opened.run(wanted, followed.deliver))
    try:
        yield followed
    finally:
        followed.task.cancel()
        await asyncio.gather(followed.task, return_exceptions=True)
