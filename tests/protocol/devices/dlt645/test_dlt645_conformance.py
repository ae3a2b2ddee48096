"""The suite that every connector passes."""

from __future__ import annotations

import asyncio

import pytest

from millwright.devices.connectors.dlt645.connector import Dlt645Connector
from support.dlt645 import Line, Meter

conformance = pytest.importorskip("millwright.devices.connectors.conformance")


async def test_it_conforms() -> None:
    meter = Meter("000000000001", {"00010000": "78563412", "0201FF00": "0123 0223 0323", "04000402": "010000000000"})
    line = Line(meter)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(4096):
            for piece in line.take(data):
                writer.write(piece)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)

    async def kill() -> None:
        server.close()
        for writer in writers:
            writer.close()

    try:
        await conformance.check(
            Dlt645Connector(),
            {
                "transport": "tcp",
                "host": "127.0.0.1",
                "port": server.sockets[0].getsockname()[1],
                "timeout_s": 1,
                "pause_ms": 0,
            },
            addresses=["000000000001:00010000", "0201FF00.1", "000000000001:04000402"],
            bad_address="000000000001:02800002",
            kill=kill,
        )
    finally:
        await kill()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
