"""Fleets of other platforms on a real node's parts: broker, listener, access, records, pipeline, historian; paho and
httpx speak as those devices do."""

import asyncio
import json
import threading
from functools import partial

import paho.mqtt.client as paho
import pytest

from millwright.app.pipeline import Pipeline
from millwright.devices import (
    Access,
    DeviceDirectory,
    DeviceQuery,
    DevicesService,
    DevicesSettings,
    ForeignAddress,
    NewCredential,
    NewDevice,
)
from millwright.devices.dialects import AttributeAnswers, Children, DialectDecoder
from millwright.devices.sparkplug import SparkplugHost, publish
from millwright.devices.telemetry import Collector, TelemetrySettings, new_decoder
from millwright.engines.clickhouse import ChdbEngine, ClickHouseSettings
from millwright.engines.nats import NatsConnection
from millwright.historian import Historian, HistorianSettings
from millwright.kernel import Lifecycle, SystemClock
from millwright.kernel.scope import EVERYTHING
from support.mqtt import hang_up, running_listener
from support.nats import RunningNats
from support.pipeline import eventually
from support.web import open_records


class Node:
    """The listener's and the historian's roles, wired as the composition root wires them."""

    def __init__(self, nats, bus, records, folder):
        clock, settings = SystemClock(), TelemetrySettings()
        self.devices = DevicesService(records, bus, clock)
        self.historian = Historian(ChdbEngine(folder, ClickHouseSettings()), clock, HistorianSettings(flush_ms=50))
        directory = DeviceDirectory(self.devices.device_store, self.devices.model_store)
        self.devices.changes.announce = self._announce(self.devices.changes.announce, directory)
        collector = Collector(settings)
        sparkplug = SparkplugHost(directory, collector, settings)
        children = Children(records, self.devices.device_store, directory, clock, DevicesSettings())
        answers = AttributeAnswers(self.historian, partial(publish, bus))
        self.seen = []
        pipeline = Pipeline(
            bus,
            new_decoder(
                directory, settings, collector, sparkplug, dialects=partial(DialectDecoder, children, collector)
            ),
            self.historian,
            sparkplug,
            clock,
            settings,
            hooks=[("seen", self.seen.append), ("attributes", answers.look)],
        )
        self.access = Access(self.devices.credential_store, self.devices.device_store, self.devices.changes, bus, clock)
        self.parts = [self.historian, answers, pipeline, self.access]
        self.nats = nats

    @staticmethod
    def _announce(announce, directory):
        async def told(device_id):
            directory.drop(device_id)
            await announce(device_id)

        return told

    async def register(self, name, **more):
        device = await self.devices.registry.create(NewDevice(name=name, **more))
        return device, (await self.devices.credentials.issue(device.id, NewCredential())).token

    async def latest(self, device_id):
        await self.historian.flush()
        return {each.property: each.value for each in await self.historian.latest([device_id])}


@pytest.fixture
async def node(tmp_path):
    async with RunningNats(tmp_path / "nats") as nats:
        bus = NatsConnection(nats.url, "test")
        await bus.start()
        records = open_records(tmp_path / "records")
        running = Node(nats, bus, records.scoped(EVERYTHING), tmp_path / "history")
        async with Lifecycle(*running.parts), running_listener(nats.url, door=running.access) as listener:
            running.listener = listener
            yield running
        records.close()
        await bus.stop()


class Client:
    """paho, with what it was sent."""

    def __init__(self, port, username, password=None, client_id="c"):
        self.received, self.left = [], threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id)
        self.client.username_pw_set(username, password)
        self.client.on_message = lambda _c, _u, message: self.received.append(
            (message.topic, json.loads(message.payload))
        )
        self.client.on_disconnect = lambda *_: self.left.set()
        self.connected = threading.Event()
        self.client.on_connect = lambda *_: self.connected.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    async def __aenter__(self):
        assert await asyncio.to_thread(self.connected.wait, 10)
        return self

    async def __aexit__(self, *_):
        self.client.disconnect()
        await asyncio.to_thread(hang_up, self.client)

    async def publish(self, topic, message):
        payload = message if isinstance(message, bytes) else json.dumps(message)
        await asyncio.to_thread(self.client.publish(topic, payload, qos=1).wait_for_publish, 10)

    async def subscribe(self, topic_filter):
        done = threading.Event()
        self.client.on_subscribe = lambda _c, _u, _mid, codes, _p: (setattr(self, "codes", codes), done.set())
        self.client.subscribe(topic_filter, 1)
        assert await asyncio.to_thread(done.wait, 10)
        return self.codes[0].value


