"""One connection to NATS: the bus (:mod:`.bus`), and durable append, read and trim of streams.

Backed by nats-py (see ``docs/decisions``): messages here are frames of many readings, so a few thousand messages a
second carry millions of readings and a client with TLS and a long record beats a faster young one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import nats
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, RetentionPolicy, StreamConfig

from millwright.engines.nats.bus import BusConnection, unavailable
from millwright.engines.nats.follower import Follower
from millwright.engines.nats.streams import PullReader, StreamMessage, StreamSpec, StreamState, message_id_of
from millwright.kernel import Conflict, Invalid, LimitExceeded, Unavailable

_RESTORE_TIMEOUT_S = 20.0
"""A cluster chooses a new leader within ten seconds of the death of the old one."""
_HEAD_BYTES = 1024
"""Where the headers of an append are, at its beginning."""
_RETRY_S = 0.1
_REPLICAS = 3
_SCAN = 32
"""Messages asked for at once while scanning: they may be a megabyte each."""
_WRONG_LAST = 10071
_NO_PEERS, _NO_CLUSTER = 10005, 10074
_NOT_CREATED = 10049
"""Also while the files of a stream of the same name, removed just before, are on their way out."""
_STREAM_FULL = frozenset({10077, 10047, 10023})  # store failed (also: maximum bytes), insufficient resources

T = TypeVar("T")


class NatsConnection(BusConnection):
    """A connection to the bus (:class:`BusConnection`) that keeps streams too.

    ``replicas``: how many servers keep a stream that is made here; 0: three in a cluster, else one.
    """

    def __init__(self, servers: str, name: str, tls: ssl.SSLContext | None = None, *, replicas: int = 0) -> None:
        super().__init__(servers, name, tls)
        self._replicas = replicas
        self._appending: set[asyncio.Timeout] = set()

    def _lost(self) -> None:
        if self._client is not None:
            # An append that was not written yet is lost like those on their way: sent when the broker is back, it would
            # overtake what has to be repeated. The client has no public way to do this; requests stay.
            kept = [each for each in self._client._pending if not _is_append(each)]
            self._client._pending[:] = kept
            self._client._pending_data_size = sum(map(len, kept))
        now_s = asyncio.get_running_loop().time()
        for limit in self._appending:  # no confirmation comes on a connection that is gone
            if not limit.expired():  # one that is expiring cannot be changed, and an error here ends all reconnecting
                limit.reschedule(now_s)

    async def ensure_stream(self, spec: StreamSpec) -> None:
        """Make the stream, or bring an existing one to these limits and this number of replicas.

        Raises ``Unavailable`` (``engines.nats_too_few_servers``) when the cluster has fewer servers than replicas.
        """
        _, jetstream = self._need()
        replicas = self._replicas or (_REPLICAS if self.clustered else 1)
        config = StreamConfig(
            name=spec.name,
            subjects=list(spec.subjects),
            retention=RetentionPolicy.LIMITS,
            max_bytes=spec.max_bytes,
            max_age=spec.max_age_s,
            max_msgs_per_subject=spec.max_messages_per_subject,
            discard=DiscardPolicy.OLD if spec.discard_old else DiscardPolicy.NEW,
            num_replicas=replicas,
            duplicate_window=min(spec.duplicate_window_s, spec.max_age_s or spec.duplicate_window_s),
        )

        async def make() -> None:
            try:
                await jetstream.add_stream(config, first_seq=spec.first_sequence or None)
            except nats.js.errors.BadRequestError as error:
                if error.err_code == _NO_PEERS:
                    raise
                await jetstream.update_stream(config)

        async def make_where_it_is() -> None:
            try:
                await make()
            except nats.js.errors.APIError as error:
                if error.err_code != _NO_CLUSTER or self._replicas:
                    raise
                config.num_replicas = 1  # a leaf, and not one of a cluster
                await make()

        try:
            await _once_restored(make_where_it_is)
        except nats.js.errors.APIError as error:
            if error.err_code in (_NO_PEERS, _NO_CLUSTER):
                raise Unavailable(
                    f"{replicas} servers are to keep the stream {spec.name}; fewer are there or have room for it: "
                    f"{error.description}",
                    code="engines.nats_too_few_servers",
                    hint="Start the other servers of the cluster, free disk space or raise [nats] max_store_gb on "
                    "them, or set [nats] replicas to what there is.",
                ) from error
            raise unavailable(f"The stream {spec.name} could not be made", error) from error
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {spec.name} could not be made", error) from error

    async def remove_stream(self, stream: str) -> None:
        """Remove a stream with all that it holds; there may be none."""
        _, jetstream = self._need()
        try:
            await jetstream.delete_stream(stream)
        except nats.js.errors.NotFoundError:
            return
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} could not be removed", error) from error

    async def append(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str = "",
        timeout_s: float = 5.0,
        expected_last: int | None = None,
    ) -> int:
        """Append durably; returns the sequence. The same ``message_id`` within the duplicate window is kept once.

        With ``expected_last`` only when that is the stream's last sequence: raises ``Conflict``
        (``engines.stream_moved``) otherwise.

        Raises ``LimitExceeded`` (``engines.stream_full``) when the stream or its disk is full, ``Unavailable`` when the
        broker did not confirm: the message may or may not be stored, so send it again under the same ``message_id``.
        Raises ``Invalid`` (``engines.message_too_large``) for more than :attr:`max_payload`, now and every other time.
        """
        client, jetstream = self._need()
        if not client.is_connected:  # what the client would keep until it is back overtakes what has to be repeated
            raise unavailable(f"Appending to {subject} was not tried", ConnectionError("NATS is not connected"))
        headers = {"Nats-Msg-Id": message_id} if message_id else {}
        if expected_last is not None:
            headers["Nats-Expected-Last-Sequence"] = str(expected_last)
        try:
            async with asyncio.timeout(timeout_s) as limit:
                self._appending.add(limit)
                try:
                    done = await jetstream.publish(subject, payload, timeout=timeout_s, headers=headers or None)
                finally:
                    self._appending.discard(limit)
        except nats.js.errors.APIError as error:
            if error.err_code in _STREAM_FULL:
                raise LimitExceeded(
                    f"The stream behind {subject} is full: {error.description}",
                    code="engines.stream_full",
                    hint="Free disk space, or raise [nats] max_store_gb; intake resumes by itself.",
                    retry_after_s=1.0,
                ) from error
            if error.err_code == _WRONG_LAST:
                raise Conflict(
                    f"Something else was appended to {subject} meanwhile.",
                    code="engines.stream_moved",
                    hint="Read it, then decide anew.",
                    detail={"expected": expected_last},
                ) from error
            raise unavailable(f"Appending to {subject} failed", error) from error
        except nats.errors.MaxPayloadError as error:
            raise Invalid(
                f"A message of {len(payload)} bytes for {subject} is larger than the broker takes.",
                code="engines.message_too_large",
                hint="Raise max_payload of the NATS server.",
            ) from error
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:  # a timeout is an OSError
            raise unavailable(f"Appending to {subject} was not confirmed", error) from error
        return done.seq

    async def read(self, stream: str, *, durable: str, subject: str = ">", take_over: bool = False) -> PullReader:
        """A reader that continues where the last one named ``durable`` stopped.

        What that one fetched and did not acknowledge comes again after a minute; with ``take_over``, for use when it is
        certainly gone, at once and in order.
        """
        _, jetstream = self._need()
        config = ConsumerConfig(
            durable_name=durable,
            filter_subject=subject,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.ALL,
            ack_wait=60,
            max_ack_pending=-1,
        )

        async def bind() -> PullReader:
            if take_over:
                await self._forget(jetstream, stream, durable, config)
            await jetstream.add_consumer(stream, config)
            bound = await jetstream.pull_subscribe_bind(durable, stream, pending_msgs_limit=-1, pending_bytes_limit=-1)
            floor = (await bound.consumer_info()).ack_floor if take_over else None
            return PullReader(bound, partial(self._next, stream, subject), floor.stream_seq if floor else 0)

        try:
            return await _once_restored(bind)
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} cannot be read", error) from error

    @staticmethod
    async def _forget(jetstream: JetStreamContext, stream: str, durable: str, config: ConsumerConfig) -> None:
        """Remove the durable reader and let ``config`` begin after what it acknowledged."""
        try:
            floor = (await jetstream.consumer_info(stream, durable)).ack_floor
            await jetstream.delete_consumer(stream, durable)
        except nats.js.errors.NotFoundError:
            return
        if floor and floor.stream_seq:
            config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, floor.stream_seq + 1

    async def scan(
        self, stream: str, *, subject: str = ">", first: int = 0, last: int | None = None, at_once: int = _SCAN
    ) -> AsyncIterator[StreamMessage]:
        """What the stream holds at this moment from sequence ``first`` to ``last``, in order, with no lasting reader;
        ``at_once`` messages are asked for together.

        Raises ``Unavailable``.
        """
        _, jetstream = self._need()
        held = (await self.state(stream)).last_sequence
        end = held if last is None else min(held, last)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE if first else DeliverPolicy.ALL,
            opt_start_seq=first or None,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=30,
            mem_storage=True,
        )
        try:
            subscription = await jetstream.pull_subscribe(
                subject, stream=stream, config=config, pending_msgs_limit=-1, pending_bytes_limit=-1
            )
            pending = (await subscription.consumer_info()).num_pending or 0
            try:
                while pending:
                    for message in await subscription.fetch(min(pending, at_once), timeout=5):
                        metadata = message.metadata
                        pending = metadata.num_pending
                        if metadata.sequence.stream <= end:
                            yield StreamMessage(
                                metadata.sequence.stream, message.subject, message.data, False, message_id_of(message)
                            )
                        if metadata.sequence.stream >= end:
                            return
            finally:
                await subscription.unsubscribe()
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} cannot be read", error) from error

    async def follow(self, stream: str, first: int) -> Follower:
        """Read on from the sequence ``first``, also what comes later. Raises ``Unavailable``."""
        _, jetstream = self._need()
        return await Follower.open(jetstream, stream, first, partial(self._next, stream, ">"))

    async def count(self, stream: str, subject: str = ">") -> dict[str, int]:
        """How many messages the stream holds, by subject, of the subjects that ``subject`` matches."""
        _, jetstream = self._need()
        try:
            info = await _once_restored(lambda: jetstream.stream_info(stream, subjects_filter=subject))
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} cannot be read", error) from error
        return dict(info.state.subjects or {})

    async def discard(self, stream: str, sequence: int) -> bool:
        """Remove one message; ``False`` when it was gone already."""
        _, jetstream = self._need()
        try:
            return await jetstream.delete_msg(stream, sequence)
        except nats.js.errors.APIError:
            return False
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"Message {sequence} of {stream} cannot be removed", error) from error

    async def get(self, stream: str, sequence: int) -> StreamMessage | None:
        """The message at ``sequence``, or ``None`` when it is gone."""
        _, jetstream = self._need()
        try:
            raw = await jetstream.get_msg(stream, seq=sequence)
        except nats.js.errors.NotFoundError:
            return None
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"Message {sequence} of {stream} cannot be read", error) from error
        return StreamMessage(sequence, raw.subject or "", raw.data or b"", False)

    async def _next(self, stream: str, subject: str, sequence: int) -> StreamMessage | None:
        """The first message on ``subject`` at ``sequence`` or later, or ``None``."""
        _, jetstream = self._need()
        try:
            raw = await jetstream.get_msg(stream, seq=sequence, subject=subject, next=True)
        except nats.js.errors.NotFoundError:
            return None
        message_id = (raw.headers or {}).get("Nats-Msg-Id", "")
        return StreamMessage(raw.seq or 0, raw.subject or "", raw.data or b"", True, message_id)

    async def newest(self, stream: str, subject: str) -> StreamMessage | None:
        """The last message of the stream on ``subject`` (no wildcards), or ``None``."""
        _, jetstream = self._need()
        try:
            raw = await _once_restored(lambda: jetstream.get_last_msg(stream, subject))
        except nats.js.errors.NotFoundError:
            return None
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The newest message on {subject} cannot be read", error) from error
        message_id = (raw.headers or {}).get("Nats-Msg-Id", "")
        return StreamMessage(raw.seq or 0, raw.subject or "", raw.data or b"", False, message_id)

    async def trim(self, stream: str, before: int, *, subject: str | None = None) -> None:
        """Remove every message of the stream (and ``subject``) below the sequence ``before``; 0: every one."""
        _, jetstream = self._need()
        try:
            await jetstream.purge_stream(stream, seq=before or None, subject=subject)
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} could not be trimmed", error) from error

    async def state(self, stream: str) -> StreamState:
        """What the stream holds."""
        _, jetstream = self._need()
        try:
            info = await _once_restored(lambda: jetstream.stream_info(stream))
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The stream {stream} cannot be read", error) from error
        state, created = info.state, info.created.isoformat() if info.created else ""
        return StreamState(state.messages, state.bytes, state.first_seq, state.last_seq, created)

    async def acknowledged(self, stream: str, durable: str) -> int:
        """The sequence up to which the reader ``durable`` has acknowledged."""
        _, jetstream = self._need()
        try:
            info: Any = await _once_restored(lambda: jetstream.consumer_info(stream, durable))
        except (nats.errors.Error, TimeoutError) as error:
            raise unavailable(f"The reader {durable} cannot be inspected", error) from error
        return int(info.ack_floor.stream_seq) if info.ack_floor else 0


def _is_append(command: bytes) -> bool:
    """Whether a command of the client's protocol publishes under a message id."""
    return command.startswith(b"HPUB ") and b"Nats-Msg-Id" in command[:_HEAD_BYTES]


async def _once_restored(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat ``call`` while the broker answers that its streams are not there yet, as it does just after its start.

    Only for calls that may be repeated. Raises the last ``ServiceUnavailableError`` after ten seconds.
    """
    clock = asyncio.get_running_loop().time
    deadline_s = clock() + _RESTORE_TIMEOUT_S
    while True:
        try:
            return await call()
        except (nats.js.errors.ServiceUnavailableError, nats.errors.NoRespondersError):
            if clock() >= deadline_s:
                raise
        except nats.js.errors.APIError as error:  # the servers of a cluster come one after the other
            if error.err_code not in (_NO_PEERS, _NOT_CREATED) or clock() >= deadline_s:
                raise
        await asyncio.sleep(_RETRY_S)
