"""The durable intake: the JetStream stream ``INTAKE``."""

from __future__ import annotations

from millwright.devices.intake import INTAKE, subject_of
from millwright.engines.nats import NatsConnection


class JetStreamIntake:
    """Appends frames to ``INTAKE`` on the listener's subject; implements :class:`.ports.Intake`."""

    def __init__(self, connection: NatsConnection, listener_id: str) -> None:
        self._connection = connection
        self._subject = subject_of(listener_id)

    async def start(self) -> None:
        """Make the stream when it is missing."""
        await self._connection.ensure_stream(INTAKE)

    async def stop(self) -> None:
        """Nothing to release: the connection belongs to who made it."""

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Return when JetStream confirmed the frame."""
        await self._connection.append(self._subject, frame, message_id=message_id, timeout_s=3.0)
