"""A mirror over the network: it reads the primary's log there, and keeps a copy of it in its own streams."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from millwright.engines.nats import NatsConnection, StreamSpec
from millwright.identity.records.errors import is_mirror, other_log, primary_away
from millwright.identity.records.log import CHANGED, STREAM, SUBJECT, StreamLog, key_of_message
from millwright.identity.records.offering import SNAPSHOT, take_offer
from millwright.kernel import Conflict, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

_RETRY_S = 1.0
_ANSWER_S = 5.0
_PART_S = 30.0


class MirrorLog(StreamLog):
    """The log of the primary, read over ``primary``, and copied into ``own`` (:class:`.ChangeLog`).

    What verifies is in the copy before the index shows it, under the same sequence: when the primary is gone for good,
    this node goes on behind it. A primary that does not answer is waited for; ``tells``: pass on in this node what the
    primary tells of changes. ``is_own``: whether this node has a key, by its id.
    """

    def __init__(
        self,
        primary: NatsConnection,
        own: NatsConnection,
        *,
        tells: bool,
        is_own: Callable[[bytes], bool] = lambda _: True,
    ) -> None:
        super().__init__(primary)
        self._is_own = is_own
        self._primary, self._own, self._tells = primary, own, tells
        self._connecting: asyncio.Task[None] | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._kept = -1

    @property
    def primary(self) -> NatsConnection:
        """The connection to the primary, open or not."""
        return self._primary

    async def open(self) -> None:
        """Begin to connect; returns when the primary answers, or soon."""
        self._remember_loop()
        self._connecting = asyncio.create_task(self._connect(), name="connect to the primary of identifiers")
        await asyncio.wait({self._connecting}, timeout=_RETRY_S)

    async def _connect(self) -> None:
        while True:
            try:
                await self._primary.start()
                if self._tells:
                    self._unsubscribe = await self._primary.subscribe(CHANGED, self._pass_on)
            except MillwrightError as error:
                logger.warning("the primary of identifiers does not answer: %s", error.message)
                await self._primary.stop()
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _pass_on(self, _subject: str, payload: bytes) -> None:
        try:
            await self._own.publish(CHANGED, payload)
        except MillwrightError as error:
            logger.debug("a change is not passed on: %s", error)

    async def close(self) -> None:
        """Leave the primary."""
        await end(self._connecting)
        if self._unsubscribe is not None:
            await self._unsubscribe()
        await self._primary.stop()

    def last(self) -> int:
        """The sequence of the primary's last message. Raises ``Unavailable``."""
        if not self._primary.connected:
            # A request would wait for a connection that may not come back.
            raise primary_away()
        return super().last()

    def first(self) -> int:
        """The sequence of the primary's first message. Raises ``Unavailable``."""
        if not self._primary.connected:
            raise primary_away()
        return super().first()

    def fetch_snapshot(self, folder: Path, at_least: int) -> Path | None:
        """The primary's newest snapshot, in parts over the connection that its log is read through."""

        def ask(payload: bytes) -> bytes:
            if not self._primary.connected:
                raise primary_away()
            return self._call(self._primary.request(SNAPSHOT, payload, timeout_s=_PART_S))

        return take_offer(ask, folder, at_least)

    def append(self, message: bytes, after: int) -> int:  # noqa: ARG002 - whatever is wanted
        """A mirror appends nothing. Raises ``Denied`` (``records.mirror``)."""
        raise is_mirror()

    def announce(self, position: int) -> None:
        """There is nothing to tell that the primary has not."""

    def keep(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Copy messages into this node's own stream. Raises ``Unavailable``."""
        self._call(self._copy(messages))

    async def _copy(self, messages: Sequence[tuple[int, bytes]]) -> None:
        if self._kept < 0:
            self._kept = await self._begin(*messages[0])
        for position, message in messages:
            if position <= self._kept:
                continue
            try:
                await self._own.append(SUBJECT, message, timeout_s=_ANSWER_S, expected_last=position - 1)
            except Conflict:
                # Another process of this node has copied it, or the primary's log has a gap.
                self._kept = await self._begin(position, message)
                if self._kept < position:
                    await self._own.append(SUBJECT, message, timeout_s=_ANSWER_S, expected_last=position - 1)
            self._kept = max(self._kept, position)

    async def _begin(self, first: int, message: bytes) -> int:
        """Make the copy where there is none that reaches up to ``first``; returns its end.

        Raises ``Conflict`` (``records.other_log``) when this node's stream is no copy of the primary's.
        """
        spec = StreamSpec(STREAM, (SUBJECT,), first_sequence=first)
        await self._own.ensure_stream(spec)
        last = (await self._own.state(STREAM)).last_sequence
        if last >= first:
            await self._check(first, message)
        elif last < first - 1:
            if last:
                original = await self._primary.get(STREAM, last)
                if original is not None or await self._is_mine(last):
                    await self._check(last, original.data if original is not None else b"")
            # The index began with a snapshot that is newer: all of the copy is in that. What the primary has trimmed
            # cannot be compared any more; it is a copy when it was not this node that signed it.
            await self._own.remove_stream(STREAM)
            await self._own.ensure_stream(spec)
            last = (await self._own.state(STREAM)).last_sequence
        return last

    async def _is_mine(self, position: int) -> bool:
        found = await self._own.get(STREAM, position)
        return found is None or self._is_own(key_of_message(found.data))

    async def _check(self, position: int, message: bytes) -> None:
        """Raise unless the copy has this message there: it may be the log of a time when this node was a primary."""
        found = await self._own.get(STREAM, position)
        if found is None or found.data != message:
            raise other_log(position)