async def test_a_thingsboard_gateway_brings_its_devices(node):
    gateway, token = await node.register("gw", kind="gateway")
    async with Client(node.listener.port, token) as client:
        await client.subscribe("v1/gateway/attributes/response")
        await client.subscribe("v1/devices/me/attributes/response/+")
        await client.publish("v1/gateway/connect", {"device": "Meter 1", "type": "meter"})
        await client.publish("v1/gateway/telemetry", {"Meter 1": [{"kwh": 7.5}], "Meter 2": [{"kwh": 9}]})
        await client.publish("v1/gateway/attributes", {"Meter 1": {"firmware": "2.0"}})
        await client.publish("v1/devices/me/attributes", {"site": "north"})
        request = {"id": 4, "device": "Meter 1", "client": True, "key": "firmware"}
        await client.publish("v1/gateway/attributes/request", request)
        await client.publish("v1/devices/me/attributes/request/9", {"clientKeys": "site,none"})

        async def answers():
            return len(client.received) == 2

        await eventually(answers)
        assert sorted(client.received) == [
            ("v1/devices/me/attributes/response/9", {"client": {"site": "north"}}),
            ("v1/gateway/attributes/response", {"id": 4, "device": "Meter 1", "value": "2.0"}),
        ]
    below = {each.name: each.id for each in (await node.devices.page(DeviceQuery(parent_id=gateway.id))).items}
    assert sorted(below) == ["Meter 1", "Meter 2"]
    assert await node.latest(below["Meter 1"]) == {"kwh": 7.5, "firmware": "2.0"}
    assert await node.latest(below["Meter 2"]) == {"kwh": 9.0}
    assert [letter for each in node.seen for letter in each.dead_letters] == []


async def test_an_alibaba_device_is_answered_and_stays_with_its_own(node):
    address = ForeignAddress(dialect="alibaba", product_key="a1Xy", name="pump7")
    device, token = await node.register("pump-7", address=address)
    post = "/sys/a1Xy/pump7/thing/event/property/post"
    async with Client(node.listener.port, "pump7&a1Xy", token, "pump7|securemode=3,signmethod=hmacsha1|") as client:
        assert await client.subscribe(f"{post}_reply") == 1
        assert await client.subscribe("/sys/a1Xy/pump8/#") == 0x80
        message = {"id": "77", "version": "1.0", "params": {"speed": {"value": 3.5, "time": 1_700_000_000_000}}}
        await client.publish(post, message)
        await client.publish(post, b'{"id":"78","params":3}')

        async def answers():
            return len(client.received) == 2

        await eventually(answers)
        assert [(topic, each["id"], each["code"]) for topic, each in client.received] == [
            (f"{post}_reply", "77", 200), (f"{post}_reply", "78", 460),
        ]  # fmt: skip
        assert await node.latest(device.id) == {"speed": 3.5}
        client.client.publish("/sys/a1Xy/pump8/thing/event/property/post", "{}", qos=1)
        assert await asyncio.to_thread(client.left.wait, 10)


async def test_a_jetlinks_device_reports(node):
    address = ForeignAddress(dialect="jetlinks", product_key="prod", name="m1")
    device, token = await node.register("meter", address=address)
    async with Client(node.listener.port, "m1", token, "m1") as client:
        await client.publish("/prod/m1/online", {"timestamp": 1_700_000_000_000})
        report = {"timestamp": 1_700_000_000_000, "properties": {"kwh": 5}}
        await client.publish("/prod/m1/properties/report", report)

        async def stored():
            return await node.latest(device.id) == {"kwh": 5.0}

        await eventually(stored)
