"""Durable streams: their definition, and reading one in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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
    """Reads a stream in order, each message once, and acknowledges all up to a sequence at once.

    A reader that dies is continued by the next one of the same durable name from the first message that was not
    acknowledged.

    A broker that dies takes with it what it had sent and nobody has received. It would come again after a minute only,
    and as an acknowledgement is for everything before it, not at all once a later message is acknowledged. So what is
    missing between two messages, and after the last one when none comes, is asked for by ``find_next`` (sequence →
    the message there or the first one after it). ``last`` is the sequence after which this reader begins, 0 when it
    is not known.
    """

    def __init__(
        self,
        subscription: JetStreamContext.PullSubscription,
        find_next: Callable[[int], Awaitable[StreamMessage | None]],
        last: int = 0,
    ) -> None:
        self._subscription = subscription
        self._find_next = find_next
        self._last = last
        self._acknowledged = 0
        self._put_off: Sequence[Msg] = []
        self._unacknowledged: dict[int, Msg] = {}

    async def fetch(self, most: int = 64, *, wait_s: float = 1.0) -> Sequence[StreamMessage]:
        """Up to ``most`` messages; waits ``wait_s`` for the first one and returns an empty list when none came.

        Raises ``Unavailable`` when the broker does not answer; call again.
        """
        try:
            messages = self._put_off or await self._subscription.fetch(most, timeout=wait_s)
        except (nats.errors.TimeoutError, TimeoutError):
            messages = []
        except nats.errors.Error as error:
            raise _unreadable(error) from error
        self._put_off = messages
        try:
            found = await self._in_order(messages) if messages else await self._not_sent(most)
        except (nats.errors.Error, TimeoutError) as error:
            raise _unreadable(error) from error
        self._put_off = []
        if found:
            self._last = max(self._last, found[-1].sequence)
        return found

    async def _in_order(self, messages: Sequence[Msg]) -> list[StreamMessage]:
        """These, and what is missing before and between them."""
        found: list[StreamMessage] = []
        last = self._last
        for message in messages:
            metadata = message.metadata
            sequence = metadata.sequence.stream
            if sequence <= self._acknowledged:
                await message.ack()  # its acknowledgement was lost
                continue
            self._unacknowledged[sequence] = message
            if sequence <= last:
                continue
            while last and sequence > last + 1:
                missing = await self._find_next(last + 1)
                if missing is None or missing.sequence >= sequence:
                    break
                found.append(missing)
                last = missing.sequence
            last = max(last, sequence)
            found.append(
                StreamMessage(
                    sequence, message.subject, message.data, metadata.num_delivered > 1, message_id_of(message)
                )
            )
        return found

    async def _not_sent(self, most: int) -> list[StreamMessage]:
        """What is in the stream after the last message, of which the broker says nothing."""
        found: list[StreamMessage] = []
        last = self._last
        while last and len(found) < most:
            missing = await self._find_next(last + 1)
            if missing is None:
                break
            found.append(missing)
            last = missing.sequence
        return found

    async def acknowledge(self, sequence: int) -> None:
        """Acknowledge every message up to and including ``sequence`` (which this reader fetched)."""
        known = max((each for each in self._unacknowledged if each <= sequence), default=0)
        if not known:  # it was asked for: should the broker send it yet, it is acknowledged then
            self._acknowledged = max(self._acknowledged, sequence)
            return
        message = self._unacknowledged[known]
        try:
            await message.ack()
        except nats.errors.Error as error:
            raise Unavailable(
                f"An acknowledgement could not be sent: {error}", code="engines.nats_unavailable", hint="Send it again."
            ) from error
        self._acknowledged = max(self._acknowledged, sequence)
        for done in [each for each in self._unacknowledged if each <= sequence]:
            del self._unacknowledged[done]

    async def close(self) -> None:
        """Stop reading; the position stays on the server."""
        try:
            await self._subscription.unsubscribe()
        except nats.errors.Error:
            return


def _unreadable(error: BaseException) -> Unavailable:
    return Unavailable(
        f"The stream cannot be read: {error}", code="engines.nats_unavailable", hint="It is tried again."
    )
