"""The connector of brokers against mosquitto."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from millwright.devices.connectors.contract import BAD, GOOD, UNCERTAIN, Point, Sample
from millwright.devices.connectors.mqtt_client.connector import MqttClientConnector, MqttClientSession
from millwright.devices.connectors.mqtt_client.settings import MqttClientSettings
from millwright.kernel import Denied, Invalid, Unavailable
from support.modbus import following
from support.mosquitto import Mosquitto, needs_mosquitto
from support.tls import certificate

pytestmark = needs_mosquitto
STATE = '{"t": "2026-11-26T01:02:03Z", "temp": 21.5, "on": true, "list": [{"v": 4}]}'
BEGIN_MS = 1795654923000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path).running() as running:
        yield running


@asynccontextmanager
async def joined(broker: Mosquitto, **settings: Any) -> AsyncIterator[MqttClientSession]:
    opened = await MqttClientConnector().open(MqttClientSettings(host="127.0.0.1", port=broker.port, **settings))
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_topics_are_followed_read_and_written(broker: Mosquitto, version: str) -> None:
    points = {
        "plain": "plant/temp",
        "json": "plant/state#/temp",
        "deep": "plant/state#list[0].v",
        "text": "plant/name",
        "gone": "plant/state#/gone",
        "binary": "plant/binary",
    }
    with broker.publisher() as publish:
        async with joined(broker, version=version) as opened:
            async with following(opened, points) as followed:
                for number in range(5):
                    await asyncio.to_thread(publish, "plant/marker", str(number))
                    await asyncio.to_thread(publish, "plant/temp", str(number), True)
                await asyncio.to_thread(publish, "plant/state", STATE, True)
                await asyncio.to_thread(publish, "plant/name", "Pump 7", True)
                await asyncio.to_thread(publish, "plant/binary", b"\xff\xfe", True)
                await followed.until(lambda seen: all(seen.of(point) for point in points))
                await opened.write("plant/temp", 99)
                await followed.until(lambda seen: seen.of("plain")[-1].value == 99)
            last = {point: followed.of(point)[-1] for point in points}
            assert {key: s.value for key, s in last.items()} == {
                "plain": 99,
                "json": 21.5,
                "deep": 4,
                "text": "Pump 7",
                "gone": None,
                "binary": None,
            }
            assert (last["gone"].quality, last["binary"].quality) == (BAD, BAD)
            assert "no text" in last["binary"].note
            values = [s.value for s in followed.of("plain")]
            assert values == sorted(values), "in their order"
            read = await opened.read(["plant/state#/on", "plant/name", "plant/never"])
            assert [s.value for s in read] == [True, "Pump 7", None]
            assert [s.note for s in read][2] == "nothing was heard"


async def test_what_is_retained_is_uncertain_unless_it_tells_its_time(broker: Mosquitto) -> None:
    with broker.publisher() as publish:
        await asyncio.to_thread(publish, "plant/state", STATE, True)
    for settings, wanted in (
        ({}, (21.5, UNCERTAIN, None)),
        ({"retained": "good"}, (21.5, GOOD, None)),
        ({"retained": "skip"}, (None, BAD, None)),
        ({"time_place": "t"}, (21.5, GOOD, BEGIN_MS)),
        ({"time_place": "gone"}, (None, BAD, None)),
    ):
        async with joined(broker, **settings) as opened:
            (sample,) = await opened.read(["plant/state#/temp"])
            assert (sample.value, sample.quality, sample.time_ms) == wanted


async def test_nothing_is_lost_while_we_are_away(broker: Mosquitto) -> None:
    """A kept session, and messages acknowledged when they were taken: killed in the middle, each comes all the same."""
    came: list[Any] = []
    stop_at = 7
    all_came = asyncio.Event()

    async def take(samples: Sequence[Sample]) -> None:
        if len(came) >= stop_at:
            raise Unavailable("full", code="connectors.lost", hint="wait")
        came.extend(sample.value for sample in samples if sample.quality == GOOD)
        if 19 in came:
            all_came.set()

    point = Point(id="n", address="plant/n")
    with broker.publisher() as publish:
        async with joined(broker, client_id="keeper") as opened, following(opened, {"n": "plant/n"}) as followed:
            await asyncio.to_thread(publish, "plant/n", "-1")
            while not followed.samples:
                await asyncio.to_thread(publish, "plant/n", "-1")
                await asyncio.sleep(0.05)
        for number in range(20):
            await asyncio.to_thread(publish, "plant/n", str(number))
        for limit in (7, 13, 1000):
            stop_at = limit
            async with joined(broker, client_id="keeper", timeout_s=20) as opened:
                running = asyncio.ensure_future(opened.run([point], take))
                whole = asyncio.ensure_future(all_came.wait())
                await asyncio.wait([running, whole], return_when=asyncio.FIRST_COMPLETED, timeout=60)
                whole.cancel()
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
    assert list(dict.fromkeys(value for value in came if value >= 0)) == list(range(20))
    assert len([value for value in came if value >= 0]) <= 22, "what is told twice is what was not acknowledged"


async def test_testing_does_not_push_out_who_follows(broker: Mosquitto) -> None:
    with broker.publisher() as publish:
        async with (
            joined(broker, client_id="one") as opened,
            following(opened, {"n": "plant/n"}) as followed,
            joined(broker, client_id="one") as other,
        ):
            assert "mosquitto" in (await other.identify()).product
            await asyncio.to_thread(publish, "plant/n", "5", True)
            await followed.until(lambda seen: any(s.value == 5 for s in seen.samples))


async def test_what_is_never_heard_is_bad(broker: Mosquitto) -> None:
    async with joined(broker, timeout_s=2) as opened, following(opened, {"n": "plant/n"}) as followed:
        await followed.until(lambda seen: bool(seen.samples))
        assert [(s.quality, s.note) for s in followed.samples] == [(BAD, "nothing was heard yet")]


async def test_the_name_space_is_browsed(broker: Mosquitto) -> None:
    with broker.publisher() as publish:
        for topic, payload in {"plant/a/temp": "1", "plant/a": "on", "plant/a/state": STATE, "other": "x"}.items():
            await asyncio.to_thread(publish, topic, payload, True)
        async with joined(broker, root="plant/#") as opened:
            (plant,) = (await opened.browse()).items
            (a,) = (await opened.browse(plant.address)).items
            assert (plant.kind, a.kind, a.value, a.has_children) == ("folder", "variable", "on", True)
            below = {node.name: node for node in (await opened.browse(a.address)).items}
            assert (below["temp"].value, below["state"].kind) == (1, "folder")
            inside = {node.name: node for node in (await opened.browse(below["state"].address)).items}
            assert (inside["temp"].value, inside["list"].kind) == (21.5, "folder")
            assert [s.value for s in await opened.read([inside["temp"].address])] == [21.5]


async def test_a_broker_that_dies_ends_the_session(broker: Mosquitto) -> None:
    async with joined(broker) as opened:
        with pytest.raises(Unavailable):
            async with following(opened, {"n": "plant/n"}) as followed:
                with broker.publisher() as publish:
                    await asyncio.to_thread(publish, "plant/n", "1", True)
                    await followed.until(lambda seen: bool(seen.samples))
                await asyncio.to_thread(broker.stop)
                await followed.until(lambda _: False)
        for call in (opened.read(["a"]), opened.write("a", 1)):
            with pytest.raises(Unavailable):
                await call
    with pytest.raises(Unavailable) as caught:
        await MqttClientConnector().open(MqttClientSettings(host="127.0.0.1", port=broker.port))
    assert caught.value.code == "connectors.unreachable"


async def test_who_may_not_is_told(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, password="right").running() as broker:
        for wrong in ({}, {"user": "reader", "password": "wrong"}):
            with pytest.raises(Denied):
                await MqttClientConnector().open(MqttClientSettings(host="127.0.0.1", port=broker.port, **wrong))
        async with joined(broker, user="reader", password="right") as opened:
            await opened.write("plant/x", "7")


async def test_tls_is_verified(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path / "tls", "IP:127.0.0.1")
    key.chmod(0o644)
    with Mosquitto(tmp_path, tls=(chain, key)).running() as broker:
        async with joined(broker, tls=True, ca=chain.read_text()) as opened:
            await opened.write("plant/x", 7)
        with pytest.raises(Unavailable):
            await MqttClientConnector().open(MqttClientSettings(host="127.0.0.1", port=broker.port, tls=True))
        with pytest.raises(Invalid):
            await MqttClientConnector().open(
                MqttClientSettings(host="127.0.0.1", port=broker.port, tls=True, ca="nothing")
            )
    assert ssl.HAS_TLSv1_3


@pytest.mark.parametrize("address", ["", "a/+/b", "#", "#/x", "a\0b", "a#x[", "a\nb"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        MqttClientConnector().check_address(address)
    assert caught.value.hint


async def test_a_peer_that_is_no_broker(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    for answer in (silent, rude):
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await MqttClientConnector().open(MqttClientSettings(host="127.0.0.1", port=port, timeout_s=1))
        server.close()


async def test_it_conforms(broker: Mosquitto) -> None:
    conformance = pytest.importorskip("millwright.devices.connectors.conformance")
    with broker.publisher() as publish:
        await asyncio.to_thread(publish, "plant/temp", "1", True)
        await asyncio.to_thread(publish, "plant/state", STATE, True)
    await conformance.check(
        MqttClientConnector(),
        {"host": "127.0.0.1", "port": broker.port, "retained": "good", "timeout_s": 3},
        addresses=["plant/temp", "plant/state#/temp"],
        bad_address="plant/never",
        kill=lambda: asyncio.to_thread(broker.stop),
    )
