"""The Eclipse Sparkplug TCK against our broker and our edge node, where somebody has it running.

It is an extension of HiveMQ and speaks with who runs the tests over that broker, at localhost:1883 (the kit knows no
other place). ``WITNESS_SPARKPLUG_TCK=1`` says that it is there.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from millwright.devices.mqtt import MqttListener
from millwright.plant.connection import Address
from millwright.plant.sparkplug import DOUBLE, EdgeNode, Sample
from support.mqtt import running_listener
from support.nats import RunningNats
from support.sparkplug_tck import Console, judge, name_of_now

pytestmark = [
    pytest.mark.alone,
    pytest.mark.timeout(200),
    pytest.mark.skipif(not os.environ.get("WITNESS_SPARKPLUG_TCK"), reason="needs WITNESS_SPARKPLUG_TCK"),
]

_HOST = "tck_host"


@pytest.fixture
def console() -> Iterator[Console]:
    opened = Console()
    yield opened
    opened.end()  # a test that was not ended would leave the kit's edge node to the next one
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
