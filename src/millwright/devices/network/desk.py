"""The parent's side of the link: keeps what edges report of their networks, and says what is asked of them."""

from __future__ import annotations

import asyncio

import msgspec

from millwright.devices.network.store import NetworkStore, Site
from millwright.devices.network.wire import NetworkAsked, unpack
from millwright.kernel import Clock


class NetworkDesk:
    """``store`` sees every organisation."""

    def __init__(self, store: NetworkStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def take(self, edge_id: str, data: bytes) -> bytes:
        """Keep a report; the answer is what is asked of the edge. Nothing but a question keeps nothing.

        Raises ``Invalid`` (``devices.edge_message_invalid``) for what is no report.
        """
        if not data:
            known = await asyncio.to_thread(self._store.find, edge_id)
            return _answer(known)
        report = unpack(data)
        site = await asyncio.to_thread(self._store.take, edge_id, "edge", edge_id, report, self._clock.now_ms())
        return _answer(site)


def _answer(site: Site | None) -> bytes:
    asked = NetworkAsked(site.device_id if site.watched else None, site.order()) if site else NetworkAsked()
    return msgspec.msgpack.encode(asked)
