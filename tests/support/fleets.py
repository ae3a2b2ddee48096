"""A node's listener and historian with all that reads dialects and sends commands, and paho as their devices."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import paho.mqtt.client as paho

from millwright.app.pipeline import Pipeline
from millwright.devices import (
    Access,
    DeviceDirectory,
    DevicesService,
    DevicesSettings,
    NewCredential,
    NewDevice,
)
from millwright.devices.commands import AnswerDecoder, CommandsSettings, command_worker
from millwright.devices.dialects import AttributeAnswers, Children, DialectDecoder
from millwright.devices.sparkplug import SparkplugHost, publish
from millwright.devices.telemetry import Collector, TelemetrySettings, new_decoder
from millwright.engines.clickhouse import ChdbEngine, ClickHouseSettings
from millwright.engines.nats import NatsConnection
from millwright.historian import Historian, HistorianSettings
from millwright.kernel import Lifecycle, SystemClock
from millwright.kernel.scope import EVERYTHING
from millwright.ledger import Recorder
from support.mqtt import hang_up, running_listener
from support.nats import RunningNats
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
        self.records, self.bus = records, bus

        async def no_alarms(_device_ids):
            return {}

        recorder = Recorder(bus)
        self.commands = command_worker(
            records, self.historian, sparkplug, recorder, no_alarms, bus, clock, CommandsSettings(),
            lag_s=lambda: pipeline.lag_s(),
        )  # fmt: skip
        pipeline = Pipeline(
            bus,
            new_decoder(
                directory,
                settings,
                collector,
                sparkplug,
                AnswerDecoder(collector),
                partial(DialectDecoder, children, collector),
            ),
            self.historian,
            sparkplug,
            clock,
            settings,
            hooks=[("seen", self.seen.append), ("commands", self.commands.look), ("attributes", answers.look)],
            before_acknowledge=[("commands", self.commands.settle)],
        )
        self.access = Access(self.devices.credential_store, self.devices.device_store, self.devices.changes, bus, clock)
        self.parts = [self.historian, recorder, self.commands, answers, pipeline, self.access]
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


@asynccontextmanager
async def running_node(folder: Path) -> AsyncIterator[Node]:
    """A broker, a listener and what reads, with records in ``folder``."""
    async with RunningNats(folder / "nats") as nats:
        bus = NatsConnection(nats.url, "test")
        await bus.start()
        records = open_records(folder / "records")
        running = Node(nats, bus, records.scoped(EVERYTHING), folder / "history")
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
