"""Up to where an edge's lanes are stored at the parent: known from what was stored, and only from that.

A delivery is one append to ``INTAKE`` on ``intake.edge.<edge>.<epoch>.<lane>``, its message id ends with the last
sequence in it. As long as that message is there, it says how far the lane is. Before the intake's reader acknowledges
it, and so before it may be trimmed, the same number is kept in the stream ``EDGE_POSITIONS``. So there is no moment in
which a delivery is stored and not known, whichever process is killed, and nothing has to be written with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from millwright.engines.nats import NatsConnection, StreamMessage, StreamSpec

POSITIONS: Final = StreamSpec(
    name="EDGE_POSITIONS", subjects=("edge_positions.>",), max_messages_per_subject=1, discard_old=True
)
_INTAKE: Final = "INTAKE"
_SUBJECT: Final = "intake.edge."
_KEPT: Final = "edge_positions."


def intake_subject(edge_id: str, epoch: str, lane: str) -> str:
    """Where the deliveries of a lane are appended."""
    return f"{_SUBJECT}{edge_id}.{epoch}.{lane}"


def message_id(edge_id: str, epoch: str, lane: str, last: int) -> str:
    """The id of the delivery that ends with ``last``."""
    return f"{edge_id}/{epoch}/{lane}/{last}"


def _last_of(text: str) -> int:
    last = text.rpartition("/")[2]
    return int(last) if last.isdecimal() else 0


class EdgePositions:
    """Reads positions, and keeps those that the intake is about to forget."""

    def __init__(self, nats: NatsConnection) -> None:
        self._nats = nats
        self._noted: dict[str, int] = {}

    async def start(self) -> None:
        """Make the stream when it is missing."""
        await self._nats.ensure_stream(POSITIONS)

    async def stop(self) -> None:
        """Nothing to release."""

    # --- at the reader of the intake ----------------------------------------------------------------------------

    def see(self, message: StreamMessage) -> None:
        """A message of the intake was read; does no I/O."""
        if message.subject.startswith(_SUBJECT):
            key = message.subject[len(_SUBJECT) :]
            self._noted[key] = max(self._noted.get(key, 0), _last_of(message.message_id))

    async def settle(self) -> None:
        """Keep what was seen; afterwards the intake may be acknowledged."""
        noted, self._noted = self._noted, {}
        try:
            while noted:
                key, last = next(iter(noted.items()))
                await self._nats.append(f"{_KEPT}{key}", str(last).encode())
                del noted[key]
        finally:
            for key, last in noted.items():
                self._noted[key] = max(self._noted.get(key, 0), last)

    # --- at the receiver ----------------------------------------------------------------------------------------

    async def lanes(self, edge_id: str, epoch: str) -> dict[str, int]:
        """Up to where each known lane is stored."""
        found: dict[str, int] = {}
        # The intake first: what leaves it meanwhile has been kept before.
        tail = f"{edge_id}.{epoch}.*"
        for stream, prefix in ((_INTAKE, _SUBJECT), (POSITIONS.name, _KEPT)):
            for subject in await self._nats.count(stream, f"{prefix}{tail}"):
                lane = subject.rpartition(".")[2]
                message = await self._nats.newest(stream, subject)
                if message is not None:
                    last = _last_of(message.message_id) if stream == _INTAKE else int(message.data)
                    found[lane] = max(found.get(lane, 0), last)
        return found

    async def forget(self, edge_id: str, epoch: str, lanes: Iterable[str]) -> None:
        """Keep nothing more of lanes that the one in order has overtaken."""
        for lane in lanes:
            message = await self._nats.newest(POSITIONS.name, f"{_KEPT}{edge_id}.{epoch}.{lane}")
            if message is not None:
                await self._nats.discard(POSITIONS.name, message.sequence)

    async def count(self, edge_id: str) -> int:
        """How many lanes of an edge are kept, of all its epochs."""
        return len(await self._nats.count(POSITIONS.name, f"{_KEPT}{edge_id}.>"))
