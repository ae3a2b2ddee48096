"""Lines to machines on the event loop that a node's processes have, which is not asyncio's own."""

from __future__ import annotations

import asyncio

import uvloop

from millwright.devices.connectors.line import open_tcp


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()
    await writer.wait_closed()


async def talk() -> bytes:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        line = await open_tcp("127.0.0.1", server.sockets[0].getsockname()[1], 10)
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        line.on_bytes = heard.set_result
        line.write(b"question")
        async with asyncio.timeout(10):
            answer = await heard
        line.close()
        await asyncio.sleep(0.05)
    return answer


def test_a_question_is_answered_over_tcp() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == b"question"
