"""Requests for births (Sparkplug 3.0, "Node Control/Rebirth") reach edge nodes that connect at an edge.

What the parent asks an edge node for goes to its own listener like everything; where the node connects at an edge the
request goes down too. Nothing but such a request does: commands have a way of their own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec

from millwright.devices.edge.down.asking import ask_edge
from millwright.devices.edge.down.records import EdgeRecords
from millwright.devices.edge.down.wire import REBIRTH
from millwright.devices.sparkplug.topics import command_topic
from millwright.engines.nats import NatsConnection
from millwright.kernel import Bus, Clock, Invalid, MillwrightError, Unsubscribe

logger = logging.getLogger(__name__)

_ASK_S: Final = 3.0
_MOST: Final = 100


class NodeAddress(msgspec.Struct, frozen=True):
    """An edge node of Sparkplug."""

    group_id: str
    edge_node_id: str


def address_of(topic: str) -> NodeAddress | None:
    """The edge node that a command topic is about; ``None`` for other topics."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[2] != "NCMD" or topic != command_topic(parts[1], parts[3]):
        return None
    return NodeAddress(parts[1], parts[3])


class RebirthRelay:
    """At the parent: passes requests on, in the background. A :class:`millwright.kernel.Part`."""

    def __init__(self, records: EdgeRecords, bus: Bus) -> None:
        self._records, self._bus = records, bus
        self._unsubscribe: Unsubscribe | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to listen."""
        from millwright.devices.mqtt import OUT_SUBJECT

        self._unsubscribe = await self._bus.subscribe(OUT_SUBJECT, self._on_out)

    async def stop(self) -> None:
        """Pass on no more."""
        if self._unsubscribe is not None:
            await self._unsubscribe()
            self._unsubscribe = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on_out(self, _subject: str, payload: bytes) -> None:
        from millwright.devices.mqtt import OutMessage

        try:
            node = address_of(msgspec.msgpack.decode(payload, type=OutMessage).topic)
        except msgspec.MsgspecError:
            return
        if node is None or len(self._tasks) >= _MOST:  # who is not asked now is asked at its next message
            return
        task = asyncio.create_task(self._pass_on(node))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, node: NodeAddress) -> None:
        try:
            edge_id = await asyncio.to_thread(self._records.find_edge_of, node.group_id, node.edge_node_id)
            if edge_id is not None:
                await ask_edge(self._bus, edge_id, REBIRTH, msgspec.msgpack.encode(node), _ASK_S)
        except MillwrightError as error:
            logger.info("%s/%s was not asked for its births: %s", node.group_id, node.edge_node_id, error.message)


class RebirthDesk:
    """At the edge: asks the edge node. A :class:`millwright.kernel.Part`."""

    def __init__(self, nats: NatsConnection, clock: Clock) -> None:
        self._nats, self._clock = nats, clock
        self._node = msgspec.msgpack.Decoder(NodeAddress)
        self._served: Unsubscribe | None = None

    async def start(self) -> None:
        """Begin to answer."""
        self._served = await self._nats.serve(f"down.{REBIRTH}", self._answer)

    async def stop(self) -> None:
        """Answer no more."""
        if self._served is not None:
            await self._served()
            self._served = None

    async def _answer(self, payload: bytes) -> bytes:
        # A small machine pays for Sparkplug and the listener's room when there is such a node.
        from millwright.devices.mqtt import OUT_SUBJECT, OutMessage
        from millwright.devices.sparkplug import rebirth_request

        try:
            node = self._node.decode(payload)
            topic = command_topic(node.group_id, node.edge_node_id)
            if address_of(topic) != node or any(sign in topic for sign in "+#\0"):
                raise ValueError("it names no edge node")
        except ValueError as error:
            raise Invalid(
                f"The request for births cannot be read: {error}",
                code="devices.edge_message_invalid",
                hint="Let the edge run the same version as its parent.",
            ) from error
        message = OutMessage(topic, rebirth_request(self._clock.now_ms()))
        await self._nats.publish(OUT_SUBJECT, msgspec.msgpack.encode(message))
        return b""
