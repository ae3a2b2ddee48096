"""The host application profile of the Eclipse Sparkplug TCK against this node, where somebody has the kit running.

As in ``test_tck.py``: ``WITNESS_SPARKPLUG_TCK=1`` says that it is at localhost:1883. The node signs in there as
``[sparkplug] servers`` has it; sessions are tried with the part that does so alone, what is read and commanded with a
whole node.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.mqtt import JetStreamIntake
from millwright.devices.sparkplug import DataType, HostState, Payload
from millwright.devices.sparkplug.servers import ServerDesk, servers_of
from millwright.devices.sparkplug.settings import SparkplugSettings
from millwright.engines.nats import NatsConnection
from millwright.kernel import SystemClock
from support.commanded import registered
from support.mqtt import hang_up, running_listener, until
from support.nats import RunningNats
from support.node import RunningNode
from support.sparkplug_tck import Console, judge, name_of_now

pytestmark = [
    pytest.mark.alone,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not os.environ.get("WITNESS_SPARKPLUG_TCK"), reason="needs WITNESS_SPARKPLUG_TCK"),
]

_HOST, _SERVER = "millwright", "mqtt://127.0.0.1:1883"
_MODEL = {
    "name": "of the kit",
    "properties": [
        {"name": "TCK_metric/Int32", "type": "integer", "writable": True},
        {"name": "EdgeNode Control/Rebirth", "type": "boolean", "writable": True},
        {"name": "Outputs/1", "type": "integer", "writable": True},
    ],
}


@pytest.fixture
def console() -> Iterator[Console]:
    opened = Console()
    yield opened
    opened.end()  # a test that was not ended would leave the kit's edge node to the next one
    opened.close()


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[NatsConnection]:
    async with RunningNats(tmp_path) as nats:
        connection = NatsConnection(nats.url, "test")
        await connection.start()
        yield connection
        await connection.stop()


@contextlib.asynccontextmanager
async def signed_in(bus: NatsConnection) -> AsyncIterator[ServerDesk]:
    settings = SparkplugSettings(host_id=_HOST)
    intake = JetStreamIntake(bus, "tck")
    await intake.start()
    desk = ServerDesk(servers_of(_SERVER)[0], settings, intake, lambda _: None, bus, SystemClock(), "tck")
    await desk.start()
    try:
        yield desk
    finally:
        await desk.stop()


async def verdicts_of(console: Console) -> dict[str, str]:
    return await asyncio.to_thread(console.verdicts, 30)


async def test_a_session_of_the_host_begins(console: Console, bus: NatsConnection) -> None:
    await asyncio.to_thread(console.begin, "HOST", "SessionEstablishmentTest", _HOST)
    async with signed_in(bus):
        judge(await verdicts_of(console), 30)


async def test_a_session_of_the_host_ends(console: Console, bus: NatsConnection) -> None:
    await asyncio.to_thread(console.begin, "HOST", "SessionTerminationTest", _HOST)
    async with signed_in(bus) as desk:
        await until(lambda: desk.online, 20)
        await asyncio.sleep(1)
    judge(await verdicts_of(console), 7)


async def test_the_host_is_at_two_servers(console: Console, bus: NatsConnection, tmp_path: Path) -> None:
    async with RunningNats(tmp_path / "own") as nats, running_listener(nats.url) as listener:
        own = NatsConnection(nats.url, "test")
        await own.start()
        await asyncio.to_thread(console.begin, "HOST", "MultipleBrokerTest", _HOST, f"tcp://127.0.0.1:{listener.port}")
        await asyncio.sleep(2)  # the kit signs in at the other server
        state = HostState(own, SystemClock(), _HOST)
        async with signed_in(bus) as desk:
            await until(lambda: desk.online, 20)
            await state.start()  # the kit wants the time at the second server to be the later one
            judge(await verdicts_of(console), 3)
        await state.stop()
        await own.stop()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    settings: dict[str, dict[str, Any]] = {"sparkplug": {"servers": _SERVER, "reorder_s": 3.0}}
    with RunningNode(tmp_path_factory.mktemp("host"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def api(node: RunningNode) -> Iterator[httpx.Client]:
    with contextlib.closing(node.administrator()) as client:
        yield client


@pytest.fixture(scope="module")
def model(api: httpx.Client) -> str:
    return str(api.post("/models", json=_MODEL).json()["id"])


def edge_of(api: httpx.Client, model: str) -> tuple[str, str]:
    """A registered edge node; its id and name."""
    name = name_of_now()
    binding = {"group_id": "Works", "edge_node_id": name}
    return registered(api, name, model, sparkplug=binding, kind="sparkplug_edge")[0], name


def adopted(node: RunningNode, api: httpx.Client, edge_id: str) -> dict[str, Any]:
    """The device below it, which registers itself at its birth."""
    return dict(
        node.wait_for(
            "the device is adopted",
            lambda: next((d for d in api.get("/devices").json()["items"] if d["parent_id"] == edge_id), None),
        )
    )


def test_the_host_commands(console: Console, node: RunningNode, api: httpx.Client, model: str) -> None:
    edge_id, name = edge_of(api, model)
    console.begin("HOST", "SendCommandTest", _HOST, "Works", name, "D1")
    device = adopted(node, api, edge_id)  # the host asks for its births itself
    assert "rebirth" in console.prompts.get(timeout=20)
    assert "update a metric value" in console.prompts.get(timeout=20)
    mended = api.patch(
        f"/devices/{device['id']}", json={"model_id": model}, headers={"If-Match": f'"{device["revision"]}"'}
    )
    assert mended.status_code == 200, mended.text

    def write(device_id: str, name: str, value: Any) -> None:
        body = {"property": name, "value": value, "timeout_s": 20}
        asked = api.post(f"/devices/{device_id}/commands/write", json=body)
        assert asked.status_code in (200, 201), asked.text

    write(edge_id, "TCK_metric/Int32", 12)
    assert "device rebirth" in console.prompts.get(timeout=20)
    write(device["id"], "EdgeNode Control/Rebirth", True)
    assert "update a metric value" in console.prompts.get(timeout=20)
    write(device["id"], "Outputs/1", 7)
    judge(console.verdicts(30), 26)


def test_the_host_waits_for_what_is_late(console: Console, node: RunningNode, api: httpx.Client, model: str) -> None:
    edge_id, name = edge_of(api, model)
    binding = {"group_id": "Works", "edge_node_id": name, "device_id": "D1"}
    registered(api, f"{name} D1", model, sparkplug=binding, kind="sparkplug_device", parent_id=edge_id)
    console.begin("HOST", "MessageOrderingTest", _HOST, "Works", name, "D1", "4000")
    judge(console.verdicts(60), 4)


class Edge:
    """An edge node with the device D1, of which the kit finds that it is there already: its own one, which it would
    start otherwise, is born before the kit listens."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.connect("127.0.0.1", 1883)
        self._client.loop_start()

    def say(self, kind: str, seq: int | None, metric: str, device: str = "") -> int:
        """Publish a certificate; its time."""
        now_ms = time.time_ns() // 1_000_000
        payload = Payload(timestamp=now_ms)
        if seq is not None:
            payload.seq = seq
        payload.metrics.add(name=metric, timestamp=now_ms, datatype=DataType.INT64, long_value=0)
        topic = f"spBv1.0/Works/{kind}/{self._name}" + (f"/{device}" if device else "")
        self._client.publish(topic, payload.SerializeToString()).wait_for_publish(5)
        return now_ms

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


