"""What other processes ask of the host, over the bus: one subject for each node, one message for each question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from millwright.devices.connectors.contract import NodePage, Value
from millwright.devices.connectors.errors import not_running
from millwright.devices.connectors.model import ConnectionHealth, FoundPeer, LiveValue, ReadValue, Tested
from millwright.kernel import Bus, MillwrightError, Unavailable, new_id

CHANGED: Final = "events.connectors.changed"
"""Told after a connection or a point changed; whoever missed it finds out by the counter within two seconds."""
_WAKE_S: Final = 20.0
_AGAIN_S: Final = 0.25

Operation = Literal[
    "test", "browse", "read", "write", "call", "history", "discover", "health", "live", "stop", "receive"
]

T = TypeVar("T")


class Ask(Struct, kw_only=True):
    """A question. ``settings`` with ``kind``: of a peer that is no connection; else ``connection_id`` says which.

    ``sealed``: secret settings that only the edge which is asked can open. ``connection_ids``: of health, whose;
    everybody's without. ``delivery_id``: of a document, taken once by it; ``received_ms``: when it first came.
    """

    op: Operation
    connection_id: str | None = None
    kind: str | None = None
    settings: Mapping[str, Any] | None = None
    sealed: Mapping[str, str] = {}
    connection_ids: Sequence[str] | None = None
    parent: str | None = None
    cursor: str | None = None
    addresses: Sequence[str] = ()
    address: str = ""
    value: Value = None
    inputs: Mapping[str, Value] = {}
    begin_ms: int = 0
    end_ms: int = 0
    limit: int = 10_000
    timeout_s: float = 10.0
    body: bytes = b""
    content_type: str = ""
    delivery_id: str = ""
    received_ms: int | None = None


def subject_of(node: str) -> str:
    """Where the host of a node is asked."""
    return f"connectors.do.{node}"


class HostClient:
    """Asks the host. ``wake`` has it started when it is not there: then a question waits for it a while."""

    def __init__(
        self, bus: Bus, node: str, wake: Callable[[], Awaitable[None]] | None = None, *, patience_s: float = _WAKE_S
    ) -> None:
        self._bus, self._subject, self._wake, self._patience_s = bus, subject_of(node), wake, patience_s

    async def test(self, draft: Ask) -> Tested:
        """Connect and ask who is there. Raises what the connector raised."""
        return await self._ask(draft, Tested, timeout_s=90.0)

    async def browse(self, draft: Ask) -> NodePage:
        """A page of what is below a node."""
        return await self._ask(draft, NodePage, timeout_s=60.0)

    async def read(self, draft: Ask) -> list[ReadValue]:
        """Values now."""
        return await self._ask(draft, list[ReadValue], timeout_s=60.0)

    async def discover(self, kind: str, timeout_s: float, at: str = "") -> list[FoundPeer]:
        """Peers on the local network, or at the addresses ``at``."""
        asked = Ask(op="discover", kind=kind, timeout_s=timeout_s, address=at)
        return await self._ask(asked, list[FoundPeer], timeout_s=timeout_s + 10.0)

    async def write(self, connection_id: str, address: str, value: Value, timeout_s: float) -> None:
        """Set a value; returns when the other side confirmed it."""
        asked = Ask(op="write", connection_id=connection_id, address=address, value=value, timeout_s=timeout_s)
        await self._ask(asked, type(None), timeout_s=timeout_s + 5.0)

    async def call(
        self, connection_id: str, address: str, inputs: Mapping[str, Value], timeout_s: float
    ) -> dict[str, Any]:
        """Call a method; returns its outputs."""
        asked = Ask(op="call", connection_id=connection_id, address=address, inputs=inputs, timeout_s=timeout_s)
        return await self._ask(asked, dict[str, Any], timeout_s=timeout_s + 5.0)

    async def receive(
        self,
        connection_id: str,
        body: bytes,
        content_type: str,
        timeout_s: float,
        delivery_id: str | None = None,
        received_ms: int | None = None,
    ) -> int:
        """Hand over a document that was sent for a connection; returns how many values it gave, when they are durable.

        The host takes it once by its ``delivery_id``; one without is known for as long as it is asked here. With the
        same ``received_ms`` it is stored once also by a host that died in between.

        Raises ``Unavailable`` while the connection does not run, ``Invalid`` when the document cannot be read.
        """
        asked = Ask(
            op="receive",
            connection_id=connection_id,
            body=body,
            content_type=content_type,
            timeout_s=timeout_s,
            delivery_id=delivery_id or new_id("whd"),
            received_ms=received_ms,
        )
        return await self._ask(asked, int, timeout_s=timeout_s + 5.0)

    async def health(self, connection_ids: Sequence[str] | None = None) -> list[ConnectionHealth]:
        """How connections do; empty while the host is away."""
        asked = Ask(op="health", connection_ids=connection_ids)
        try:
            return await self._request(asked, list[ConnectionHealth], 3.0)
        except Unavailable:
            return []

    async def live(self, connection_id: str) -> list[LiveValue]:
        """The newest values of a connection's points; empty while it does not run."""
        try:
            return await self._request(Ask(op="live", connection_id=connection_id), list[LiveValue], 3.0)
        except Unavailable:
            return []

    async def _ask(self, asked: Ask, kind: type[T], *, timeout_s: float) -> T:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        while True:
            if self._wake is not None:
                await self._wake()  # each time: what is wanted for a moment only must not be over before it has begun
            began = loop.time()
            try:
                return await self._request(asked, kind, timeout_s)
            except Unavailable as error:
                if error.code != "engines.nats_unavailable":
                    raise
                # Nobody serves it yet: it is being started. One that took the question and is silent is another matter.
                if loop.time() > deadline or loop.time() - began > 2.0:
                    raise not_running() from error
            await asyncio.sleep(_AGAIN_S)

    async def _request(self, asked: Ask, kind: type[T], timeout_s: float) -> T:
        reply = await self._bus.request(self._subject, msgspec.msgpack.encode(asked), timeout_s=timeout_s)
        return msgspec.msgpack.decode(reply, type=kind)


async def announce(bus: Bus) -> None:
    """Tell that something changed. Never raises: the counter tells it too."""
    try:
        await bus.publish(CHANGED, b"")
    except MillwrightError:
        return
