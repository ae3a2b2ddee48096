"""Devices that take commands: paho clients in our own dialect, in ThingsBoard's, and a small Sparkplug edge node."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import paho.mqtt.client as paho

from millwright.devices.sparkplug import DataType, Payload
from support.mqtt import hang_up

MODEL = {
    "name": "pump",
    "properties": [
        {"name": "setpoint", "unit": "kPa", "minimum": 0, "maximum": 100, "writable": True},
        {"name": "mode", "type": "string", "writable": True},
        {"name": "count", "type": "integer", "writable": True},
        {"name": "speed", "unit": "Hz"},
    ],
    "services": [
        {
            "name": "restart",
            "inputs": [{"name": "delay_s", "type": "integer", "minimum": 0, "maximum": 60}],
            "outputs": [{"name": "done", "type": "boolean"}],
        }
    ],
}

OWN = "millwright/v1/commands/request"


class Device:
    """A client that keeps what it was asked, and answers by ``answer(client, topic, document)`` if there is one."""

    def __init__(self, port: int, token: str, answer: Callable[[Device, str, Any], None] | None = None) -> None:
        self.got: list[tuple[str, Any]] = []
        self._port, self._token, self._answer = port, token, answer
        self._client: paho.Client | None = None
        self._ready = threading.Event()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def join(self, *filters: str, wait: bool = True) -> Device:
        """Connect and subscribe; ``wait`` until the node has it."""
        client = self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        client.username_pw_set(self._token)
        client.on_message = self._on_message
        client.on_connect = lambda *_: client.subscribe([(each, 1) for each in filters])
        client.on_subscribe = lambda *_: self._ready.set()
        self._ready.clear()
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        if wait:
            assert self._ready.wait(20), "the device did not get in"
        return self

    def leave(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.disconnect()
            hang_up(self._client)
            self._client = None

    def say(self, topic: str, document: Any) -> None:
        """Publish, and return when it is acknowledged if that may be waited for here."""
        assert self._client is not None
        payload = document if isinstance(document, bytes) else json.dumps(document).encode()
        self._client.publish(topic, payload, qos=1)

    def values(self, **values: Any) -> None:
        """Send readings."""
        self.say("millwright/v1/telemetry", values)

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        document = json.loads(message.payload)
        self.got.append((message.topic, document))
        if self._answer is not None:
            self._answer(self, message.topic, document)


def obey(device: Device, _topic: str, document: Any) -> None:
    """Our dialect: do it and say so."""
    answer = {"id": document["id"], "status": "ok"}
    if document["kind"] == "write":
        answer["value"] = document["value"]
    else:
        answer["outputs"] = {"done": True}
    device.say("millwright/v1/commands/response", answer)


class Edge(Device):
    """A Sparkplug edge node ``plant/edge1`` with the device ``mixer``; applies commands and tells it by data."""

    def __init__(self, port: int, token: str, *, alias: int | None = 7, obeys: bool = True) -> None:
        super().__init__(port, token)
        self.commands: list[tuple[str, Any]] = []
        self._alias, self._obeys, self._seq = alias, obeys, 0

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        payload = Payload.FromString(message.payload)
        for metric in payload.metrics:
            if metric.name == "Node Control/Rebirth":
                self.birth()
                continue
            self.commands.append((message.topic, metric))
            if self._obeys:
                self.data(metric)

    def birth(self) -> None:
        """NBIRTH and DBIRTH."""
        now = round(time.time() * 1000)
        node = Payload(timestamp=now, seq=0)
        node.metrics.add(name="bdSeq", timestamp=now, datatype=DataType.INT64, long_value=0)
        node.metrics.add(name="rate", timestamp=now, datatype=DataType.FLOAT, float_value=1.0)
        self.say("spBv1.0/plant/NBIRTH/edge1", node.SerializeToString())
        born = Payload(timestamp=now, seq=1)
        metric = born.metrics.add(name="setpoint", timestamp=now, datatype=DataType.INT16, int_value=1)
        if self._alias is not None:
            metric.alias = self._alias
        self.say("spBv1.0/plant/DBIRTH/edge1/mixer", born.SerializeToString())
        self._seq = 2

    def data(self, metric: Any) -> None:
        """DDATA with what was asked for."""
        data = Payload(timestamp=round(time.time() * 1000), seq=self._seq)
        self._seq = (self._seq + 1) % 256
        added = data.metrics.add()
        added.CopyFrom(metric)
        self.say("spBv1.0/plant/DDATA/edge1/mixer", data.SerializeToString())


def registered(api: httpx.Client, name: str, model_id: str, **more: Any) -> tuple[str, str]:
    """A device with the model: its id and a token."""
    made = api.post("/devices", json={"name": name, "model_id": model_id, **more})
    assert made.status_code == 201, made.text
    device_id = made.json()["id"]
    issued = api.post(f"/devices/{device_id}/credentials", json={})
    assert issued.status_code == 201, issued.text
    return device_id, issued.json()["token"]


def ask(api: httpx.Client, device_id: str, **asked: Any) -> dict[str, Any]:
    """Write or call; the command as it was asked."""
    how = "write" if "property" in asked else "call"
    answer = api.post(f"/devices/{device_id}/commands/{how}", json=asked)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def end_of(api: httpx.Client, command: dict[str, Any]) -> dict[str, Any]:
    """The command when it has ended."""
    for _ in range(3):
        answer = api.get(f"/commands/{command['id']}", params={"wait_s": 15})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        if found["ended_ms"] is not None:
            return found
    raise AssertionError(f"it does not end: {found}")
