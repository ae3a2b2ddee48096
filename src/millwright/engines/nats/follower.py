"""Following a stream from a sequence on, with no lasting reader: where to begin is the caller's to know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from millwright.engines.nats.streams import StreamMessage, message_id_of
from millwright.kernel import Unavailable


class Follower:
    """Reads what comes after a sequence, in order. A broker that restarts forgets it: make another then.

    What the broker had sent when a connection broke, and nobody received, it never sends again. So what is missing
    between two messages, and after the last one when none comes, is asked for by ``find_next``, as by a
    :class:`.streams.PullReader`; what is missing then has left the stream. It begins after the sequence ``last``.
    """

    def __init__(
        self,
        subscription: JetStreamContext.PullSubscription,
        find_next: Callable[[int], Awaitable[StreamMessage | None]],
        last: int,
    ) -> None:
        self._subscription = subscription
        self._find_next = find_next
        self._last = last

    @classmethod
    async def open(
        cls,
        jetstream: JetStreamContext,
        stream: str,
        first: int,
        find_next: Callable[[int], Awaitable[StreamMessage | None]],
    ) -> Follower:
        """Begin at the sequence ``first``, or at the next that is there. Raises ``Unavailable``."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=max(1, first),
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60,
            mem_storage=True,
        )
        try:
            return cls(
                await jetstream.pull_subscribe(
                    ">", stream=stream, config=config, pending_msgs_limit=-1, pending_bytes_limit=-1
                ),
                find_next,
                max(1, first) - 1,
            )
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise _unreadable(error) from error

    async def fetch(self, most: int, *, wait_s: float) -> Sequence[StreamMessage]:
        """Up to ``most`` messages, and what was missing before them; waits ``wait_s`` for the first.

        Raises ``Unavailable``.
        """
        try:
            try:
                messages = await self._subscription.fetch(most, timeout=wait_s)
            except (nats.errors.TimeoutError, TimeoutError):
                messages = []
            found = await self._in_order(messages) if messages else await self._not_sent(most)
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise _unreadable(error) from error
        if found:
            self._last = found[-1].sequence
        return found

    async def _in_order(self, messages: Sequence[Msg]) -> list[StreamMessage]:
        """These, and what is missing before and between them."""
        found: list[StreamMessage] = []
        last = self._last
        for message in messages:
            sequence = message.metadata.sequence.stream
            if sequence <= last:
                continue  # it was asked for before
            while sequence > last + 1:
                missing = await self._find_next(last + 1)
                if missing is None or missing.sequence >= sequence:
                    break
                found.append(missing)
                last = missing.sequence
            found.append(StreamMessage(sequence, message.subject, message.data, False, message_id_of(message)))
            last = sequence
        return found

    async def _not_sent(self, most: int) -> list[StreamMessage]:
        """What is in the stream after the last message, of which the broker says nothing."""
        found: list[StreamMessage] = []
        last = self._last
        while len(found) < most and (missing := await self._find_next(last + 1)) is not None:
            found.append(missing)
            last = missing.sequence
        return found

    async def close(self) -> None:
        """Read no more."""
        try:
            await self._subscription.unsubscribe()
        except (nats.errors.Error, OSError):
            return


def _unreadable(error: BaseException) -> Unavailable:
    return Unavailable(
        f"The stream cannot be followed: {str(error) or type(error).__name__}",
        code="engines.nats_unavailable",
        hint="Try again.",
    )
