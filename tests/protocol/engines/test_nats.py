import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import Invalid, LimitExceeded, Unavailable
from support.nats import RunningNats

SPEC = StreamSpec("LOG", ("log.>",))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningNats]:
    async with RunningNats(tmp_path / "nats") as running:
        yield running


@pytest.fixture
async def nats(server: RunningNats) -> AsyncIterator[NatsConnection]:
    connection = NatsConnection(server.url, "test")
    await connection.start()
    yield connection
    await connection.stop()


async def test_requests_are_answered_and_errors_travel(nats: NatsConnection) -> None:
    async def answer(payload: bytes) -> bytes:
        if payload == b"bad":
            raise Invalid("No.", code="test.bad", hint="Ask better.")
        if payload == b"worse":
            raise RuntimeError("a secret of the inside")
        return payload[::-1]

    stop = await nats.serve("rpc.test", answer)
    assert await nats.request("rpc.test", b"abc") == b"cba"
    with pytest.raises(Invalid) as caught:
        await nats.request("rpc.test", b"bad")
    assert (caught.value.code, caught.value.hint) == ("test.bad", "Ask better.")
    with pytest.raises(Unavailable) as failed:
        await nats.request("rpc.test", b"worse")
    assert "secret" not in failed.value.message
    await stop()
    with pytest.raises(Unavailable):
        await nats.request("rpc.test", b"abc", timeout_s=0.5)


async def test_a_failing_handler_does_not_end_its_subscription(nats: NatsConnection) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle(_subject: str, payload: bytes) -> None:
        if payload == b"1":
            raise ValueError
        heard.put_nowait(payload)

    await nats.subscribe("events.*", handle)
    for number in b"123":
        await nats.publish("events.x", bytes([number]))
    assert [await asyncio.wait_for(heard.get(), 5) for _ in range(2)] == [b"2", b"3"]


async def test_what_is_published_after_subscribing_is_heard(server: RunningNats, nats: NatsConnection) -> None:
    """By another connection, and at once."""
    others = NatsConnection(server.url, "others")
    await others.start()
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def handle(subject: str, _payload: bytes) -> None:
        heard.put_nowait(subject)

    async def answer(payload: bytes) -> bytes:
        return payload

    for number in range(200):
        await nats.subscribe(f"news.{number}", handle)
        await others.publish(f"news.{number}", b"")
        await nats.serve(f"ask.{number}", answer)
        assert await others.request(f"ask.{number}", b"x", timeout_s=5) == b"x"
    assert [await asyncio.wait_for(heard.get(), 5) for _ in range(200)] == [f"news.{n}" for n in range(200)]
    await others.stop()


async def test_an_answer_that_is_too_large_is_said_to_be(nats: NatsConnection) -> None:
    async def answer(_payload: bytes) -> bytes:
        return bytes(nats.max_payload + 1)

    await nats.serve("rpc.large", answer)
    with pytest.raises(LimitExceeded) as caught:
        await nats.request("rpc.large", b"", timeout_s=30)
    assert caught.value.code == "engines.reply_too_large"


async def test_a_message_that_is_too_large_is_no_matter_of_trying_again(nats: NatsConnection) -> None:
    await nats.ensure_stream(SPEC)
    with pytest.raises(Invalid) as caught:
        await nats.append("log.a", bytes(nats.max_payload + 1))
    assert caught.value.code == "engines.message_too_large"


async def test_a_reader_whose_loop_is_blocked_keeps_its_connection(nats: NatsConnection) -> None:
    await nats.ensure_stream(SPEC)
    for _ in range(64):
        await nats.append("log.a", bytes(512 * 1024))
    reader = await nats.read("LOG", durable="d")
    fetching = asyncio.create_task(reader.fetch(64, wait_s=30))
    await asyncio.sleep(0.01)
    time.sleep(12)  # decoding blocks it like this; nats-server gives up after ten seconds of its own
    assert len(await fetching) == 64
    assert nats._client is not None
    assert nats._client.stats["reconnects"] == 0


