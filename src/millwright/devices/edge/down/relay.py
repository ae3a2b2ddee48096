"""The parent's way to an edge: who wants something of one asks here, and is told at once when it is away."""

from __future__ import annotations

import msgspec

from millwright.devices.connectors.rpc import CHANGED as CONNECTORS_CHANGED
from millwright.devices.edge.down.asking import NOBODY, edge_away
from millwright.devices.edge.down.wire import ASK, AskEdge
from millwright.devices.edge.receiver import EdgeReceiver
from millwright.kernel import Bus, Unavailable, Unsubscribe


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
        if not asked.what:
            return b""
        try:
            return await account.request(f"down.{asked.what}", asked.body, timeout_s=asked.timeout_s)
        except Unavailable as error:
            if error.code != NOBODY:
                raise
            raise edge_away(f"nothing came within {asked.timeout_s:g} s, or it runs an older version.") from error

    async def _on_changed(self, _subject: str, _payload: bytes) -> None:
        await self._receiver.nudge()
