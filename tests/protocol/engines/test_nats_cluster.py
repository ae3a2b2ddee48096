"""Three real nats-servers as one cluster: streams of three replicas, and servers that die."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from millwright.engines.nats import (
    LeafRemote,
    NatsConnection,
    NatsServer,
    NatsSettings,
    StreamSpec,
    connection,
    new_user_key,
)
from millwright.kernel import Invalid, MillwrightError, Unavailable
from support.nats import RunningNats
from support.nats_cluster import NatsCluster
from support.ports import free_port

pytestmark = [pytest.mark.alone, pytest.mark.timeout(120)]

SPEC = StreamSpec("LOG", ("log.>",))
GROWN = StreamSpec("GROWN", ("grown.>",))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("cluster")) as running:
        asyncio.run(running.ready())
        yield running


async def replicas_of(nats: NatsConnection, stream: str) -> int | None:
    _, jetstream = nats._need()
    return (await jetstream.stream_info(stream)).config.num_replicas


async def append(nats: NatsConnection, number: int) -> None:
    """Append until it is confirmed, as the listener does."""
    while True:
        try:
            await nats.append("log.a", b"%d" % number, message_id=f"m{number}", timeout_s=2)
        except Unavailable:
            await asyncio.sleep(0.1)
        else:
            return


async def test_leader_and_follower_die_and_nothing_is_lost_or_doubled(cluster: NatsCluster) -> None:
    nats = NatsConnection(cluster.servers[0].url, "test")  # one address: it hears of the others
    await nats.start()
    await nats.ensure_stream(SPEC)
    assert nats.clustered
    assert await replicas_of(nats, "LOG") == 3
    reader = await nats.read("LOG", durable="reader", take_over=True)
    read: list[int] = []
    stop = asyncio.Event()

    async def read_all() -> None:
        while not (stop.is_set() and read and read[-1] == written - 1):
            try:
                found = await reader.fetch(8, wait_s=0.5)
                if found:
                    read.extend(int(each.data) for each in found)
                    await reader.acknowledge(found[-1].sequence)
            except MillwrightError:
                await asyncio.sleep(0.1)

    written = 0
    reading = asyncio.create_task(read_all())
    try:
        for victim in ("leader", "where the client is"):
            for _ in range(100):
                await append(nats, written)
                written += 1
            leader = await cluster.leader("LOG")
            here = next(p for p, name in enumerate(cluster.names) if name == server_of(nats))
            place = leader if victim == "leader" else here
            cluster.kill(place)
            for _ in range(100):
                await append(nats, written)
                written += 1
            cluster.start(place)
            await cluster.in_step("LOG")
        stop.set()
        await asyncio.wait_for(reading, 40)  # long before the broker would send again what got lost on the way
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await reader.close()
        await nats.stop()
    assert read == list(range(written))


def server_of(nats: NatsConnection) -> str:
    client, _ = nats._need()
    return str(client._server_info["server_name"])


async def test_a_stream_of_one_copy_gets_three_when_the_server_has_joined_a_cluster(cluster: NatsCluster) -> None:
    alone = NatsConnection(cluster.url, "test", replicas=1)
    await alone.start()
    await alone.ensure_stream(GROWN)
    await alone.append("grown.a", b"kept")
    assert await replicas_of(alone, "GROWN") == 1
    await alone.stop()
    joined = NatsConnection(cluster.url, "test")
    await joined.start()
    await joined.ensure_stream(GROWN)
    assert await replicas_of(joined, "GROWN") == 3
    await cluster.in_step("GROWN")
    kept = await joined.newest("GROWN", "grown.a")
    assert kept is not None
    assert kept.data == b"kept"
    await joined.stop()


async def test_too_few_servers_are_said(cluster: NatsCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_RESTORE_TIMEOUT_S", 0.5)
    nats = NatsConnection(cluster.url, "test", replicas=5)
    await nats.start()
    with pytest.raises(Unavailable) as caught:
        await nats.ensure_stream(StreamSpec("MANY", ("many.>",)))
    assert caught.value.code == "engines.nats_too_few_servers"
    assert "5 servers" in caught.value.message
    await nats.stop()


async def test_a_server_alone_cannot_keep_three_copies(tmp_path: Path) -> None:
    async with RunningNats(tmp_path) as running:
        nats = NatsConnection(running.url, "test", replicas=3)
        await nats.start()
        assert not nats.clustered
        with pytest.raises(Unavailable) as caught:
            await nats.ensure_stream(SPEC)
        assert caught.value.code == "engines.nats_too_few_servers"
        await nats.stop()


async def test_a_leaf_is_no_cluster(tmp_path: Path) -> None:
    """It says that it belongs to one, and it keeps its streams by itself."""
    seed, _ = new_user_key()
    remote = LeafRemote((f"nats-leaf://127.0.0.1:{free_port()}",), seed)
    async with RunningNats(tmp_path, remote=remote) as running:
        nats = NatsConnection(running.url, "test")
        await nats.start()
        assert nats.clustered
        for _ in range(2):  # made, then found
            await nats.ensure_stream(SPEC)
            assert await replicas_of(nats, "LOG") == 1
        await nats.stop()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (NatsSettings(routes="a:1"), "cluster_port"),
        (NatsSettings(cluster_port=6222, routes="a:1"), "secret"),
        (NatsSettings(cluster_port=6222, secret="s"), "routes"),
        (NatsSettings(cluster_port=6222, secret="s", routes="a:1,b"), "'b'"),
        (NatsSettings(cluster_port=6222, secret="s", routes="a:70000"), "70000"),
    ],
)
def test_settings_that_do_not_belong_together_are_said(tmp_path: Path, settings: NatsSettings, word: str) -> None:
    with pytest.raises(Invalid, match=word) as caught:
        NatsServer(settings, tmp_path).command()
    assert caught.value.code == "engines.nats_cluster_settings"


async def test_a_stranger_does_not_join_the_cluster(cluster: NatsCluster, tmp_path: Path) -> None:
    settings = cluster.settings(0)
    stranger = RunningNats(tmp_path / "stranger")
    wrong = NatsSettings(cluster_port=free_port(), routes=f"127.0.0.1:{settings.cluster_port}", secret="x")
    stranger.server = NatsServer(wrong, tmp_path / "stranger")
    async with stranger:
        nats = NatsConnection(stranger.server.url, "test")
        await nats.start()
        client, _ = nats._need()
        with pytest.raises(Exception, match=r"(?i)timeout|unavailable|no responders"):
            await client.jetstream(timeout=1).account_info()
        await nats.stop()