async def test_a_repeated_append_is_kept_once(nats: NatsConnection) -> None:
    await nats.ensure_stream(SPEC)
    first = await nats.append("log.a", b"one", message_id="1")
    assert await nats.append("log.a", b"one", message_id="1") == first
    assert (await nats.state("LOG")).messages == 1


async def test_a_reader_continues_after_what_was_acknowledged(nats: NatsConnection) -> None:
    await nats.ensure_stream(SPEC)
    await nats.ensure_stream(SPEC)  # a second start
    for number in range(5):
        await nats.append("log.a", bytes([number]))
    reader = await nats.read("LOG", durable="d")
    messages = await reader.fetch(5)
    assert [message.data[0] for message in messages] == [0, 1, 2, 3, 4]
    await reader.acknowledge(messages[2].sequence)
    await nats.request("$JS.API.CONSUMER.INFO.LOG.d", b"")  # the acknowledgement has arrived before this answer
    assert await nats.acknowledged("LOG", "d") == 3
    await nats.trim("LOG", 3)
    assert (await nats.state("LOG")).first_sequence == 3
    assert await nats.get("LOG", 1) is None
    kept = await nats.get("LOG", 3)
    assert kept is not None
    assert kept.data == b"\x02"


async def test_a_full_stream_refuses_and_keeps_the_old(nats: NatsConnection) -> None:
    await nats.ensure_stream(StreamSpec("SMALL", ("small.>",), max_bytes=10_000))
    with pytest.raises(LimitExceeded) as caught:
        for _ in range(20):
            await nats.append("small.a", b"x" * 1000)
    assert caught.value.code == "engines.stream_full"
    assert (await nats.state("SMALL")).first_sequence == 1


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    server: RunningNats, nats: NatsConnection
) -> None:
    await nats.ensure_stream(SPEC)
    confirmed = [await nats.append("log.a", f"{number}".encode()) for number in range(200)]
    await server.kill()
    with pytest.raises(Unavailable):
        await nats.append("log.a", b"while away", timeout_s=0.3)
    await server.start()
    async with asyncio.timeout(10):
        while True:
            try:
                await nats.append("log.a", b"after", message_id="after", timeout_s=1)
                break
            except Unavailable:
                await asyncio.sleep(0.05)
    for sequence in confirmed:
        assert await nats.get("LOG", sequence) is not None


async def test_what_a_dead_broker_never_read_does_not_overtake_what_is_repeated(
    server: RunningNats, nats: NatsConnection
) -> None:
    await nats.ensure_stream(SPEC)
    server.pause()
    appends = []
    for number in range(40):  # more than the socket takes: the last stay in the client's hands
        appends.append(asyncio.create_task(nats.append("log.a", bytes(500_000), message_id=str(number), timeout_s=30)))
        await asyncio.sleep(0.01)
    await server.kill()
    failures = await asyncio.gather(*appends, return_exceptions=True)
    assert all(isinstance(failure, Unavailable) for failure in failures)
    await server.start()
    for _ in range(100):
        if nats.connected:
            break
        await asyncio.sleep(0.1)
    assert await nats.append("log.a", b"the oldest, repeated", message_id="0") == 1


async def test_no_server_is_said_clearly() -> None:
    connection = NatsConnection("nats://127.0.0.1:1", "test")
    with pytest.raises(Unavailable, match="No NATS server"):
        await asyncio.wait_for(connection.start(), 15)


async def test_a_start_that_is_given_up_leaves_no_socket_open() -> None:
    ended: asyncio.Queue[bytes] = asyncio.Queue()
    came = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await ended.put(await reader.read())
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        connection = NatsConnection(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "test")
        starting = asyncio.create_task(connection.start())
        await came.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert await asyncio.wait_for(ended.get(), 5) == b""


