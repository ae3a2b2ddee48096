"""The host application at a server of somebody else's: our listener is the server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.intake import Run, decode_frame
from millwright.devices.mqtt.delivery import FIND, FOUND, Ask, Deliver, Delivered, Found, subject_of
from millwright.devices.mqtt.presence import PresenceReport
from millwright.devices.registry.model import SparkplugBinding
from millwright.devices.sparkplug import Payload, command_topic, publish, rebirth_request
from millwright.devices.sparkplug.servers import ServerDesk, servers_of
from millwright.devices.sparkplug.settings import SparkplugSettings
from millwright.devices.telemetry import Outgoing
from millwright.kernel import Invalid, LimitExceeded, SystemClock, Unavailable
from millwright.plant.connection import Address
from millwright.plant.sparkplug import DOUBLE, EdgeNode, Sample
from support.bus import LocalBus
from support.mqtt import OpenDoor, hang_up, running_listener, until
from support.nats import RunningNats
from support.ports import free_port

STATE = "spBv1.0/STATE/scada"
WORKS = {("Works", "Mixer"): "dev_mixer"}


class Kept:
    """An intake that keeps the runs; closed while ``closed``."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.closed = False

    async def commit(self, frame: bytes, message_id: str) -> None:
        if self.closed:
            raise LimitExceeded("full", code="test.full")
        self.runs += decode_frame(frame).runs

    def topics(self) -> list[str]:
        return [run.topic.removeprefix("spBv1.0/") for run in self.runs]


