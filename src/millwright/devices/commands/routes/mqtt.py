"""Commands as MQTT messages to a connected device, through the listener that has its connection.

Listeners are asked who of the devices is there and subscribed (``mqtt.find``); the one that says so is asked to send
(``mqtt.deliver.<listener>``), and says whether a connection took it. Messages go with QoS 0, so that none is repeated
later by MQTT itself, when an interlock may forbid it: repeating is decided here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from millwright.devices.commands.foreign import carrier_of, message, ways
from millwright.devices.commands.model import Outcome
from millwright.devices.commands.routes.contract import Delivery, Reach
from millwright.devices.commands.store import Addressed
from millwright.devices.commands.wire import Dialect
from millwright.devices.mqtt.delivery import Ask, Deliver, Delivered, subject_of
from millwright.kernel import Bus, Clock, MillwrightError

DELIVER_S: Final = 3.0


def ask_of(each: Addressed) -> Ask | None:
    """What listeners are asked about the command's device, or its gateway; ``None`` when no dialect carries it."""
    topics = [topic for _, topic in ways(each)]
    return Ask(each.command.id, carrier_of(each), topics) if topics else None


def reach_of(each: Addressed, listener: str, boot: str, choice: int) -> Reach | None:
    """The way that a listener has found; ``None`` for one that is not among those asked about."""
    known = ways(each)
    if not 0 <= choice < len(known):
        return None
    dialect, topic = known[choice]
    token = {"listener": listener, "boot": boot, "topic": topic, "as": dialect, "carrier": carrier_of(each)}
    return Reach(route=f"mqtt_{dialect}", token=token)


async def deliver(bus: Bus, device_id: str, attempt_id: str, reach: Reach, payload: bytes | None) -> Delivery:
    """Have a listener send (``payload`` ``None``: only say what became of the attempt)."""
    token = reach.token
    request = Deliver(attempt_id, token["boot"], device_id, token["topic"], payload)
    body = msgspec.msgpack.encode(request)
    answer: Delivered | None = None
    for _ in range(2):  # the second time is answered from what the listener remembers
        try:
            raw = await bus.request(subject_of(token["listener"]), body, timeout_s=DELIVER_S)
            answer = msgspec.msgpack.decode(raw, type=Delivered)
            break
        except (MillwrightError, msgspec.DecodeError):
            continue
    if answer is None or answer.result == "unknown":
        text = "The process that has the device's connection did not say whether the command left."
        return Delivery(status="unknown", outcome=Outcome(code="commands.not_known", text=text))
    if answer.result == "taken":
        return Delivery(status="sent")
    return Delivery(status="not_sent")


class MqttRoute:
    """Our own dialect, ThingsBoard's, or that of the platform a device comes from: whichever is subscribed to."""

    name = "mqtt"

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock

    def idempotent(self, each: Addressed) -> bool:
        """A write is, a call is not."""
        return each.command.kind == "write"

    async def deliver(self, each: Addressed, reach: Reach) -> Delivery:
        """Send it on the topic that the device is subscribed to."""
        command = each.command
        dialect: Dialect = reach.token["as"]
        attempt_id = f"{command.id}.{command.attempts}"
        carrier_id = reach.token.get("carrier", command.device_id)
        try:
            payload = message(each, dialect, self._clock.now_ms())
        except ValueError as why:
            text = f"The device's protocol cannot carry it: {why}."
            return Delivery(status="failed", outcome=Outcome(code="commands.not_carried", text=text))
        return await deliver(self._bus, carrier_id, attempt_id, reach, payload)

    async def recall(self, each: Addressed, reach: Reach) -> Delivery:
        """Ask the listener, which remembers what it sent as long as its process lives."""
        command, carrier_id = each.command, reach.token.get("carrier", each.command.device_id)
        return await deliver(self._bus, carrier_id, f"{command.id}.{command.attempts}", reach, None)
