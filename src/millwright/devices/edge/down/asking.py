"""Asking an edge, from any process of its parent."""

from __future__ import annotations

from typing import Final

import msgspec

from millwright.devices.edge.down.wire import ASK, AskEdge
from millwright.kernel import Bus, Unavailable

NOBODY: Final = "engines.nats_unavailable"
_MARGIN_S: Final = 2.0


async def ask_edge(bus: Bus, edge_id: str, what: str, body: bytes, timeout_s: float) -> bytes:
    """Ask an edge, from any process of the parent. Raises ``Unavailable`` (``devices.edge_away``), or what the edge
    raised."""
    asked = msgspec.msgpack.encode(AskEdge(edge_id, what, body, timeout_s))
    try:
        return await bus.request(ASK, asked, timeout_s=timeout_s + _MARGIN_S)
    except Unavailable as error:
        if error.code != NOBODY:
            raise
        raise edge_away("the role edges does not run here.") from error


def edge_away(why: str) -> Unavailable:
    """The edge does not answer."""
    return Unavailable(
        f"The edge does not answer: {why}",
        code="devices.edge_away",
        hint="Look at the edge's link on the page Edges. It goes on by itself, and can be asked when the link is back.",
        retry_after_s=5.0,
    )
