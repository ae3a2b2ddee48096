"""A station written octet by octet for the tests, without any code of ours or of a library."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

STARTDT_ACT = "68 04 07 00 00 00"
STARTDT_CON = "68 04 0b 00 00 00"
TESTFR_ACT = "68 04 43 00 00 00"
TESTFR_CON = "68 04 83 00 00 00"


class Wire:
    """One connection as the station sees it: what it hears and says, as hexadecimal text."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hear(self) -> str:
        """The next frame; an empty text at the end."""
        try:
            head = await self._reader.readexactly(2)
            return (head + await self._reader.readexactly(head[1])).hex(" ")
        except (asyncio.IncompleteReadError, ConnectionError):
            return ""

    async def say(self, *frames: str) -> None:
        self._writer.write(b"".join(bytes.fromhex(frame) for frame in frames))
        await self._writer.drain()

    async def start(self) -> None:
        """The handshake that begins data transfer."""
        assert await self.hear() == STARTDT_ACT
        await self.say(STARTDT_CON)

    async def information(self, send: int, receive: int, asdu: str) -> None:
        """An I frame with these numbers."""
        await self.say(frame(send, receive, asdu))


def frame(send: int, receive: int, asdu: str) -> str:
    octets = bytes.fromhex(asdu)
    head = (send * 2).to_bytes(2, "little") + (receive * 2).to_bytes(2, "little")
    return (bytes((0x68, len(octets) + 4)) + head + octets).hex(" ")


class WireStation:
    """``async with WireStation(serve) as station``: ``serve`` is called with each connection."""

    def __init__(self, serve: Callable[[Wire], Awaitable[None]]) -> None:
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task] = set()
        self.failed: list[BaseException] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._serve(Wire(reader, writer))
            while await reader.read(4096):
                pass
        except (ConnectionError, asyncio.CancelledError):
            pass
        except AssertionError as error:
            self.failed.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.failed:
            raise self.failed[0]