def test_the_host_sees_edge_nodes_end(console: Console, node: RunningNode, api: httpx.Client, model: str) -> None:
    """The kit asks who runs it what the host shows; the answers are what the API says."""
    edge_id, name = edge_of(api, model)
    binding = {"group_id": "Works", "edge_node_id": name, "device_id": "D1"}
    more: dict[str, Any] = {"sparkplug": binding, "kind": "sparkplug_device", "parent_id": edge_id}
    device_id = registered(api, f"{name} D1", model, **more)[0]

    def is_online(of: str) -> bool:
        return bool(api.get(f"/devices/{of}").json()["presence"]["online"])

    def died_at(of: str) -> int:
        said = api.get(f"/devices/{of}").json()["presence"]
        return 0 if said["online"] else int(said["since_ms"])

    def stale_at(of: str) -> int:
        found = api.get(f"/devices/{of}/properties").json()
        latest = next((each["latest"] for each in found if each["name"] == "level"), None)
        return int(latest["time_ms"]) if latest and latest["value"] is None else 0

    def answer(right: Callable[[], bool]) -> None:
        console.prompts.get(timeout=20)
        node.wait_for("the host shows it", right)
        console.send("SPARKPLUG_TCK/CONSOLE_REPLY", "PASS")

    edge = Edge(name)
    try:
        edge.say("NBIRTH", 0, "level")
        edge.say("DBIRTH", 1, "level", "D1")
        node.wait_for("both are there", lambda: is_online(edge_id) and is_online(device_id))
        console.begin("HOST", "EdgeSessionTerminationTest", _HOST, "Works", name, "D1")
        time.sleep(1)
        died_ms = edge.say("DDEATH", 2, "none", "D1")
        answer(lambda: died_at(device_id) == died_ms)
        answer(lambda: stale_at(device_id) == died_ms)
        edge.say("DBIRTH", 3, "level", "D1")
        node.wait_for("it is there again", lambda: is_online(device_id))
        at_ms = edge.say("NDEATH", None, "bdSeq")
        answer(lambda: died_at(edge_id) >= at_ms)
        answer(lambda: stale_at(edge_id) >= at_ms)
        answer(lambda: died_at(device_id) >= at_ms)
        answer(lambda: stale_at(device_id) >= at_ms)
        judge(console.verdicts(30), 6)
    finally:
        edge.close()
