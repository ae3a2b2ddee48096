"""The durable intake: the JetStream stream ``INTAKE``."""

from __future__ import annotations

from millwright.devices.intake import INTAKE, subject_of
from millwright.devices.mqtt.committer import MAX_FRAME_BYTES
from millwright.engines.nats import NatsConnection
from millwright.kernel import Unsupported

_OVERHEAD = 64 * 1024
"""What a frame holds besides payloads; the topics of many small runs, mostly."""


class JetStreamIntake:
    """Appends frames to ``INTAKE`` on the listener's subject; implements :class:`.ports.Intake`."""

    def __init__(self, connection: NatsConnection, listener_id: str, max_packet_bytes: int = 1024 * 1024) -> None:
        self._connection = connection
        self._subject = subject_of(listener_id)
        self._largest = max(max_packet_bytes, MAX_FRAME_BYTES) + _OVERHEAD

    async def start(self) -> None:
        """Make the stream when it is missing.

        Raises ``Unsupported`` (``listener.broker_message_size``) when the broker would not take the largest frame.
        """
        if self._connection.max_payload < self._largest:
            raise Unsupported(
                f"The NATS server takes messages of {self._connection.max_payload} bytes; {self._largest} are needed.",
                code="listener.broker_message_size",
                hint="Raise max_payload in the server's configuration, or lower [mqtt] max_packet_bytes.",
            )
        await self._connection.ensure_stream(INTAKE)

    async def stop(self) -> None:
        """Nothing to release: the connection belongs to who made it."""

    async def commit(self, frame: bytes, message_id: str) -> None:
        """Return when JetStream confirmed the frame."""
        await self._connection.append(self._subject, frame, message_id=message_id, timeout_s=3.0)

    async def newest(self) -> str:
        """The message id of the newest frame on the listener's subject; empty when there is none. Raises
        ``Unavailable``."""
        found = await self._connection.newest(INTAKE.name, self._subject)
        return found.message_id if found is not None else ""
