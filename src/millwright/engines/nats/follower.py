"""Following a stream from a sequence on, with no lasting reader: where to begin is the caller's to know."""

from __future__ import annotations

from collections.abc import Sequence

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from millwright.engines.nats.streams import StreamMessage, message_id_of
from millwright.kernel import Unavailable


class Follower:
    """Reads what comes after a sequence, in order. A broker that restarts forgets it: make another then."""

    def __init__(self, subscription: JetStreamContext.PullSubscription) -> None:
        self._subscription = subscription

    @classmethod
    async def open(cls, jetstream: JetStreamContext, stream: str, first: int) -> Follower:
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
                )
            )
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise _unreadable(error) from error

    async def fetch(self, most: int, *, wait_s: float) -> Sequence[StreamMessage]:
        """Up to ``most`` messages; waits ``wait_s`` for the first. Raises ``Unavailable``."""
        try:
            messages = await self._subscription.fetch(most, timeout=wait_s)
        except (nats.errors.TimeoutError, TimeoutError):
            return []
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise _unreadable(error) from error
        return [
            StreamMessage(each.metadata.sequence.stream, each.subject, each.data, False, message_id_of(each))
            for each in messages
        ]

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
