"""The OPC UA connector against node-opcua: a server that announces limits, pages, and honours index ranges."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from millwright.devices.connectors.contract import GOOD, UNCERTAIN, Node, Point, Session
from millwright.devices.connectors.opcua import OpcUaConnector, OpcUaSettings
from millwright.devices.connectors.opcua.session import OpcUaSession
from millwright.kernel import Denied, Invalid, Unavailable
from support.opcua import NodeServer, Relay, Taken, certificate, pem, until
from support.ports import free_port

HERE = "nsu=urn:example:plant;s="


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    folder = tmp_path_factory.mktemp("peer")
    made, key = certificate("node", "urn:example:server")
    (folder / "peer.pem").write_text(pem(made))
    (folder / "peer.key").write_text(pem(key))
    server = NodeServer(
        folder=str(folder), certificate=str(folder / "peer.pem"), key=str(folder / "peer.key"), tags=700
    )
    server.start()
    yield server
    server.kill()


async def test_a_server_that_does_not_know_our_certificate(
    peer: NodeServer, connector: OpcUaConnector, tmp_path: Path
) -> None:
    other = NodeServer(**{**peer.options, "port": free_port(), "folder": str(tmp_path), "reject": True})
    with other:
        with pytest.raises(Denied) as caught:
            await connector.open(secure(other))
        assert caught.value.code == "connectors.opcua_not_trusted_there"
        assert "trusted" in caught.value.hint


def secure(peer: NodeServer, policy: str = "Basic256Sha256", **more: object) -> OpcUaSettings:
    trusted = (Path(peer.options["certificate"]).read_text(),)
    return OpcUaSettings(url=peer.url, security=policy, trusted=trusted, **more)  # type: ignore[arg-type]


async def nodes(session: Session, parent: str | None) -> dict[str, Node]:
    found, cursor = {}, None
    while True:
        page = await session.browse(parent, cursor)
        found |= {node.name: node for node in page.items}
        if (cursor := page.next) is None:
            return found


@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"])
async def test_policies_and_users(peer: NodeServer, connector: OpcUaConnector, policy: str) -> None:
    for mode in ("Sign", "SignAndEncrypt"):
        session = await connector.open(secure(peer, policy, mode=mode, user="operator", password="right"))
        (sample,) = await session.read([HERE + "Count"])
        assert (sample.value, sample.quality) == (7, GOOD)
        assert sample.time_ms is not None
        await session.close()
    with pytest.raises(Denied) as caught:
        await connector.open(secure(peer, policy, user="operator", password="wrong"))
    assert caught.value.code == "connectors.opcua_sign_in"


async def test_everything_but_following(peer: NodeServer, connector: OpcUaConnector) -> None:
    session = await connector.open(OpcUaSettings(url=peer.url))
    identity = await session.identify()
    assert (identity.vendor, identity.product, identity.version) == ("Example Works", "Press 5000", "3.1 (9)")
    line = await nodes(session, HERE + "Line1")
    temperature = line["Temperature"]
    assert (temperature.type, temperature.unit, temperature.value) == ("number", "Cel", 20.5)
    assert (line["Count"].writable, line["Locked"].writable) == (True, False)
    assert set(await nodes(session, HERE + "Tags")) == {f"Tag{number}" for number in range(700)}
    found = await session.read([f"{HERE}Tag{number}" for number in range(700)])
    assert [sample.value for sample in found] == [float(number) for number in range(700)]
    one, part, whole = await session.read(
        [f"index=2;{HERE}Temperatures", f"index=1:2;{HERE}Temperatures", HERE + "Temperatures"]
    )
    assert (one.value, part.value, whole.value) == (3.5, "[2.5,3.5]", "[1.5,2.5,3.5,4.5]")
    await session.write(f"index=2;{HERE}Temperatures", 9.5)
    (whole,) = await session.read([HERE + "Temperatures"])
    assert whole.value == "[1.5,2.5,9.5,4.5]"
    with pytest.raises(Invalid):
        await session.write(f"index=7;{HERE}Temperatures", 9.5)
    with pytest.raises(Denied):
        await session.write(HERE + "Locked", 9)
    await session.write(HERE + "Count", 8)
    await session.write(HERE + "Count", 7)
    assert await session.call(HERE + "Add", {"a": 1.5, "b": 2}) == {"sum": 3.5}
    await session.close()


async def test_following_700_items_with_a_deadband_and_qualities(peer: NodeServer, connector: OpcUaConnector) -> None:
    session = await connector.open(secure(peer))
    points = [Point(id=f"t{number}", address=f"{HERE}Tag{number}", interval_ms=100) for number in range(700)]
    points += [
        Point(id="temperature", address=HERE + "Temperature", interval_ms=50, deadband=2.0),
        Point(id="element", address=f"index=1;{HERE}Temperatures", interval_ms=50),
        Point(id="nothing", address=HERE + "Nothing", interval_ms=50),
    ]
    taken = Taken()
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: len({sample.point_id for sample in taken.samples}) == len(points), running)
    assert taken.values("element") == [2.5]
    assert taken.of("nothing")[0].note == "BadNodeIdUnknown"
    for value in (21.0, 22.0, 30.0):
        peer.do("set", name="Temperature", value=value)
        await asyncio.sleep(0.1)
    await taken.until(lambda: 30.0 in taken.values("temperature"), running)
    assert taken.values("temperature") == [20.5, 30.0]
    peer.do("set", name="Temperature", value=20.5, status="UncertainLastUsableValue")
    await taken.until(lambda: len(taken.of("temperature")) == 3, running)
    last = taken.of("temperature")[2]
    assert (last.value, last.quality, last.note) == (20.5, UNCERTAIN, "UncertainLastUsableValue")
    assert last.time_ms is not None
    assert abs(last.time_ms - time.time() * 1000) < 60_000
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await session.close()
    peer.do("set", name="Temperature", value=20.5)


async def test_history_by_continuation(
    peer: NodeServer, connector: OpcUaConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("millwright.devices.connectors.opcua.session._HISTORY_CHUNK", 7)
    session = await connector.open(OpcUaSettings(url=peer.url))
    begin_ms = int(time.time() * 1000)  # not before: this server counted for other tests too
    peer.do("count", interval_s=0.01)

    async def enough() -> bool:
        (now,) = await session.read([HERE + "Kept"])
        return isinstance(now.value, float) and now.value > 30

    await until(enough)
    last = peer.do("halt")
    found = await session.history(HERE + "Kept", begin_ms, begin_ms + 600_000)
    assert [sample.value for sample in found if sample.value] == [float(number) for number in range(1, last + 1)]
    assert len(await session.history(HERE + "Kept", begin_ms, begin_ms + 600_000, limit=10)) == 10
    with pytest.raises(Exception, match=r"cannot do this|does not take|could not"):
        await session.history(HERE + "Count", begin_ms, begin_ms + 1000)
    await session.close()


async def test_a_cut_connection_is_taken_up_with_nothing_lost(peer: NodeServer, connector: OpcUaConnector) -> None:
    relay = Relay(int(peer.options["port"]))
    try:
        through = f"opc.tcp://127.0.0.1:{relay.port}"
        settings = structs.replace(secure(peer), url=through, queue_size=1000)
        points = [Point(id="kept", address=HERE + "Kept", interval_ms=20)]
        taken = Taken()
        peer.do("count", interval_s=0.2)  # this server samples every 50 ms at best
        before = peer.do("subscriptions")
        for _ in range(2):
            session = await connector.open(settings)
            running = asyncio.create_task(session.run(points, taken))
            begun = len(taken.samples)
            await taken.until(lambda begun=begun: len(taken.samples) > begun + 6, running)
            relay.cut()
            async with asyncio.timeout(40):
                with pytest.raises(Unavailable):
                    await running
            await session.close()
            assert peer.do("subscriptions") == before + 1
        session = await connector.open(settings)
        running = asyncio.create_task(session.run(points, taken))
        last = peer.do("halt")
        await taken.until(lambda: taken.values("kept")[-1] == last, running)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await session.close()
        assert peer.do("subscriptions") == before
    finally:
        relay.close()
    seen = [value for value in taken.values("kept")[1:] if value]
    assert sorted(set(seen)) == [float(number) for number in range(int(seen[0]), last + 1)]


async def test_a_hanging_server_is_given_up(peer: NodeServer, connector: OpcUaConnector) -> None:
    session = await connector.open(OpcUaSettings(url=peer.url, timeout_s=1))
    taken = Taken()
    points = [Point(id="level", address=HERE + "Level", interval_ms=50)]
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: taken.samples, running)
    peer.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(40):
            with pytest.raises(Unavailable):
                await running
        await session.close()
    finally:
        peer.signal(signal.SIGCONT)


async def test_keys_are_renewed_while_values_flow(peer: NodeServer, connector: OpcUaConnector) -> None:
    """This server answers with the keys that a request came with, also when others were agreed on meanwhile."""
    session = await connector.open(secure(peer))
    assert isinstance(session, OpcUaSession)
    taken = Taken()
    points = [Point(id="level", address=HERE + "Level", interval_ms=50)]
    running = asyncio.create_task(session.run(points, taken))
    await taken.until(lambda: taken.samples, running)
    for generation in range(4):
        await session._link.renew()
        for number in range(1, 5):  # more than there are publish requests waiting
            value = 10.0 * generation + number
            peer.do("set", name="Level", value=value)
            await taken.until(lambda value=value: value in taken.values("level"), running)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await session.close()
    peer.do("set", name="Level", value=0.5)
