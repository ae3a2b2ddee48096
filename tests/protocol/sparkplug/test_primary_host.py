"""Our edge node is born when its primary host application says that it is there, and ends when that goes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.mqtt import MqttListener
from millwright.plant.connection import Address
from millwright.plant.sparkplug import DOUBLE, REBIRTH, EdgeNode, Payload, Sample
from support.mqtt import hang_up, running_listener, until
from support.nats import RunningNats

STATE = "spBv1.0/STATE/scada"


class Host:
    """A host application in a few lines: says its state, hears the edge node."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="scada")
        self._client.on_message = self._on_message
        self._client.username_pw_set("device:scada", "")
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("spBv1.0/Works/#", qos=1)
        self._client.loop_start()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.heard.append((message.topic.split("/")[2], Payload.FromString(message.payload)))

    def say(self, text: str) -> None:
        self._client.publish(STATE, text, qos=1, retain=True).wait_for_publish(5)

    def say_online(self, online: bool, at_ms: int) -> None:
        self.say(json.dumps({"online": online, "timestamp": at_ms}))

    def ask_for_rebirth(self) -> None:
        order = Payload(timestamp=1)
        order.metrics.add(name=REBIRTH, datatype=11, boolean_value=True)
        self._client.publish("spBv1.0/Works/NCMD/Mixer", order.SerializeToString(), qos=0)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.heard]

    def numbers(self, kind: str) -> list[int]:
        """The ``bdSeq`` of each message of this kind."""
        return [
            metric.long_value
            for said, payload in self.heard
            if said == kind
            for metric in payload.metrics
            if metric.name == "bdSeq"
        ]

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[MqttListener]:
    async with RunningNats(tmp_path) as nats, running_listener(nats.url) as running:
        yield running


async def test_sessions_follow_the_state_of_the_primary_host(listener: MqttListener) -> None:
    host = await asyncio.to_thread(Host, listener.port)
    address = Address("127.0.0.1", listener.port, tls=False)
    edge = EdgeNode(address, "device:edge", "Works", "Mixer", {"Drum": {"speed": DOUBLE}}, primary="scada")
    try:
        edge.start()
        assert await asyncio.to_thread(edge.wait_connected, threading.Event())
        edge.report("Drum", Sample(1_000, {"speed": 1.0}))
        await asyncio.to_thread(host.say, "not a state")
        await asyncio.to_thread(host.say_online, False, 50)
        assert not host.heard  # what is reported before the birth waits for it
        await asyncio.to_thread(host.say_online, True, 100)
        await until(lambda: host.kinds() == ["NBIRTH", "DBIRTH", "DDATA"], 10)
        assert host.heard[2][1].metrics[0].is_historical
        first = host.numbers("NBIRTH")[0]

        host.ask_for_rebirth()
        await until(lambda: host.kinds().count("DBIRTH") == 2, 10)
        assert host.numbers("NBIRTH") == [first, first]  # the session is the same, and so is the will

        await asyncio.to_thread(host.say_online, False, 99)  # older than what was said before: void
        edge.report("Drum", Sample(2_000, {"speed": 2.0}))
        await until(lambda: host.kinds().count("DDATA") == 2, 10)
        await asyncio.to_thread(host.say_online, False, 200)
        await until(lambda: "NDEATH" in host.kinds(), 10)
        assert host.numbers("NDEATH") == [first]

        await asyncio.to_thread(host.say_online, True, 300)
        await until(lambda: host.kinds().count("DBIRTH") == 3, 20)
        assert host.numbers("NBIRTH")[2] == (first + 1) % 256
        await asyncio.to_thread(edge.stop)
        await until(lambda: host.kinds().count("NDEATH") == 2, 10)
        assert host.numbers("NDEATH") == [first, (first + 1) % 256], (host.kinds(), host.numbers("NBIRTH"))
    finally:
        await asyncio.to_thread(edge.stop)
        await asyncio.to_thread(host.close)