async def test_a_broker_without_its_streams_yet_is_waited_for(tmp_path: Path) -> None:
    running = RunningNats(tmp_path / "nats")
    program, _, config = running.server.command()
    bare = tmp_path / "without_streams.conf"
    bare.write_text(Path(config).read_text().partition("jetstream {")[0])
    process = subprocess.Popen([program, "--config", bare], stderr=subprocess.DEVNULL)
    connection = NatsConnection(running.url, "test")
    try:
        await connection.start()
        making = asyncio.create_task(connection.ensure_stream(SPEC))
        await asyncio.sleep(0.5)  # "no responders" to several requests by now
        assert not making.done()
        process.kill()
        process.wait(10)
        await running.start()
        await asyncio.wait_for(making, 30)
        reader = await connection.read(SPEC.name, durable="d", take_over=True)
        await connection.append("log.x", b"1")
        assert [message.data for message in await reader.fetch()] == [b"1"]
    finally:
        process.kill()
        process.wait(10)
        await connection.stop()
        await running.kill()


@pytest.mark.parametrize("lost", [3, 10], ids=["in the middle", "all there is"])
async def test_what_a_broker_sent_and_nobody_received_is_read_all_the_same(nats: NatsConnection, lost: int) -> None:
    """It counts as sent for a minute, and for good once a later message is acknowledged."""
    await nats.ensure_stream(SPEC)
    reader = await nats.read("LOG", durable="reader", take_over=True)
    for number in range(2):
        await nats.append("log.a", b"%d" % number)
    read = [int(each.data) for each in await reader.fetch(10)]
    for number in range(2, 12):
        await nats.append("log.a", b"%d" % number)
    _, jetstream = nats._need()
    thief = await jetstream.pull_subscribe_bind("reader", "LOG")
    assert len(await thief.fetch(lost)) == lost  # and dies
    await thief.unsubscribe()
    last = 0
    deadline = asyncio.get_running_loop().time() + 20
    while len(read) < 12:
        found = await reader.fetch(10, wait_s=0.2)
        read += [int(each.data) for each in found]
        last = found[-1].sequence if found else last
        assert asyncio.get_running_loop().time() < deadline, read
    assert read == list(range(12))
    await reader.acknowledge(last)
    assert not await reader.fetch(10, wait_s=0.2)
    await reader.close()


async def test_what_was_asked_for_is_acknowledged_when_the_broker_sends_it_after_all(nats: NatsConnection) -> None:
    await nats.ensure_stream(SPEC)
    reader = await nats.read("LOG", durable="reader", take_over=True)
    await nats.append("log.a", b"0")
    assert [each.sequence for each in await reader.fetch(10)] == [1]
    await reader.acknowledge(1)
    await nats.append("log.a", b"1")
    _, jetstream = nats._need()
    thief = await jetstream.pull_subscribe_bind("reader", "LOG")
    (stolen,) = await thief.fetch(1)
    found: list[int] = []
    async with asyncio.timeout(20):
        while not found:
            found = [each.sequence for each in await reader.fetch(10, wait_s=0.2)]
        assert found == [2]
        await reader.acknowledge(2)
        await stolen.nak()  # as after the minute
        while await nats.acknowledged("LOG", "reader") < 2:
            assert not await reader.fetch(10, wait_s=0.2)
    await thief.unsubscribe()
    await reader.close()


@pytest.mark.parametrize("lost", [3, 10], ids=["in the middle", "all there is"])
async def test_a_follower_reads_what_a_broker_sent_and_nobody_received(nats: NatsConnection, lost: int) -> None:
    await nats.ensure_stream(SPEC)
    for number in range(3):
        await nats.append("log.a", b"%d" % number)
    await nats.trim("LOG", 2)
    follower = await nats.follow("LOG", 1)
    read = [each.sequence for each in await follower.fetch(10, wait_s=5)]
    assert read == [2, 3], "what has left the stream is a gap"
    for number in range(3, 13):
        await nats.append("log.a", b"%d" % number)
    _, jetstream = nats._need()
    name = (await follower._subscription.consumer_info()).name
    thief = await jetstream.pull_subscribe_bind(name, "LOG")
    assert len(await thief.fetch(lost)) == lost  # and dies
    await thief.unsubscribe()
    async with asyncio.timeout(20):
        while len(read) < 12:
            read += [each.sequence for each in await follower.fetch(10, wait_s=0.2)]
    assert read == list(range(2, 14))
    assert not await follower.fetch(10, wait_s=0.2)
    await follower.close()
