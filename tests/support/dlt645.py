"""A simulated DL/T 645-2007 meter, written from the standard's tables without the connector's code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from millwright.devices.connectors.dlt645.connector import Dlt645Connector, Dlt645Session
from millwright.devices.connectors.dlt645.settings import Dlt645Settings
from support.modbus import wire

Spoil = Callable[[bytes], Sequence[bytes]]
"""What becomes of an answer on the way: the pieces that arrive."""


class Meter:
    """Answers questions for its address, the wildcard, and its address.

    ``data``: identifier as the standard writes it → bytes as they are sent, before 33H is added. ``most`` bytes of data
    go into one frame. ``silent``: it hears and does not answer.
    """

    def __init__(self, number: str, data: dict[str, str], most: int = 200) -> None:
        self.number = number
        self.data = {key.upper(): bytes.fromhex(value) for key, value in data.items()}
        self.most = most
        self.silent = False
        self.asked: list[str] = []
        self.spoil: Spoil = lambda answer: [answer]

    def _frame(self, control: int, data: bytes) -> bytes:
        out = bytearray([0x68])
        for pair in range(5, -1, -1):
            out.append(int(self.number[2 * pair : 2 * pair + 2], 16))
        out += bytes([0x68, control, len(data)])
        for byte in data:
            out.append((byte + 0x33) % 256)
        total = 0
        for byte in out:
            total += byte
        return bytes(out) + bytes([total % 256, 0x16])

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to one whole question without wake-up bytes."""
        assert (frame[0], frame[7], frame[-1]) == (0x68, 0x68, 0x16)
        assert sum(frame[:-2]) % 256 == frame[-2]
        asked = "".join(f"{byte:02X}" for byte in frame[6:0:-1])
        if asked not in (self.number, "AAAAAAAAAAAA") or self.silent:
            return None
        control, data = frame[8], bytes((byte - 0x33) % 256 for byte in frame[10:-2])
        if control == 0x13:
            return self._frame(0x93, bytes(frame[1:7]) if asked == self.number else bytes.fromhex(self.number)[::-1])
        identifier = data[3::-1].hex().upper()
        self.asked.append(identifier)
        if identifier not in self.data:
            return self._frame(control | 0xC0, b"\x02")
        whole = self.data[identifier]
        part = data[4] if control == 0x12 else 0
        piece = whole[part * self.most : (part + 1) * self.most]
        more = 0x20 if len(whole) > (part + 1) * self.most else 0
        return self._frame(control | 0x80 | more, data[:4] + piece + (bytes([part]) if control == 0x12 else b""))


class Line:
    """Meters on one line: cuts what comes into questions."""

    def __init__(self, *meters: Meter) -> None:
        self.meters = meters
        self.buffer = bytearray()
        self.heard = bytearray()

    def take(self, data: bytes) -> list[bytes]:
        self.heard += data
        self.buffer += data
        pieces: list[bytes] = []
        while True:
            while self.buffer and self.buffer[0] != 0x68:
                del self.buffer[0]
            if len(self.buffer) < 10 or len(self.buffer) < 12 + self.buffer[9]:
                return pieces
            frame = bytes(self.buffer[: 12 + self.buffer[9]])
            del self.buffer[: len(frame)]
            for meter in self.meters:
                if (answer := meter.answer(frame)) is not None:
                    pieces += meter.spoil(answer)


@asynccontextmanager
async def by_serial(line: Line, **settings: Any) -> AsyncIterator[Dlt645Session]:
    """A session over a pair of pseudo terminals."""
    with wire() as (far, path):
        loop = asyncio.get_running_loop()

        def read() -> None:
            for piece in line.take(os.read(far, 4096)):
                os.write(far, piece)

        loop.add_reader(far, read)
        opened = await Dlt645Connector().open(Dlt645Settings(serial_port=path, parity="none", **settings))
        try:
            yield opened
        finally:
            await opened.close()
            loop.remove_reader(far)


@asynccontextmanager
async def converter(line: Line) -> AsyncIterator[int]:
    """A transparent serial-to-TCP converter with the line behind it; yields its port."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(4096):
            for piece in line.take(data):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for writer in writers:
            await asyncio.wait_for(asyncio.gather(writer.wait_closed(), return_exceptions=True), 5)


@asynccontextmanager
async def by_tcp(line: Line, **settings: Any) -> AsyncIterator[Dlt645Session]:
    """A session through a transparent converter."""
    async with converter(line) as port:
        opened = await Dlt645Connector().open(Dlt645Settings(transport="tcp", host="127.0.0.1", port=port, **settings))
        try:
            yield opened
        finally:
            await opened.close()
