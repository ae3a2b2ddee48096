"""A device's MQTT connection: paho-mqtt in its own thread, reconnecting for ever, keeping what was not acknowledged."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

logger = logging.getLogger(__name__)

_WAITING = 200  # messages handed to the client and not yet acknowledged, before the sender waits


@dataclass(frozen=True, slots=True)
class Address:
    """Where the node listens for devices."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Address:
        """``mqtt://host:port`` or ``mqtts://host:port``. Raises ``ValueError``."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError(f"{url!r} is not an address such as mqtt://127.0.0.1:1883")
        tls = parts.scheme == "mqtts"
        return cls(parts.hostname, parts.port or (8883 if tls else 1883), tls)


class Connection:
    """One signed-in device.

    A QoS 1 message stays in the client's queue until the node acknowledged it, also across reconnects; the session is
    persistent on both sides. ``on_connect`` is called in paho's thread at every connect, ``on_message`` with topic
    and payload.
    """

    def __init__(
        self,
        address: Address,
        name: str,
        token: str,
        *,
        on_connect: Callable[[], None] | None = None,
        on_message: Callable[[str, bytes], None] | None = None,
        clean: bool = False,
    ) -> None:
        self.name = name
        self.connected = threading.Event()
        self._address = address
        self._on_connect = on_connect
        self._on_message = on_message
        self._said_lost = False
        self._stopped = threading.Event()
        self._renewing: threading.Thread | None = None
        self._sent: deque[mqtt.MQTTMessageInfo] = deque()
        self._token, self._clean = token, clean
        self._will: tuple[str, bytes] | None = None
        self.client = self._new_client()

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.name, clean_session=self._clean, protocol=mqtt.MQTTv311
        )
        client.username_pw_set(self._token, "")
        if self._address.tls:
            client.tls_set()
        if self._will:
            client.will_set(*self._will, qos=1)
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(50)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        return client

    def set_will(self, topic: str, payload: bytes) -> None:
        """What the broker says when this device is gone, from the next connect on."""
        self._will = (topic, payload)
        self.client.will_set(topic, payload, qos=1)

    def start(self) -> None:
        """Connect in the background."""
        self.client.connect_async(self._address.host, self._address.port, keepalive=20)
        self.client.loop_start()

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Queue a message; waits while many are unacknowledged, so that a backfill does not fill the memory.

        Once the connection is stopped nothing is waited for and nothing queued.
        """
        while qos and self._waiting() > _WAITING and not self._stopped.wait(0.01):
            pass
        if self._stopped.is_set():
            return
        sent = self.client.publish(topic, payload, qos=qos)
        if qos:
            if sent.rc == mqtt.MQTT_ERR_NO_CONN:
                # paho keeps it and sends it at the next connect, yet would raise when asked whether it was published.
                sent.rc = mqtt.MQTT_ERR_SUCCESS
            self._sent.append(sent)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything queued was acknowledged; returns whether it was."""
        deadline = time.monotonic() + timeout_s
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._waiting()

    def renew(self) -> None:
        """Send what is queued, sign off and sign on again, in the background: callbacks may ask for it."""
        self._renewing = threading.Thread(target=self._renew, name=f"{self.name} signs on again", daemon=True)
        self._renewing.start()

    def _renew(self) -> None:
        self.drain(3.0)
        self._end()
        if not self._stopped.is_set():
            self.client = self._new_client()
            self.start()

    def _end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.client.reinitialise()  # closes the sockets that wake its thread

    def stop(self) -> None:
        """Send what is queued, sign off and end the thread."""
        if self._renewing is not None:
            self._renewing.join(10.0)
        self.drain(3.0)
        self._stopped.set()
        self._end()

    def _waiting(self) -> int:
        """Messages not yet acknowledged."""
        while self._sent and self._sent[0].is_published():
            self._sent.popleft()
        return len(self._sent)

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        del client
        if code.is_failure:
            logger.error("%s is refused: %s", self.name, code)
            return
        self._said_lost = False
        logger.info("%s is connected", self.name)
        if self._on_connect is not None:
            self._on_connect()
        self.connected.set()

    def _disconnected(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        del client
        self.connected.clear()
        if code.is_failure and not self._said_lost:
            self._said_lost = True
            logger.warning("%s lost its connection (%s); trying again until it is back", self.name, code)

    def _received(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message.topic, bytes(message.payload))
