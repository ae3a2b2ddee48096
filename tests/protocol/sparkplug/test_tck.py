"""The Eclipse Sparkplug TCK against our broker and our edge node, where somebody has it running.

It is an extension of HiveMQ and speaks with who runs the tests over that broker, at localhost:1883 (the kit knows no
other place). ``WITNESS_SPARKPLUG_TCK=1`` says that it is there.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.mqtt import MqttListener
from millwright.plant.connection import Address
from millwright.plant.sparkplug import DOUBLE, EdgeNode, Sample
from support.mqtt import hang_up, running_listener
from support.nats import RunningNats

pytestmark = [
    pytest.mark.alone,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not os.environ.get("WITNESS_SPARKPLUG_TCK"), reason="needs WITNESS_SPARKPLUG_TCK"),
]

_HOST = "tck_host"


class Console:
    """What the kit's web page does: ask for a test, answer its questions, take its result."""

    def __init__(self) -> None:
        self._results: queue.Queue[str] = queue.Queue()
        self.prompts: queue.Queue[str] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="console")
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", 1883)
        self._client.subscribe([("SPARKPLUG_TCK/RESULT", 1), ("SPARKPLUG_TCK/CONSOLE_PROMPT", 1)])
        self._client.loop_start()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        kind = self._results if message.topic.endswith("RESULT") else self.prompts
        kind.put(message.payload.decode())

    def begin(self, *words: str) -> None:
        self._client.publish("SPARKPLUG_TCK/TEST_CONTROL", " ".join(("NEW_TEST", *words)), qos=1).wait_for_publish(5)

    def end(self) -> None:
        self._client.publish("SPARKPLUG_TCK/TEST_CONTROL", "END_TEST", qos=1).wait_for_publish(5)

    def send(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def verdicts(self, timeout_s: float = 150) -> dict[str, str]:
        """Requirement → PASS, or FAIL and why; without those the test had no occasion to look at."""
        found = self._results.get(timeout=timeout_s)
        pairs = re.findall(r"^([\w:-]+): (.*?);?$", found, re.MULTILINE)
        return {name: verdict for name, verdict in pairs if not verdict.startswith("NOT EXECUTED")}

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


@pytest.fixture
def console() -> Iterator[Console]:
    opened = Console()
    yield opened
    opened.close()


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[MqttListener]:
    async with RunningNats(tmp_path) as nats, running_listener(nats.url) as running:
        yield running


async def test_the_listener_is_a_sparkplug_compliant_server(console: Console, listener: MqttListener) -> None:
    console.begin("BROKER", "CompliantBrokerTest", "127.0.0.1", str(listener.port))
    verdicts = await asyncio.to_thread(console.verdicts)
    assert verdicts.pop("OVERALL").startswith("PASS"), verdicts
    assert len([each for each in verdicts.values() if each.startswith("PASS")]) == 4, verdicts


@pytest.fixture
def edge() -> Iterator[Callable[[str], EdgeNode]]:
    """Starts an edge node by its name: one never seen before, as ``bdSeq`` goes on from session to session."""
    started: list[EdgeNode] = []

    def start(name: str) -> EdgeNode:
        devices = {"D1": {"temperature": DOUBLE}}
        started.append(EdgeNode(Address("127.0.0.1", 1883, False), "", "Works", name, devices, primary=_HOST))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def report(node: EdgeNode, many: int = 3) -> None:
    for number in range(many):
        time.sleep(0.5)
        node.report("D1", Sample(time.time_ns() // 1_000_000, {"temperature": 20.0 + number}))


def judge(verdicts: dict[str, str]) -> None:
    """Nothing failed, and something was looked at."""
    assert verdicts.pop("OVERALL").startswith("PASS"), {n: v for n, v in verdicts.items() if v.startswith("FAIL")}
    assert len([each for each in verdicts.values() if each.startswith("PASS")]) > 10, verdicts


def name_of_now() -> str:
    return f"Edge{time.time_ns()}"


def test_our_edge_node_is_born(console: Console, edge: Callable[[str], EdgeNode]) -> None:
    name = name_of_now()
    console.begin("EDGE", "SessionEstablishmentTest", _HOST, "Works", name, "D1")
    time.sleep(2)  # the kit's host application goes online
    report(edge(name))
    time.sleep(2)
    console.end()
    judge(console.verdicts())


def test_our_edge_node_ends(console: Console, edge: Callable[[str], EdgeNode]) -> None:
    name = name_of_now()
    console.begin("EDGE", "SessionTerminationTest", _HOST, "Works", name, "D1")
    time.sleep(2)
    node = edge(name)
    report(node)
    node.stop()
    time.sleep(1)
    console.end()
    judge(console.verdicts())


def test_our_edge_node_sends_data(console: Console, edge: Callable[[str], EdgeNode]) -> None:
    name = name_of_now()
    console.begin("EDGE", "SendDataTest", _HOST, "Works", name, "D1")
    time.sleep(2)
    report(edge(name))
    time.sleep(1)
    console.end()
    judge(console.verdicts())


def test_our_edge_node_obeys_commands(console: Console, edge: Callable[[str], EdgeNode]) -> None:
    name = name_of_now()
    node = edge(name)
    console.begin("EDGE", "ReceiveCommandTest", _HOST, "Works", name, "D1")
    report(node, 16)
    console.end()
    judge(console.verdicts())


def test_our_edge_node_waits_for_its_primary_host(console: Console, edge: Callable[[str], EdgeNode]) -> None:
    name = name_of_now()
    console.begin("EDGE", "PrimaryHostTest", _HOST, "Works", name, "D1")
    node = edge(name)
    report(node, 44)  # the kit's host comes, goes and lies about the time; it ends the test
    judge(console.verdicts())
