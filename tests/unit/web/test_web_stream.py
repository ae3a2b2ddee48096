import asyncio
import json
from collections.abc import AsyncIterator

from millwright.web.live import Sight, Stream

ALL = Sight(readings=frozenset({"d"}))


async def yes() -> Sight:
    return ALL


async def first(chunks: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(chunks), 2)


async def test_a_slow_client_gets_the_latest_of_each_key() -> None:
    stream = Stream(frozenset(), ALL, yes)
    chunks = stream.chunks()
    assert await first(chunks) == b"retry: 2000\n\n"
    for number in range(100):
        stream.put("alarm", "a", b"%d" % number)
    stream.put("alarm", "b", b"7")
    assert await first(chunks) == b"event: alarm\ndata: 99\n\nevent: alarm\ndata: 7\n\n"
    assert stream.dropped == 99


async def test_readings_that_wait_are_merged_without_losing_a_property() -> None:
    stream = Stream(frozenset({"d"}), ALL, yes)
    chunks = stream.chunks()
    await first(chunks)
    for number in range(100):
        name = "first" if number == 0 else "t"
        stream.put_readings("d", json.dumps({"device_id": "d", "readings": [[name, number, number, 192]]}).encode())
    chunk = await first(chunks)
    assert chunk.count(b"event: readings") <= 4
    latest = {}
    for line in chunk.decode().splitlines():
        if line.startswith("data: "):
            latest.update({reading[0]: reading[1] for reading in json.loads(line[6:])["readings"]})
    assert latest == {"first": 0, "t": 99}


async def test_what_waits_is_bounded() -> None:
    stream = Stream(frozenset(), ALL, yes)
    for number in range(10_000):
        stream.put("alarm", str(number), b"x")
    assert len(stream._pending) == 2_000
    assert next(iter(stream._pending)) == ("alarm", "8000")


async def test_a_quiet_stream_has_a_heartbeat() -> None:
    chunks = Stream(frozenset(), ALL, yes, heartbeat_s=0.05).chunks()
    await first(chunks)
    assert await first(chunks) == b": alive\n\n"


async def test_closing_ends_it_at_once() -> None:
    stream = Stream(frozenset(), ALL, yes)
    chunks = stream.chunks()
    await first(chunks)
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0.01)
    stream.close()
    await asyncio.wait([waiting], timeout=1)
    assert isinstance(waiting.exception(), StopAsyncIteration)
