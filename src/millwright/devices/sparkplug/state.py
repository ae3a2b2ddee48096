"""The host application's own state: ``spBv1.0/STATE/<host id>``, retained (Sparkplug 3.0, section 6.4.26).

Our listener is the MQTT server, so the message goes to it over the bus: at start, whenever a listener appears (it may
have lost what it retained), and as offline at a clean stop.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from millwright.devices.sparkplug.topics import state_topic
from millwright.devices.telemetry import Outgoing
from millwright.kernel import Bus, Clock, MillwrightError, Unsubscribe

SUBJECT: Final = "mqtt.out"


async def publish(bus: Bus, message: Outgoing) -> None:
    """Hand an MQTT message to the listeners. Raises ``Unavailable``."""
    document = {
        "topic": message.topic,
        "payload": message.payload,
        "qos": message.qos,
        "retain": message.retain,
    }
    await bus.publish(SUBJECT, msgspec.msgpack.encode(document))


class HostState:
    """Says that this host application is online, and at the end that it is not."""

    def __init__(self, bus: Bus, clock: Clock, host_id: str = "millwright") -> None:
        self._bus, self._clock, self._host_id = bus, clock, host_id
        self._since_ms = 0
        self._listeners: dict[str, int] = {}
        self._unsubscribe: Unsubscribe | None = None

    async def start(self) -> None:
        """Go online."""
        self._since_ms = self._clock.now_ms()
        self._unsubscribe = await self._bus.subscribe("presence.*", self._on_presence)
        await self._say(True)

    async def stop(self) -> None:
        """Go offline."""
        if self._unsubscribe is None:
            return
        await self._unsubscribe()
        self._unsubscribe = None
        try:
            await self._say(False)
        except MillwrightError:
            return  # the broker is gone already: nobody is left to be told

    async def _on_presence(self, subject: str, payload: bytes) -> None:
        if not payload:
            return  # `presence.ask`, which is a question
        message: dict[str, Any] = msgspec.msgpack.decode(payload)
        listener, sequence = str(message.get("listener", subject)), int(message.get("sequence", 0))
        known = self._listeners.get(listener)
        self._listeners[listener] = sequence
        if known is None or sequence < known:
            await self._say(True)

    async def _say(self, online: bool) -> None:
        document = msgspec.json.encode({"online": online, "timestamp": self._since_ms})
        await publish(self._bus, Outgoing(state_topic(self._host_id), document, qos=1, retain=True))
