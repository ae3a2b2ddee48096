"""The listener as a server that is aware of Sparkplug (3.0, section 10): births are kept, deaths tell their time.

The TCK's AwareBrokerTest can try only the HiveMQ that it runs in: it waits for the sign-in of its own client there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from millwright.devices.mqtt import MqttListener
from millwright.devices.mqtt.topics import find_certificate
from millwright.devices.mqtt.wills import stamped
from millwright.devices.permissions import Principal
from millwright.devices.sparkplug import Payload
from support.mqtt import hang_up, running_listener, until
from support.nats import RunningNats

KEPT = "$sparkplug/certificates/"
BIRTH, DEVICE = "spBv1.0/Works/NBIRTH/Mixer", "spBv1.0/Works/DBIRTH/Mixer/Drum"
DEATH = "spBv1.0/Works/NDEATH/Mixer"


class Client:
    def __init__(self, port: int, name: str, *filters: str, will: bytes = b"") -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.ended: list[str] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
        self._client.username_pw_set(f"device:{name}")
        self._client.on_message = lambda _c, _u, m: self.heard.append((m.topic, bytes(m.payload), m.retain))
        self._client.on_disconnect = lambda *_: self.ended.append(name)
        if will:
            self._client.will_set(DEATH, will, qos=1)
        self._client.connect("127.0.0.1", port)
        for each in filters:
            self._client.subscribe(each, qos=1)
        self._client.loop_start()

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def say_without_waiting(self, topic: str) -> None:
        self._client.publish(topic, b"x", qos=1)

    def break_off(self) -> None:
        """Hang up without a goodbye."""
        self._client.socket().close()  # type: ignore[union-attr]  # it is connected
        hang_up(self._client)

    def close(self) -> None:
        self._client.disconnect()
        hang_up(self._client)


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[MqttListener]:
    async with RunningNats(tmp_path) as nats, running_listener(nats.url, sparkplug_certificates=True) as running:
        yield running


async def test_births_are_kept(tmp_path: Path) -> None:
    async with RunningNats(tmp_path) as nats:
        async with running_listener(nats.url, sparkplug_certificates=True) as listener:
            early = await asyncio.to_thread(Client, listener.port, "early", f"{KEPT}#", "#")
            edge = await asyncio.to_thread(Client, listener.port, "edge")
            for topic in (BIRTH, DEVICE, "spBv1.0/Works/NDATA/Mixer", DEATH):
                await asyncio.to_thread(edge.say, topic, topic.encode())
            await asyncio.to_thread(edge.say, BIRTH, b"again")
            await until(lambda: len(early.heard) == 5 + 3, 10)
            kept = [(topic, payload) for topic, payload, _ in early.heard if topic.startswith(KEPT)]
            assert kept == [(KEPT + BIRTH, BIRTH.encode()), (KEPT + DEVICE, DEVICE.encode()), (KEPT + BIRTH, b"again")]
            await asyncio.to_thread(early.close)
            await asyncio.to_thread(edge.close)
        async with running_listener(nats.url, sparkplug_certificates=True) as listener:  # also over a new start
            late = await asyncio.to_thread(Client, listener.port, "late", f"{KEPT}spBv1.0/Works/#")
            await until(lambda: len(late.heard) == 2, 10)
            assert sorted(late.heard) == [(KEPT + DEVICE, DEVICE.encode(), True), (KEPT + BIRTH, b"again", True)]
            await asyncio.to_thread(late.close)


async def test_nobody_but_the_server_writes_certificates(listener: MqttListener) -> None:
    forger = await asyncio.to_thread(Client, listener.port, "forger")
    await asyncio.to_thread(forger.say_without_waiting, KEPT + BIRTH)
    await until(lambda: bool(forger.ended), 10)
    assert len(listener.exchange.retained) == 0
    await asyncio.to_thread(forger.close)


async def test_a_will_tells_when_the_edge_node_died(listener: MqttListener) -> None:
    host = await asyncio.to_thread(Client, listener.port, "host", "spBv1.0/#")
    certificate = Payload(timestamp=1_000)
    certificate.metrics.add(name="bdSeq", datatype=4, long_value=7)
    edge = await asyncio.to_thread(Client, listener.port, "edge", will=certificate.SerializeToString())
    began_ms = time.time_ns() // 1_000_000
    await asyncio.to_thread(edge.break_off)
    await until(lambda: bool(host.heard), 10)
    told = Payload.FromString(host.heard[0][1])
    assert began_ms - 1 <= told.timestamp <= time.time_ns() // 1_000_000
    assert [(metric.name, metric.long_value) for metric in told.metrics] == [("bdSeq", 7)]
    await asyncio.to_thread(host.close)


@pytest.mark.parametrize("death", [b"", b"\x08", b"\x08\xff\xff", b"\x12\x00", b"offline"])
def test_what_has_no_timestamp_at_its_beginning_stays_as_it_is(death: bytes) -> None:
    assert stamped(death, 1_700_000_000_000) == death


@pytest.mark.parametrize(("before", "after"), [(0, 1), (127, 128), (1_700_000_000_000, 1_700_000_000_001), (5, 2**40)])
def test_a_timestamp_is_replaced(before: int, after: int) -> None:
    death = Payload(timestamp=before, seq=3)
    told = Payload.FromString(stamped(death.SerializeToString(), after))
    assert (told.timestamp, told.seq) == (after, 3)


@pytest.mark.parametrize(
    "topic",
    ["spBv1.0/Works/NDATA/Mixer", "spBv1.0/Works/NBIRTH", "spBv1.0/Works/NBIRTH/", "spBv1.0/Works/DBIRTH/Mixer",
     "spBv1.0/Works/NBIRTH/Mixer/Drum", "spBv1.0/STATE/scada", "other/Works/NBIRTH/Mixer", "spBv1.0"],
)  # fmt: skip
def test_what_is_no_birth_is_not_kept(topic: str) -> None:
    assert find_certificate(topic) is None


def test_an_edge_node_may_read_its_own_certificates() -> None:
    edge = Principal("dev_1", "edge", 1, group_id="Works", edge_node_id="Mixer")
    assert edge.may_subscribe(KEPT + BIRTH)
    assert edge.may_subscribe(f"{KEPT}spBv1.0/Works/DBIRTH/Mixer/#")
    assert not edge.may_subscribe(f"{KEPT}#")
    assert not edge.may_subscribe(f"{KEPT}spBv1.0/Works/NBIRTH/Other")
    assert not edge.may_publish(KEPT + BIRTH)
