"""Durable streams: their definition, and reading one in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from millwright.kernel import Unavailable


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream to be made, or brought to these limits, at start.

    A full stream *refuses* new messages (it never drops old ones unless ``discard_old``): what was acknowledged stays
    until a reader has stored it and :meth:`NatsConnection.trim` removes it.
    """

    name: str
    subjects: tuple[str, ...]
    max_bytes: int = -1
    max_age_s: float = 0
    max_messages_per_subject: int = -1
    discard_old: bool = False
    duplicate_window_s: float = 120.0
    first_sequence: int = 0
    """Where it begins to count when it is made; 0: at one."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds now."""

    messages: int
    bytes: int
    first_sequence: int
    last_sequence: int
    created: str = ""
    """When it was made: sequences of a stream that was made anew begin again."""


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message of a stream; ``sequence`` grows by one from message to message of the stream.

    ``message_id`` is the one it was appended under, empty without.
    """

    sequence: int
    subject: str
    data: bytes
    redelivered: bool
    message_id: str = ""


def message_id_of(message: Msg) -> str:
    """The id under which the message was appended, or an empty string."""
    return message.headers.get("Nats-Msg-Id", "") if message.headers else ""


class PullReader:
    """Reads a stream in order and acknowledges all up to a sequence at once.

    A reader that dies is continued by the next one of the same durable name from the first message that was not
    acknowledged.
    """

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription
        self._unacknowledged: dict[int, Msg] = {}

    async def fetch(self, most: int = 64, *, wait_s: float = 1.0) -> Sequence[StreamMessage]:
        """Up to ``most`` messages; waits ``wait_s`` for the first one and returns an empty list when none came.

        Raises ``Unavailable`` when the broker does not answer; call again.
        """
        try:
            messages = await self._subscription.fetch(most, timeout=wait_s)
        except (nats.errors.TimeoutError, TimeoutError):
            return []
        except nats.errors.Error as error:
            raise Unavailable(
                f"The stream cannot be read: {error}", code="engines.nats_unavailable", hint="It is tried again."
            ) from error
        found = []
        for message in messages:
            metadata = message.metadata
            sequence = metadata.sequence.stream
            self._unacknowledged[sequence] = message
            found.append(
                StreamMessage(
                    sequence, message.subject, message.data, metadata.num_delivered > 1, message_id_of(message)
                )
            )
        return found

    async def acknowledge(self, sequence: int) -> None:
        """Acknowledge every message up to and including ``sequence`` (which this reader fetched)."""
        message = self._unacknowledged.get(sequence)
        if message is None:
            return
        try:
            await message.ack()
        except nats.errors.Error as error:
            raise Unavailable(
                f"An acknowledgement could not be sent: {error}", code="engines.nats_unavailable", hint="Send it again."
            ) from error
        for done in [known for known in self._unacknowledged if known <= sequence]:
            del self._unacknowledged[done]

    async def close(self) -> None:
        """Stop reading; the position stays on the server."""
        try:
            await self._subscription.unsubscribe()
        except nats.errors.Error:
            return
