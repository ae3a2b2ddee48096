"""The connector that the guide shows is one: it passes the suite against a thermometer on a socket."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

from millwright.devices.connectors.conformance import check

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "thermometer_connector.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("thermometer_connector", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_thermometer_of_the_guide() -> None:
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        while line := await reader.readline():
            channel = line.decode().strip().rstrip("?")
            writer.write(f"{channel} {'20.5' if channel in ('T1', 'T2') else 'none'}\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def kill() -> None:
        server.close()
        for writer in writers:
            writer.close()

    await check(
        load().ThermometerConnector(),
        {"host": "127.0.0.1", "port": port, "timeout_s": 2.0},
        addresses=["T1", "T2"],
        bad_address="T99",
        kill=kill,
    )
    for writer in writers:
        await writer.wait_closed()
