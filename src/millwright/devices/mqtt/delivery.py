"""Messages for one connected device, with an answer whether its connection took them.

Two questions over the bus. ``mqtt.find``: which of these devices is connected here and subscribed to which of these
topics (every listener hears it; those that find some publish :class:`Found` on ``mqtt.found``).
``mqtt.deliver.<listener id>``: send this to the device, to one of its connections, with QoS 0, now or not at all. A
listener remembers what it sent, so a question that is asked again is answered and not done again.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Final, Literal, Protocol

import msgspec

from millwright.kernel import Bus, MillwrightError, Unsubscribe, new_id

logger = logging.getLogger(__name__)

FIND: Final = "mqtt.find"
FOUND: Final = "mqtt.found"
_MOST_REMEMBERED: Final = 20_000


def subject_of(listener_id: str) -> str:
    """Where a listener is asked to deliver."""
    return f"mqtt.deliver.{listener_id}"


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """Whether a device is there and subscribed to one of ``topics``, which are in order of preference."""

    key: str
    device_id: str
    topics: list[str]


class Found(msgspec.Struct, frozen=True, array_like=True):
    """A listener's answer: for each key the number of the first topic that the device listens on.

    ``boot`` names the life of the listener's process: what an earlier life sent, it does not know.
    """

    listener: str
    boot: str
    choices: dict[str, int]


class Deliver(msgspec.Struct, frozen=True, array_like=True):
    """Send ``payload`` once under the name ``attempt``; ``None``: only say what became of the attempt."""

    attempt: str
    boot: str
    device_id: str
    topic: str
    payload: bytes | None


class Delivered(msgspec.Struct, frozen=True, array_like=True):
    """``taken``: a connection has it. ``absent``: certainly not sent. ``unknown``: it was asked of an earlier life."""

    result: Literal["taken", "absent", "unknown"]


class Ways(Protocol):
    """Who knows which devices are connected; the listener's ``Exchange`` is one."""

    def find_connected(self, device_id: str, topic: str) -> object | None:
        """Something when the device is connected now and listens on ``topic``."""
        ...

    def send_once(self, device_id: str, topic: str, payload: bytes) -> bool:
        """Send a message to one connection of the device, with QoS 0; whether it took it."""
        ...


class DeliveryDesk:
    """Answers both questions for one listener. A :class:`millwright.kernel.Part`."""

    def __init__(self, exchange: Ways, bus: Bus, listener_id: str) -> None:
        self._exchange, self._bus, self._listener_id = exchange, bus, listener_id
        self._boot = new_id("boot")
        self._done: OrderedDict[str, Delivered] = OrderedDict()
        self._unsubscribe: list[Unsubscribe] = []

    async def start(self) -> None:
        """Listen."""
        self._unsubscribe = [
            await self._bus.subscribe(FIND, self._on_find),
            await self._bus.serve(subject_of(self._listener_id), self._on_deliver),
        ]

    async def stop(self) -> None:
        """Listen no more."""
        for unsubscribe in self._unsubscribe:
            await unsubscribe()
        self._unsubscribe = []

    async def _on_find(self, _subject: str, payload: bytes) -> None:
        try:
            asks = msgspec.msgpack.decode(payload, type=list[Ask])
        except msgspec.DecodeError as error:
            logger.debug("a question on %s cannot be read: %s", FIND, error)
            return
        choices = {ask.key: choice for ask in asks if (choice := self._choose(ask)) is not None}
        if not choices:
            return
        try:
            await self._bus.publish(FOUND, msgspec.msgpack.encode(Found(self._listener_id, self._boot, choices)))
        except MillwrightError as error:
            logger.debug("what was found was not told: %s", error.message)

    def _choose(self, ask: Ask) -> int | None:
        find = self._exchange.find_connected
        return next((n for n, topic in enumerate(ask.topics) if find(ask.device_id, topic) is not None), None)

    async def _on_deliver(self, payload: bytes) -> bytes:
        return msgspec.msgpack.encode(self.deliver(msgspec.msgpack.decode(payload, type=Deliver)))

    def deliver(self, request: Deliver) -> Delivered:
        """Send it, or say what became of it. Sends nothing for the second time."""
        known = self._done.get(request.attempt)
        if known is not None:
            return known
        if request.boot != self._boot:
            return Delivered("unknown")
        if request.payload is None:  # nothing of this name came, and from now on nothing will
            return self._remember(request.attempt, Delivered("absent"))
        taken = self._exchange.send_once(request.device_id, request.topic, request.payload)
        return self._remember(request.attempt, Delivered("taken" if taken else "absent"))

    def _remember(self, attempt: str, answer: Delivered) -> Delivered:
        self._done[attempt] = answer
        if len(self._done) > _MOST_REMEMBERED:
            self._done.popitem(last=False)
        return answer
