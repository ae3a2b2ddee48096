"""The OPC UA connector against servers that die, hang, restart as something else, and take little at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, Point
from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings
from millwright.kernel import MillwrightError, Unavailable
from support.opcua import OTHER, PLANT, Relay, RunningServer, Taken, until
from support.ports import free_port

HERE = "nsu=urn:example:plant;s="


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(namespaces=[PLANT, OTHER]) as running:
        yield running


def counter(interval_ms: int = 50) -> list[Point]:
    return [Point(id="counter", address=HERE + "Counter", interval_ms=interval_ms)]


async def lost(running: asyncio.Task[None]) -> Unavailable:
    async with asyncio.timeout(40):
        with pytest.raises(Unavailable) as caught:
            await running
    assert caught.value.hint
    return caught.value


async def test_a_cut_connection_goes_on_with_nothing_lost(server: RunningServer, connector: OpcUaConnector) -> None:
    relay = Relay(int(server.options["port"]))
    try:
        settings = OpcUaSettings(url=f"opc.tcp://127.0.0.1:{relay.port}", queue_size=5000)
        taken = Taken()
        before = server.do("subscriptions")
        server.do("count", interval_s=0.02)
        for _ in range(3):
            session = await connector.open(settings)
            running = asyncio.create_task(session.run(counter(), taken))
            begun = len(taken.samples)
            await taken.until(lambda begun=begun: len(taken.samples) > begun + 20, running)
            relay.cut()
            await lost(running)
            await session.close()
            await asyncio.sleep(0.3)
        assert server.do("subscriptions") == before + 1, "the one from the beginning is still there"
        session = await connector.open(settings)
        running = asyncio.create_task(session.run(counter(), taken))
        last = server.do("halt")
        await taken.until(lambda: taken.values("counter")[-1] == last, running)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()
        assert server.do("subscriptions") == before
    finally:
        relay.close()
    seen = [value for value in taken.values("counter") if value]
    assert sorted(set(seen)) == list(range(seen[0], last + 1)), "every value arrived"


async def test_taking_up_reads_what_does_not_change(server: RunningServer, connector: OpcUaConnector) -> None:
    """The server of a session that goes on sends changes only; each point is delivered once soon all the same."""
    relay = Relay(int(server.options["port"]))
    try:
        settings = OpcUaSettings(url=f"opc.tcp://127.0.0.1:{relay.port}", timeout_s=1)
        points = [*counter(), Point(id="still", address=HERE + "Level", interval_ms=50)]
        for _ in range(2):
            taken = Taken()
            session = await connector.open(settings)
            running = asyncio.create_task(session.run(points, taken))
            await taken.until(lambda taken=taken: taken.of("still") and taken.of("counter"), running)
            assert taken.of("still")[0].value == 0.5
            relay.cut()
            await lost(running)
            await session.close()
    finally:
        relay.close()


async def test_other_points_after_a_cut_begin_anew(server: RunningServer, connector: OpcUaConnector) -> None:
    relay = Relay(int(server.options["port"]))
    try:
        settings = OpcUaSettings(url=f"opc.tcp://127.0.0.1:{relay.port}")
        before = server.do("items")
        for name in ("Counter", "Level"):
            taken = Taken()
            session = await connector.open(settings)
            points = [Point(id=name, address=HERE + name, interval_ms=50)]
            running = asyncio.create_task(session.run(points, taken))
            await taken.until(lambda taken=taken: taken.samples, running)
            assert {sample.point_id for sample in taken.samples} == {name}
            assert server.do("items") == before + 1
            relay.cut()
            await lost(running)
    finally:
        relay.close()


async def test_a_server_that_was_killed_and_comes_back_with_another_program(
    server: RunningServer, connector: OpcUaConnector
) -> None:
    """Namespaces change places: addresses by URI mean the same, those by number something else, and it shows."""
    settings = OpcUaSettings(url=server.url, timeout_s=2)
    session = await connector.open(settings)
    before = await session.identify()
    points = [
        Point(id="uri", address=HERE + "Level", interval_ms=50),
        Point(id="number", address="ns=2;s=Level", interval_ms=50),
    ]
    taken = Taken()
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: len(taken.samples) == 2, running)
    assert {sample.quality for sample in taken.samples} == {GOOD}
    server.kill()
    assert (await lost(running)).code == "connectors.opcua_lost"
    with pytest.raises(Unavailable):
        await session.read([HERE + "Level"])
    await session.close()
    with pytest.raises(Unavailable) as caught:
        await connector.open(settings)
    assert caught.value.code == "connectors.opcua_unreachable"
    server.start(namespaces=[OTHER, PLANT], version="2.0")
    session = await connector.open(settings)
    assert (await session.identify()).fingerprint != before.fingerprint
    taken = Taken()
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: len(taken.samples) == 2, running)
    assert (taken.of("uri")[0].value, taken.of("uri")[0].quality) == (0.5, GOOD)
    assert (taken.of("number")[0].value, taken.of("number")[0].quality) == (None, BAD)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await session.close()
    assert len(asyncio.all_tasks()) == 1


async def test_a_server_that_hangs_is_given_up(server: RunningServer, connector: OpcUaConnector) -> None:
    settings = OpcUaSettings(url=server.url, timeout_s=0.5)
    taken = Taken()
    session = await connector.open(settings)
    running = asyncio.create_task(session.run(counter(), taken))
    await taken.until(lambda: taken.samples, running)
    server.signal(signal.SIGSTOP)
    try:
        await lost(running)
        await session.close()
        with pytest.raises(Unavailable) as caught:
            await connector.open(settings)
        assert caught.value.code == "connectors.opcua_silent"
    finally:
        server.signal(signal.SIGCONT)

    async def again() -> bool:
        try:
            opened = await connector.open(OpcUaSettings(url=server.url, timeout_s=5))
        except MillwrightError:
            return False
        await opened.close()
        return True

    await until(again)


async def test_a_hanging_server_ends_every_question(server: RunningServer, connector: OpcUaConnector) -> None:
    session = await connector.open(OpcUaSettings(url=server.url, timeout_s=0.5))
    server.signal(signal.SIGSTOP)
    try:
        for question in (
            session.read([HERE + "Count"]),
            session.browse(),
            session.write(HERE + "Count", 1),
            session.call(HERE + "Add", {"a": 1.0, "b": 1}),
            session.history(HERE + "Counter", 0, 1),
            session.identify(),
        ):
            async with asyncio.timeout(20):
                with pytest.raises(Unavailable):
                    await question
        async with asyncio.timeout(5):
            await session.close()
    finally:
        server.signal(signal.SIGCONT)


async def test_2000_items_at_a_server_that_takes_100_at_once_and_does_not_say_so(connector: OpcUaConnector) -> None:
    with RunningServer(tags=2000, limit=100) as server:
        session = await connector.open(OpcUaSettings(url=server.url, timeout_s=10))
        points = [Point(id=f"t{number}", address=f"{HERE}Tag{number}", interval_ms=200) for number in range(2000)]
        taken = Taken()
        running = asyncio.create_task(session.run(points, taken))
        await taken.until(lambda: len(taken.samples) >= 2000, running)
        assert {sample.point_id: sample.value for sample in taken.samples} == {f"t{n}": float(n) for n in range(2000)}
        found = await session.read([point.address for point in points])
        assert [sample.value for sample in found] == [float(number) for number in range(2000)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()


async def _answering(answer: bytes) -> tuple[asyncio.Server, int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(100)
            writer.write(answer)
            await writer.drain()
            await reader.read(100)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"ACKF\xff\xff\xff\xff" + b"\0" * 64,
        b"ACKF\x1c\0\0\0" + b"\xff" * 20,
        b"ERRF\x10\0\0\0\0\0\x0a\x80\xff\xff\xff\xff",
        b"MSGF\x18\0\0\0" + b"\0" * 16,
    ],
)
async def test_what_is_no_opc_ua_server(connector: OpcUaConnector, answer: bytes) -> None:
    server, port = await _answering(answer)
    try:
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable) as caught:
                await connector.open(OpcUaSettings(url=f"opc.tcp://127.0.0.1:{port}", timeout_s=0.5))
        assert caught.value.hint

        async def alone() -> bool:
            return len(asyncio.all_tasks()) == 1

        await until(alone)  # the other end sees that we hung up
    finally:
        server.close()
        await server.wait_closed()


async def test_nobody_there(connector: OpcUaConnector) -> None:
    with pytest.raises(Unavailable) as caught:
        await connector.open(OpcUaSettings(url=f"opc.tcp://127.0.0.1:{free_port()}"))
    assert caught.value.code == "connectors.opcua_unreachable"


async def test_opening_can_be_cancelled(connector: OpcUaConnector) -> None:
    server, port = await _answering(b"")
    opening = asyncio.create_task(connector.open(OpcUaSettings(url=f"opc.tcp://127.0.0.1:{port}", timeout_s=60)))
    await asyncio.sleep(0.1)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening

    async def alone() -> bool:
        return len(asyncio.all_tasks()) == 1

    await until(alone)
    server.close()
    await server.wait_closed()
