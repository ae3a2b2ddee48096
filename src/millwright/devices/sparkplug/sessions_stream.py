"""Sessions of edge nodes on disk, so that a restarted historian still knows the aliases.

A session is written *before* the intake is acknowledged up to its birth, and two versions are kept: a crash in between
leaves the newer one ahead of the intake that will be read again, and then the older one is the right one.
"""

from __future__ import annotations

import logging

import msgspec

from millwright.devices.sparkplug.session import EdgeSession
from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.kernel import Invalid

logger = logging.getLogger(__name__)

SESSIONS = StreamSpec(
    name="SPARKPLUG_SESSIONS", subjects=("sparkplug.sessions.>",), max_messages_per_subject=2, discard_old=True
)

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(EdgeSession)


class SparkplugSessions:
    """Writes and reads sessions."""

    def __init__(self, nats: NatsConnection) -> None:
        self._nats = nats

    async def start(self) -> None:
        """Make the stream."""
        await self._nats.ensure_stream(SESSIONS)

    @staticmethod
    def encode(session: EdgeSession) -> bytes:
        """The session as it is at this moment."""
        return _encode(session)

    async def save(self, edge_id: str, data: bytes) -> None:
        """Write an encoded session down. Raises ``Unavailable`` or ``LimitExceeded``.

        One that is too large for the broker is written without its metrics: after a restart a rebirth is asked for.
        """
        subject = f"sparkplug.sessions.{edge_id}"
        try:
            await self._nats.append(subject, data)
        except Invalid as error:
            logger.warning("the session of the edge node %s is not kept: %s", edge_id, error.message)
            bare = EdgeSession.new()
            bare.sequence = _decoder.decode(data).sequence
            await self._nats.append(subject, _encode(bare))

    async def load(self, acknowledged: int) -> dict[str, EdgeSession]:
        """Every edge node's session as it was when the intake had been read up to ``acknowledged``.

        Which payload number comes next is not known any more, so the next one is accepted whatever it is. A session
        that cannot be read is passed over.
        """
        sessions: dict[str, EdgeSession] = {}
        async for message in self._nats.scan(SESSIONS.name):
            try:
                session = _decoder.decode(message.data)
            except msgspec.MsgspecError as error:
                logger.warning("message %d of %s cannot be read: %s", message.sequence, SESSIONS.name, error)
                continue
            if session.sequence <= acknowledged:
                session.next_seq = session.asked_ms = None
                session.awaited = set()
                sessions[message.subject.rsplit(".", 1)[1]] = session
        return sessions
