"""The log: a JetStream stream of batches, each signed, each holding the hash of the one before.

A message is a form, flags, the id of the key, an Ed25519 signature over all else, and the batch as MessagePack, which
may be compressed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import zlib
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec

from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.identity.records.errors import too_large, unverified
from millwright.identity.records.keys import SigningKeys
from millwright.identity.records.model import FORM, FORM_WITH_MEASURES, Batch
from millwright.kernel import MillwrightError, Unavailable
from millwright.ledger import Signer

logger = logging.getLogger(__name__)

T = TypeVar("T")

STREAM: Final = "IDENTITY"
SUBJECT: Final = "identity.log"
CHANGED: Final = "identity.changed"
"""Where the new position is told after each change, as decimal digits; who misses it looks at the stream."""

MOST_MESSAGE_BYTES: Final = 7_500_000
"""The broker takes 8 MB."""
MOST_BATCH_BYTES: Final = 32_000_000
FIRST_PREVIOUS: Final = bytes(32)

_SIGNED: Final = b"millwright identifiers log\x00"
_KEY_BYTES, _SIGNATURE_BYTES = 4, 64
_BODY_FROM = 2 + _KEY_BYTES + _SIGNATURE_BYTES
_COMPRESSED = 1
_COMPRESS_FROM_BYTES = 512
_PAGE_BYTES = 4_000_000
_AT_ONCE = 8
_ANSWER_S = 5.0
_WAIT_S = 60.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)


def encode_batch(batch: Batch, signer: Signer) -> bytes:
    """The message of a batch. Raises ``LimitExceeded`` (``records.batch_too_large``)."""
    body = _encoder.encode(batch)
    if len(body) > MOST_BATCH_BYTES:
        raise too_large(len(body), MOST_BATCH_BYTES)
    flags = 0
    if len(body) >= _COMPRESS_FROM_BYTES:
        flags, body = _COMPRESSED, zlib.compress(body, 1)
    if len(body) > MOST_MESSAGE_BYTES:
        raise too_large(len(body), MOST_MESSAGE_BYTES)
    head = bytes((FORM_WITH_MEASURES if batch.measures else FORM, flags)) + signer.verifier.id
    return head + signer.sign(_SIGNED + head + body) + body


def key_of_message(message: bytes) -> bytes:
    """The id of the key that a message says it is signed by."""
    return message[2 : 2 + _KEY_BYTES]


def decode_batch(message: bytes, position: int, keys: SigningKeys) -> Batch:
    """The batch of a message whose signature holds. Raises ``Corrupt`` (``records.batch_unverified``)."""
    if len(message) < _BODY_FROM or message[0] not in (FORM, FORM_WITH_MEASURES):
        raise unverified(position, "it has an unknown form")
    key_id = key_of_message(message)
    verifier = keys.find(key_id)
    if verifier is None:
        raise unverified(position, f"it is signed by the key {key_id.hex()}, which is not trusted here")
    head, body = message[: 2 + _KEY_BYTES], message[_BODY_FROM:]
    if not verifier.verifies(_SIGNED + head + body, message[2 + _KEY_BYTES : _BODY_FROM]):
        raise unverified(position, f"its signature by {verifier.name} is wrong")
    try:
        return _decoder.decode(_expanded(body) if message[1] & _COMPRESSED else body)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise unverified(position, f"it cannot be read: {error}") from error


def _expanded(body: bytes) -> bytes:
    expanding = zlib.decompressobj()
    whole = expanding.decompress(body, MOST_BATCH_BYTES)
    if not expanding.eof:
        raise zlib.error("it is larger than a batch may be, or cut")
    return whole


def hash_of(message: bytes) -> bytes:
    """What the next batch says of this message."""
    return hashlib.sha256(message).digest()


class ChangeLog(Protocol):
    """Where batches are kept, in order. Its methods but ``open`` block."""

    async def open(self) -> None:
        """Make it, if it is not there yet."""
        ...

    def last(self) -> int:
        """The sequence of the last message, 0 when there never was one. Raises ``Unavailable``."""
        ...

    def first(self) -> int:
        """The sequence of the first message that is still there. Raises ``Unavailable``."""
        ...

    def size(self) -> int:
        """How many bytes it takes. Raises ``Unavailable``."""
        ...

    def append(self, message: bytes, after: int) -> int:
        """Append durably, when ``after`` is the last sequence; returns the new one.

        Raises ``Conflict`` (``engines.stream_moved``), ``LimitExceeded``, and ``Unavailable`` when it may or may not
        have been appended.
        """
        ...

    def find(self, position: int) -> bytes | None:
        """One message."""
        ...

    def page(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """Messages from ``first`` on, in order, so many as are read at once; none when all are gone."""
        ...

    def announce(self, position: int) -> None:
        """Tell who listens that there is something new; may be lost."""
        ...

    def keep(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Messages that verify and are about to be applied, in order: who reads another node's log keeps a copy."""
        ...

    def fetch_snapshot(self, folder: Path, at_least: int) -> Path | None:
        """A snapshot from where the log is written, as a file in ``folder``, if one of position ``at_least`` or later
        is offered there."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class StreamLog:
    """The log in JetStream (:class:`ChangeLog`): called from threads, it speaks through the loop that opened it."""

    def __init__(self, bus: NatsConnection) -> None:
        self._bus = bus
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    async def open(self) -> None:
        """Make the stream, if it is not there yet."""
        self._remember_loop()
        await self._bus.ensure_stream(StreamSpec(STREAM, (SUBJECT,)))

    def attach(self) -> None:
        """Speak through the loop that runs now, and leave the stream as it is, if there is one."""
        self._remember_loop()

    def _remember_loop(self) -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def last(self) -> int:
        """The sequence of the last message. Raises ``Unavailable``."""
        return self._call(self._bus.state(STREAM)).last_sequence

    def first(self) -> int:
        """The sequence of the first message that is still there. Raises ``Unavailable``."""
        return self._call(self._bus.state(STREAM)).first_sequence

    def size(self) -> int:
        """How many bytes it takes. Raises ``Unavailable``."""
        return self._call(self._bus.state(STREAM)).bytes

    def trim(self, before: int) -> None:
        """Remove the messages below a sequence, for good. Raises ``Unavailable``."""
        self._call(self._bus.trim(STREAM, before))

    def append(self, message: bytes, after: int) -> int:
        """Append after a sequence."""
        return self._call(self._bus.append(SUBJECT, message, timeout_s=_ANSWER_S, expected_last=after))

    def find(self, position: int) -> bytes | None:
        """One message."""
        found = self._call(self._bus.get(STREAM, position))
        return found.data if found is not None else None

    def page(self, first: int, last: int) -> list[tuple[int, bytes]]:
        """Messages from ``first`` on."""
        return self._call(self._page(first, last))

    async def _page(self, first: int, last: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        size = 0
        async for message in self._bus.scan(STREAM, first=first, last=last, at_once=_AT_ONCE):
            found.append((message.sequence, message.data))
            size += len(message.data)
            if size >= _PAGE_BYTES:
                break
        return found

    def announce(self, position: int) -> None:
        """Tell the position on the bus; who writes does not wait for that."""
        if self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._tell(position), self._loop)

    async def _tell(self, position: int) -> None:
        try:
            await self._bus.publish(CHANGED, str(position).encode())
        except MillwrightError as error:
            logger.debug("the position of the identifiers' log is not told: %s", error)

    def keep(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """They are here already."""

    def fetch_snapshot(self, folder: Path, at_least: int) -> Path | None:  # noqa: ARG002 - there is no other node
        """Nobody else has one."""
        return None

    async def close(self) -> None:
        """The connection is the node's."""

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._loop
        if loop is None or loop.is_closed():
            work.close()
            raise Unavailable("The log of identifiers is not open.", code="engines.nats_unavailable", hint="Start it.")
        if threading.get_ident() == self._thread:
            work.close()
            raise RuntimeError("changing identifiers blocks: call it from a thread")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(_WAIT_S)
        except TimeoutError as error:
            future.cancel()
            raise Unavailable(
                "The log of identifiers does not answer.", code="engines.nats_unavailable", hint="Try again."
            ) from error
        except asyncio.CancelledError as error:
            raise Unavailable(
                "The node stops.", code="engines.nats_unavailable", hint="Try again when it is back."
            ) from error
