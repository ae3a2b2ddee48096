"""A device that counts: sends numbered messages with QoS 1 and knows which were acknowledged."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from support.mqtt import hang_up

TOPIC = "millwright/v1/telemetry"


class CountingDevice:
    """Sends ``{"ts": …, "values": {"n": k}}`` for k = 0, 1, 2 … as fast as ``rate`` allows, until stopped.

    What is unacknowledged at a broken connection is sent again by paho, with DUP set, when it is back.
    """

    def __init__(self, port: int, token: str, client_id: str, rate: float = 400.0) -> None:
        self.times: dict[int, int] = {}
        self._rate = rate
        self._by_mid: dict[int, int] = {}
        self._acknowledged: set[int] = set()
        self._stop = threading.Event()
        self._connected = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.username_pw_set(token, "")
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(100)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.connect_async("127.0.0.1", port, keepalive=10)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> CountingDevice:
        self._client.loop_start()
        assert self._connected.wait(10), "the device could not connect"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._client.disconnect()
        hang_up(self._client)

    def finish(self, timeout_s: float = 40) -> None:
        """Stop sending and wait until everything sent is acknowledged."""
        self._stop.set()
        self._thread.join(10)
        deadline = time.monotonic() + timeout_s
        while len(self.acknowledged) < len(self.times):
            missing = len(self.times) - len(self.acknowledged)
            assert time.monotonic() < deadline, f"{missing} of {len(self.times)} messages were never acknowledged"
            time.sleep(0.05)

    @property
    def acknowledged(self) -> set[int]:
        """The numbers for which a PUBACK came."""
        return {number for mid, number in list(self._by_mid.items()) if mid in self._acknowledged}

    def _run(self) -> None:
        began, number = time.monotonic(), 0
        base_ms = time.time_ns() // 1_000_000
        while not self._stop.is_set() and number < 60_000:  # packet ids are 16 bits: each means one message here
            time_ms = base_ms + number  # one source time for each number: a doubled message would be one reading
            payload = json.dumps({"ts": time_ms, "values": {"n": number}})
            sent = self._client.publish(TOPIC, payload, qos=1)
            self._by_mid[sent.mid] = number
            self.times[number] = time_ms
            number += 1
            ahead = number / self._rate - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        self._acknowledged.add(mid)