class Witness:
    """A client of the server that hears everything below ``spBv1.0``."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="witness")
        self._client.username_pw_set("device:witness")
        self._client.on_message = lambda _c, _u, m: self.heard.append((m.topic, bytes(m.payload), m.retain))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("spBv1.0/#", qos=1)
        self._client.loop_start()

    def states_text(self) -> list[str]:
        return [payload.decode() for topic, payload, _ in self.heard if topic == STATE]

    def states(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.states_text()]

    def commands(self, kind: str) -> list[Any]:
        return [Payload.FromString(payload) for topic, payload, _ in self.heard if f"/{kind}/" in topic]

    def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


@pytest.fixture
async def witness(tmp_path: Path) -> AsyncIterator[tuple[Witness, int]]:
    async with RunningNats(tmp_path) as nats, running_listener(nats.url) as listener:
        opened = await asyncio.to_thread(Witness, listener.port)
        yield opened, listener.port
        await asyncio.to_thread(opened.close)


@asynccontextmanager
async def signed_in(
    port: int,
    intake: Kept,
    bus: LocalBus,
    find: Callable[[SparkplugBinding], str | None] | None = None,
    **settings: Any,
) -> AsyncIterator[ServerDesk]:
    desk = ServerDesk(
        servers_of(f"mqtt://device%3Ascada@127.0.0.1:{port}")[0],
        SparkplugSettings(host_id="scada", **settings),
        intake,
        find or (lambda binding: WORKS.get((binding.group_id, binding.edge_node_id))),
        bus,
        SystemClock(),
        "server1",
    )
    await desk.start()
    try:
        await until(lambda: desk.online, 15)
        yield desk
    finally:
        await desk.stop()


@asynccontextmanager
async def edge_node(port: int, name: str = "Mixer", primary: str = "scada") -> AsyncIterator[EdgeNode]:
    address = Address("127.0.0.1", port, tls=False)
    node = EdgeNode(address, f"device:{name}", "Works", name, {"Drum": {"speed": DOUBLE}}, primary=primary)
    node.start()
    try:
        yield node
    finally:
        await asyncio.to_thread(node.stop)


def names_of(payload: Any) -> list[str]:
    return [metric.name for metric in payload.metrics]


async def test_edge_nodes_of_a_server_are_read_and_commanded(witness: tuple[Witness, int]) -> None:
    heard, port = witness
    intake, bus = Kept(), LocalBus()
    async with edge_node(port) as node, signed_in(port, intake, bus) as desk:
        await until(lambda: intake.topics() == ["Works/NBIRTH/Mixer", "Works/DBIRTH/Mixer/Drum"], 15)
        node.report("Drum", Sample(1_000, {"speed": 1.5}))
        await until(lambda: intake.topics()[2:] == ["Works/DDATA/Mixer/Drum"], 10)
        assert {run.device_id for run in intake.runs} == {"dev_mixer"}
        assert [(run.flags, run.packet_ids) for run in intake.runs] == [(0, [])] * 3
        assert (desk.edge_nodes, desk.counters["messages_in"]) == (1, 3)

        topic = command_topic("Works", "Mixer")
        asks = [Ask("a", "dev_mixer", [topic]), Ask("b", "dev_other", [topic]), Ask("c", "dev_mixer", ["other"])]
        await bus.publish(FIND, msgspec.msgpack.encode(asks))
        found = msgspec.msgpack.decode(bus.sent(FOUND)[0], type=Found)
        assert (found.listener, found.choices) == ("server1", {"a": 0})
        order = Payload(timestamp=1)
        order.metrics.add(name="speed", datatype=DOUBLE, double_value=2)
        request = Deliver("cmd_1.1", found.boot, "dev_mixer", topic, order.SerializeToString())
        for _ in range(2):  # asked twice, sent once
            raw = await bus.request(subject_of("server1"), msgspec.msgpack.encode(request))
            assert msgspec.msgpack.decode(raw, type=Delivered).result == "taken"
        await until(lambda: names_of_all(heard, "NCMD") == [["speed"]], 10)

        await publish(bus, Outgoing(topic, rebirth_request(1)))
        await publish(bus, Outgoing(command_topic("Works", "Elsewhere"), rebirth_request(1)))
        await until(lambda: intake.topics().count("Works/NBIRTH/Mixer") == 2, 10)
        assert names_of_all(heard, "NCMD") == [["speed"], ["Node Control/Rebirth"]]
        assert not any(retained for topic, _, retained in heard.heard if "CMD" in topic)

        await asyncio.to_thread(node.stop)
        await until(lambda: intake.topics()[-1] == "Works/NDEATH/Mixer", 10)
        assert desk.edge_nodes == 0
        raw = await bus.request(
            subject_of("server1"), msgspec.msgpack.encode(Deliver("cmd_1.2", found.boot, "dev_mixer", topic, b"x"))
        )
        assert msgspec.msgpack.decode(raw, type=Delivered).result == "absent"


def names_of_all(heard: Witness, kind: str) -> list[list[str]]:
    return [names_of(each) for each in heard.commands(kind)]


async def test_the_state_of_the_host_follows_its_sessions(witness: tuple[Witness, int]) -> None:
    heard, port = witness
    async with signed_in(port, Kept(), LocalBus()):
        await until(lambda: len(heard.states()) == 1, 10)
        born = heard.states()[0]
        assert born["online"] is True
        await asyncio.to_thread(heard.say, STATE, json.dumps({**born, "online": False}), retain=True)
        await until(lambda: heard.states()[1:] == [{**born, "online": False}, born], 10)
        await asyncio.to_thread(heard.say, STATE, "no document")
        await until(lambda: heard.states_text()[4:] == [json.dumps(born, separators=(",", ":"))], 10)
    await until(lambda: len(heard.states_text()) == 6, 10)
    ended = json.loads(heard.states_text()[-1])
    assert ended["online"] is False
    assert ended["timestamp"] >= born["timestamp"]


async def test_a_server_that_goes_is_come_back_to(tmp_path: Path) -> None:
    intake, bus, port = Kept(), LocalBus(), free_port()
    async with RunningNats(tmp_path) as nats, AsyncExitStack() as until_the_end:
        async with running_listener(nats.url, port=port):
            desk = await until_the_end.enter_async_context(signed_in(port, intake, bus))
            await until_the_end.enter_async_context(edge_node(port))
            await until(lambda: desk.edge_nodes == 1, 15)
        await until(lambda: not desk.online and desk.edge_nodes == 0, 10)
        async with running_listener(nats.url, port=port):
            await until(lambda: desk.online and desk.edge_nodes == 1, 40)


async def test_edge_nodes_are_asked_what_they_said_while_we_were_away(tmp_path: Path) -> None:
    intake, bus = Kept(), LocalBus()
    there, gone = ("dev_mixer", True), ("dev_mixer", False)
    async with (
        RunningNats(tmp_path) as nats,
        running_listener(nats.url) as listener,
        signed_in(listener.port, intake, bus) as desk,
        edge_node(listener.port, primary=""),
    ):
        await until(lambda: desk.edge_nodes == 1 and presence_of(bus) == [there], 15)
        listener.disconnect("scada", "taken_over")
        await until(lambda: desk.edge_nodes == 0, 10)
        await until(lambda: intake.topics().count("Works/NBIRTH/Mixer") == 2, 30)
        assert desk.edge_nodes == 1
        await until(lambda: presence_of(bus) == [there, gone, there], 10)


def presence_of(bus: LocalBus) -> list[tuple[str, bool]]:
    """Who came and went, in order."""
    told: list[tuple[str, bool]] = []
    for data in bus.sent("presence.server1"):
        report = msgspec.msgpack.decode(data, type=PresenceReport)
        news = [(device_id, False) for device_id, _, _ in report.disconnected]
        news += [(device_id, True) for device_id, _, _ in report.connected]
        told += [each for each in news if each not in told[-1:]]
    return told


async def test_who_is_not_registered_is_not_read_until_it_is(witness: tuple[Witness, int]) -> None:
    heard, port = witness
    known: dict[tuple[str, str], str] = {}
    away = [True]

    def find(binding: SparkplugBinding) -> str | None:
        if away:
            away.pop()
            raise Unavailable("the records are away", code="test.away")
        return known.get((binding.group_id, binding.edge_node_id))

    intake = Kept()
    async with signed_in(port, intake, LocalBus(), find) as desk:
        for text in ("a", "b"):
            await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", text)
        await until(lambda: desk.counters["messages_of_nobody"] == 2, 10)
        known["Works", "Mixer"] = "dev_mixer"
        for _ in range(100):  # it is looked up again after some seconds
            await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", "c")
            if intake.runs:
                break
            await asyncio.sleep(0.1)
        assert intake.runs[0].payloads[0] == b"c"
        for topic in ("spBv1.0/Works/NCMD/Mixer", "spBv1.0/STATE/other", "spBv1.0/Works", "spBv1.0/Works/DDATA/Mixer"):
            await asyncio.to_thread(heard.say, topic, "no edge node's")
        await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", "kept", retain=True)
        await until(lambda: intake.runs[-1].payloads == [b"kept"], 10)
        assert {run.topic for run in intake.runs} == {"spBv1.0/Works/NDATA/Mixer"}
        count = desk.counters["messages_in"]
    again = Kept()
    async with signed_in(port, again, LocalBus(), find) as desk:
        await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", "now")
        await until(lambda: bool(again.runs), 10)
        assert [run.payloads for run in again.runs] == [[b"now"]], "what the server kept is of another time"
    assert count


async def test_while_the_intake_is_closed_messages_wait_and_then_are_lost_and_counted(
    witness: tuple[Witness, int],
) -> None:
    heard, port = witness
    intake = Kept()
    intake.closed = True
    async with signed_in(port, intake, LocalBus(), max_waiting_mb=1) as desk:
        for number in range(40):
            await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", bytes([number]) * 40_000)
        await until(lambda: desk.counters["messages_lost"] > 0, 20)
        await until(lambda: desk.counters["messages_lost"] + desk.counters["messages_in"] == 40, 20)
        intake.closed = False
        kept = desk.counters["messages_in"]
        await until(lambda: len(intake.runs) == kept, 20)
        assert [run.payloads[0][0] for run in intake.runs] == list(range(kept))
        await asyncio.to_thread(heard.say, "spBv1.0/Works/NDATA/Mixer", "after")
        await until(lambda: intake.runs[-1].payloads == [b"after"], 10)


async def test_who_is_not_let_in_says_so_and_tries_again(tmp_path: Path) -> None:
    from millwright.devices.mqtt import Refusal

    door = OpenDoor(refused={"device:scada": Refusal(5, "no")})
    async with RunningNats(tmp_path) as nats, running_listener(nats.url, door=door) as listener:
        server = servers_of(f"mqtt://device%3Ascada:x@127.0.0.1:{listener.port}")[0]
        settings = SparkplugSettings(host_id="scada")
        desk = ServerDesk(server, settings, Kept(), lambda _: None, LocalBus(), SystemClock(), "server1")
        await desk.start()
        try:
            await until(lambda: desk.problem is not None, 10)
            assert desk.problem is not None
            assert desk.problem.code == "sparkplug.server_refused"
            assert "x@" not in desk.problem.message
            door.refused.clear()
            await until(lambda: desk.online and desk.problem is None, 30)
        finally:
            await desk.stop()


async def test_a_server_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = servers_of(f"mqtt://127.0.0.1:{silent.getsockname()[1]}")[0]
        desk = ServerDesk(server, SparkplugSettings(), Kept(), lambda _: None, LocalBus(), SystemClock(), "server1")
        await desk.start()
        try:
            await until(lambda: desk.problem is not None, 30)
            assert desk.problem is not None
            assert desk.problem.code == "sparkplug.server_unreachable"
        finally:
            await desk.stop()


@pytest.mark.parametrize(
    "text",
    ["http://a:1", "mqtt://", "mqtt://a:99999", "mqtt://a/b", "mqtt://a?what=1", "mqtt://a mqtt://u@a:1883", "a:1883"],
)
def test_servers_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        servers_of(text)
    assert caught.value.code == "sparkplug.server_invalid"


def test_servers_are_read() -> None:
    one, two = servers_of("mqtt://a%40b:p%20w@one:99  mqtts://two?ca=/x.pem")
    assert (one.host, one.port, one.tls, one.user, one.password) == ("one", 99, False, "a@b", "p w")
    assert (two.host, two.port, two.tls, two.ca, two.name) == ("two", 8883, True, "/x.pem", "two:8883")
