"""The parent's way to an edge: who wants something of one asks here, and is told at once when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from millwright.devices.connectors.model import ConnectionHealth
from millwright.devices.connectors.rpc import CHANGED as CONNECTORS_CHANGED
from millwright.devices.connectors.rpc import Ask, HostClient
from millwright.devices.edge.down.records import EdgeRecords
from millwright.devices.edge.down.wire import ASK, FIELD, AskEdge, FieldQuestion
from millwright.devices.edge.receiver import EdgeReceiver
from millwright.devices.edge.sealing import purpose_at, seal
from millwright.kernel import Bus, Unavailable, Unsubscribe, Unsupported, current_scope

T = TypeVar("T")

_NOBODY: Final = "engines.nats_unavailable"
_MARGIN_S: Final = 2.0


def edge_away(why: str) -> Unavailable:
    """The edge does not answer."""
    return Unavailable(
        f"The edge does not answer: {why}",
        code="devices.edge_away",
        hint="Look at the edge's link on the page Edges. It goes on by itself, and can be asked when the link is back.",
        retry_after_s=5.0,
    )


class EdgeRelay:
    """In the role that has the links. A :class:`millwright.kernel.Part`."""

    def __init__(self, receiver: EdgeReceiver, bus: Bus) -> None:
        self._receiver, self._bus = receiver, bus
        self._ask = msgspec.msgpack.Decoder(AskEdge)
        self._served: list[Unsubscribe] = []

    async def start(self) -> None:
        """Begin to pass questions on; connections that change are told to the edges."""
        self._served = [
            await self._bus.serve(ASK, self._pass_on),
            await self._bus.subscribe(CONNECTORS_CHANGED, self._on_changed),
        ]

    async def stop(self) -> None:
        """Pass on no more."""
        while self._served:
            await self._served.pop()()

    async def _pass_on(self, payload: bytes) -> bytes:
        asked = self._ask.decode(payload)
        account = self._receiver.account_of(asked.edge_id)
        if account is None:
            raise edge_away("its link is cut.")
        try:
            return await account.request(f"down.{asked.what}", asked.body, timeout_s=asked.timeout_s)
        except Unavailable as error:
            if error.code != _NOBODY:
                raise
            raise edge_away(f"nothing came within {asked.timeout_s:g} s, or it runs an older version.") from error

    async def _on_changed(self, _subject: str, _payload: bytes) -> None:
        await self._receiver.nudge()


async def ask_edge(bus: Bus, edge_id: str, what: str, body: bytes, timeout_s: float) -> bytes:
    """Ask an edge, from any process of the parent. Raises ``Unavailable`` (``devices.edge_away``), or what the edge
    raised."""
    asked = msgspec.msgpack.encode(AskEdge(edge_id, what, body, timeout_s))
    try:
        return await bus.request(ASK, asked, timeout_s=timeout_s + _MARGIN_S)
    except Unavailable as error:
        if error.code != _NOBODY:
            raise
        raise edge_away("the role edges does not run here.") from error


class EdgeHostClient(HostClient):
    """Asks the host of an edge, through the link."""

    def __init__(self, bus: Bus, edge_id: str) -> None:
        super().__init__(bus, edge_id)
        self._edge_id = edge_id

    async def health(self, connection_ids: Any = None) -> list[ConnectionHealth]:  # noqa: ARG002 - the edge tells by itself
        """Nothing: how connections at an edge do is in the records."""
        return []

    async def _ask(self, asked: Ask, kind: type[T], *, timeout_s: float) -> T:
        return await self._request(asked, kind, timeout_s)

    async def _request(self, asked: Ask, kind: type[T], timeout_s: float) -> T:
        question = msgspec.msgpack.encode(FieldQuestion(asked, current_scope().home or ""))
        return msgspec.msgpack.decode(await ask_edge(self._bus, self._edge_id, FIELD, question, timeout_s), type=kind)


class EdgePlacements:
    """Implements the port of connections of the name ``EdgePlacement``; ``records`` are those of the request."""

    def __init__(self, records: EdgeRecords, bus: Bus) -> None:
        self._records, self._bus = records, bus

    async def host(self, edge_id: str) -> HostClient:
        """Who answers there. Raises ``NotFound``, ``Conflict`` (``devices.edge_revoked``)."""
        await asyncio.to_thread(self._records.need, edge_id)
        return EdgeHostClient(self._bus, edge_id)

    def seal(self, edge_id: str, connection_id: str | None, secrets: Mapping[str, Any]) -> dict[str, str]:
        """Each secret for the edge alone. Raises ``NotFound``, ``Unsupported`` (``devices.edge_seal_missing``)."""
        key = self._records.need(edge_id)
        if key is None:
            raise Unsupported(
                "Nothing can be sealed for this edge: it has not joined yet, or joined with an older version.",
                code="devices.edge_seal_missing",
                hint="Let it join with a new code (Edges, New code): `millwright edge join --again …`.",
                detail={"id": edge_id},
            )
        return {
            name: seal(key, msgspec.json.encode(value), purpose_at(edge_id, connection_id, name))
            for name, value in secrets.items()
        }
