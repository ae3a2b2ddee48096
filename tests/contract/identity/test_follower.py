"""Following the log of identifiers: soon, in full, and not a step beyond what verifies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.engines.nats import NatsConnection
from millwright.identity.handle.transport import Address, ask
from millwright.identity.handle.wire.codes import Flag, Op, Rc
from millwright.identity.handle.wire.message import Message
from millwright.identity.handle.wire.requests import Resolve, encode_request
from millwright.identity.records import Follower, Records, StreamLog
from millwright.kernel import Corrupt, SystemClock
from support.handle import running_handle, value
from support.identifiers import MemoryLog, home, make_records, open_records, put
from support.nats import RunningNats


@asynccontextmanager
async def primary_and_mirror(folder: Path) -> AsyncIterator[tuple[Records, Records, Follower, NatsConnection]]:
    async with RunningNats(folder / "nats") as server:
        bus = NatsConnection(server.url, "test")
        await bus.start()
        log = StreamLog(bus)
        primary = make_records(folder / "primary", log)
        await primary.start()
        mirror = make_records(folder / "mirror", log, mirror=True, keys=primary._keys)
        await mirror.start()
        follower = Follower(mirror, bus, SystemClock())
        await follower.start()
        try:
            yield primary, mirror, follower, bus
        finally:
            await follower.stop()
            await mirror.stop()
            await primary.stop()
            await bus.stop()


async def until(condition: Callable[[], Any], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - it is another process's
            await asyncio.sleep(0.01)


async def test_a_mirror_follows_and_says_how_far_it_is(tmp_path: Path) -> None:
    async with primary_and_mirror(tmp_path) as (primary, mirror, follower, _):
        await asyncio.to_thread(home, primary, b"10.1")
        for number in range(30):
            await asyncio.to_thread(put, primary, (b"10.1/%d" % number, (value(1),)))
        await until(lambda: mirror.position == primary.position)
        assert mirror.digest == primary.digest
        assert follower.problems() == []
        gauges = follower.gauges()
        assert (gauges["identifiers"], gauges["identifier_prefixes"], gauges["identifier_lag"]) == (30, 1, 0)
        assert follower.counters()["identifier_applied"] == 30
        # One that was away comes back to all of it.
        await follower.stop()
        for number in range(30, 60):
            await asyncio.to_thread(put, primary, (b"10.1/%d" % number, (value(1),)))
        assert mirror.digest != primary.digest
        await follower.start()
        await until(lambda: mirror.digest == primary.digest)


async def test_what_does_not_verify_stops_the_follower(tmp_path: Path) -> None:
    async with primary_and_mirror(tmp_path) as (primary, mirror, follower, bus):
        await asyncio.to_thread(put, primary, (b"10.1/x", (value(1),)))
        await until(lambda: mirror.position == 1)
        message = await bus.get("IDENTITY", 1)
        assert message is not None
        await bus.append("identity.log", message.data[:-1] + bytes((message.data[-1] ^ 1,)))
        await until(follower.problems)
        problem = follower.problems()[0]
        assert problem["code"] == "records.batch_unverified"
        assert problem["hint"]
        assert follower._task is not None
        await until(follower._task.done)
        assert (mirror.position, follower.gauges()["identifier_lag"]) == (1, 1)
        with mirror.view() as view:
            assert view.find(b"10.1/x") is not None


async def test_a_broker_that_is_away_is_waited_for(tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "nats") as server:
        bus = NatsConnection(server.url, "test")
        await bus.start()
        records = make_records(tmp_path, StreamLog(bus))
        await records.start()
        follower = Follower(records, bus, SystemClock())
        await follower.start()
        await asyncio.to_thread(put, records, (b"10.1/x", (value(1),)))
        await server.kill()
        await until(follower.problems, 30)
        with records.view() as view:
            assert view.find(b"10.1/x") is not None
        await server.start()
        await until(lambda: not follower.problems(), 30)
        await asyncio.to_thread(put, records, (b"10.1/y", (value(1),)))
        await follower.stop()
        await records.stop()
        await bus.stop()


class NoBus:
    async def subscribe(self, _subject: str, _handler: Any) -> Any:
        async def unsubscribe() -> None:
            pass

        return unsubscribe


async def test_what_was_found_broken_is_mended(tmp_path: Path) -> None:
    records = open_records(tmp_path, MemoryLog())
    put(records, *((b"10.1/%d" % number, (value(1),)) for number in range(50)))
    follower: Any = Follower(records, NoBus(), SystemClock())  # type: ignore[arg-type]  # all that it needs
    records._current()._environment.write(lambda write: write.put("handles", b"10.1/7", b"\x01" + bytes(60)))
    await follower.start()
    with pytest.raises(Corrupt), records.view() as view:
        view.find(b"10.1/7")
    await until(lambda: not records.suspect)
    with records.view() as view:
        assert view.find(b"10.1/7") is not None
    assert records.verify() == 50
    await follower.stop()
    records.close()


async def test_a_server_is_busy_while_its_index_is_built(tmp_path: Path) -> None:
    log = MemoryLog()
    source = open_records(tmp_path / "source", log)
    home(source, b"86.1000.1")
    for number in range(4):
        put(source, (b"86.1000.1/%d" % number, (value(1),)))
    page = log.page
    log.page = lambda first, last: page(first, last)[:1]  # type: ignore[method-assign]
    records = make_records(tmp_path, log, keys=source._keys)
    records._index = records._opened()
    assert not records.catch_up(within_s=0)
    async with running_handle(tmp_path, records=records) as running:
        asked = Message(op=Op.RESOLUTION, flags=Flag.PUBLIC_ONLY, body=encode_request(Resolve(b"86.1000.1/3")))
        for ports in ((running.port, None), (None, running.port)):
            found = await ask(Address("127.0.0.1", *ports), asked)
            assert found[0].message.response_code == Rc.SERVER_BUSY
        await asyncio.to_thread(records.catch_up)
        assert await running.client().resolve(b"86.1000.1/3") == (value(1),)
    source.close()
