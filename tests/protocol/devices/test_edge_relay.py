"""The parent asks an edge, over real brokers: answered, refused, away, older, and what passes besides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright.devices.edge.down.asking import ask_edge
from millwright.devices.edge.down.rebirths import RebirthDesk, RebirthRelay
from millwright.devices.edge.down.relay import EdgeRelay
from millwright.devices.edge.down.wire import REBIRTH
from millwright.devices.edge.model import EdgeStatus
from millwright.devices.edge.receiver import EdgeReceiver
from millwright.devices.edge.uplink import ask
from millwright.devices.edge.wire import STATUS, Heard, Report, Wanted
from millwright.devices.mqtt import OUT_SUBJECT, OutMessage
from millwright.devices.sparkplug import Payload
from millwright.engines.nats import NatsConnection
from millwright.kernel import Invalid, SystemClock, Unavailable
from support.nats import RunningNats

EDGE = "edge_1"


class Records:
    """The edge node plant/press connects at the edge, no other does."""

    def members(self, _edge_id: str) -> set[str]:
        return set()

    def owner_of(self, _edge_id: str) -> str:
        return "org_1"

    def note(self, _seen: object) -> None:
        return

    def find_edge_of(self, group_id: str, edge_node_id: str) -> str | None:
        return EDGE if (group_id, edge_node_id) == ("plant", "press") else None


class Nothing:
    async def of(self, _edge_id: str) -> Wanted:
        return Wanted("none")


class Pair:
    """A parent's broker and an edge's, and the role between them."""

    def __init__(self, edge_url: str, parent_url: str) -> None:
        self.edge, self.parent = NatsConnection(edge_url, "edge"), NatsConnection(parent_url, "parent")
        records: Any = Records()
        self.receiver = EdgeReceiver(
            lambda _edge_id: NatsConnection(edge_url, "receiver"),
            self.parent,
            records,
            Nothing(),
            self.parent,
            SystemClock(),
        )
        self.parts = [
            self.edge,
            self.parent,
            self.receiver,
            EdgeRelay(self.receiver, self.parent),
            RebirthRelay(records, self.parent),
            RebirthDesk(self.edge, SystemClock()),
        ]

    async def speak(self) -> None:
        """The edge says how it is: from then on its link is up."""
        for _ in range(100):
            try:
                await ask(self.edge, STATUS, Report(EdgeStatus()), Heard, 5)
            except Unavailable:  # the broker does not know yet who serves it
                await asyncio.sleep(0.05)
            else:
                return
        raise AssertionError("nobody hears the edge")


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with RunningNats(tmp_path / "edge", 1) as edge, RunningNats(tmp_path / "parent", 1) as parent:
        made = Pair(edge.url, parent.url)
        for part in made.parts:
            await part.start()
        await made.receiver.admit([EDGE])
        yield made
        for part in reversed(made.parts):
            await part.stop()


async def test_who_does_not_speak_is_away_at_once(pair: Pair) -> None:
    for edge_id in (EDGE, "edge_9"):
        with pytest.raises(Unavailable) as away:
            await ask_edge(pair.parent, edge_id, "field", b"", 30)
        assert away.value.code == "devices.edge_away"
    await pair.speak()
    await ask_edge(pair.parent, EDGE, "", b"", 5)
    with pytest.raises(Unavailable) as older:  # it runs a version that is never asked this
        await ask_edge(pair.parent, EDGE, "unheard_of", b"", 30)
    assert older.value.code == "devices.edge_away"

    async def never(_payload: bytes) -> bytes:
        await asyncio.sleep(60)
        return b""

    unsubscribe = await pair.edge.serve("down.slow", never)
    with pytest.raises(Unavailable) as slow:
        await ask_edge(pair.parent, EDGE, "slow", b"", 0.2)
    assert slow.value.code == "devices.edge_away"
    await unsubscribe()


async def test_what_the_edge_refuses_is_told_as_it_is(pair: Pair) -> None:
    await pair.speak()
    for garbage in (b"", b"\xc1", *(msgspec.msgpack.encode({"group_id": "a", "edge_node_id": each}) for each in "+#/")):
        with pytest.raises(Invalid) as refused:
            await ask_edge(pair.parent, EDGE, REBIRTH, garbage, 5)
        assert refused.value.code == "devices.edge_message_invalid"


async def test_requests_for_births_reach_nodes_at_the_edge_and_nothing_else_does(pair: Pair) -> None:
    await pair.speak()
    heard: list[OutMessage] = []
    there = asyncio.Event()

    async def hear(_subject: str, payload: bytes) -> None:
        heard.append(msgspec.msgpack.decode(payload, type=OutMessage))
        there.set()

    unsubscribe = await pair.edge.subscribe(OUT_SUBJECT, hear)
    for topic in (
        "spBv1.0/plant/DCMD/press/arm",
        "spBv1.0/plant/NCMD/other",
        "$device/dev_1/millwright/v1/commands/request",
        "spBv1.0/plant/NCMD/press",
    ):
        message = OutMessage(topic, b"whatever was in it")
        await pair.parent.publish(OUT_SUBJECT, msgspec.msgpack.encode(message))
    await asyncio.wait_for(there.wait(), 10)
    assert [each.topic for each in heard] == ["spBv1.0/plant/NCMD/press"]
    metrics = Payload.FromString(heard[0].payload).metrics
    assert [(each.name, each.boolean_value) for each in metrics] == [("Node Control/Rebirth", True)]
    await unsubscribe()
