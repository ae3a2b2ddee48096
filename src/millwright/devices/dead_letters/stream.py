"""Dead letters on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

from xxhash import xxh3_128_hexdigest

from millwright.devices.dead_letters.model import (
    DEAD_LETTERS,
    DeadLetter,
    decode,
    device_of,
    device_token,
    encode,
    reason_token,
    subject_of,
)
from millwright.engines.nats import NatsConnection

_FIRST_WINDOW: Final = 512
_LARGEST_WINDOW: Final = 65_536


class StoredLetter(NamedTuple):
    """A dead letter and its number in the stream."""

    sequence: int
    letter: DeadLetter


class DeadLetterStream:
    """Appends and finds dead letters in the JetStream stream ``DEAD_LETTERS``."""

    def __init__(self, nats: NatsConnection) -> None:
        self._nats = nats

    async def start(self) -> None:
        """Make the stream."""
        await self._nats.ensure_stream(DEAD_LETTERS)

    async def append(self, letter: DeadLetter) -> None:
        """Keep ``letter``; the same one appended again within two minutes (after a crash) is kept once.

        Raises ``Unavailable`` or ``LimitExceeded``: append it again later.
        """
        data = encode(letter)
        await self._nats.append(subject_of(letter), data, message_id=xxh3_128_hexdigest(data))

    async def find(self, sequence: int) -> StoredLetter | None:
        """The letter at ``sequence``, or ``None`` when it is gone."""
        if sequence < 1:
            return None
        message = await self._nats.get(DEAD_LETTERS.name, sequence)
        return None if message is None else StoredLetter(sequence, decode(message.data))

    async def page(
        self,
        *,
        before: int | None = None,
        limit: int = 50,
        reason: str | None = None,
        device_id: str | None = None,
        seen: Callable[[str | None], bool] = lambda _: True,
    ) -> list[StoredLetter]:
        """Up to ``limit`` letters below the sequence ``before``, newest first, of the devices that ``seen`` lets."""
        state = await self._nats.state(DEAD_LETTERS.name)
        last = state.last_sequence if before is None else min(before - 1, state.last_sequence)
        found: deque[StoredLetter] = deque()
        window = _FIRST_WINDOW
        while last >= state.first_sequence and state.messages and len(found) < limit:
            first = max(state.first_sequence, last - window + 1)
            here: deque[StoredLetter] = deque(maxlen=limit - len(found))
            async for stored in self.scan(first=first, last=last, reason=reason, device_id=device_id):
                if seen(device_of(subject_of(stored.letter))):
                    here.append(stored)
            found.extend(reversed(here))
            last, window = first - 1, min(window * 4, _LARGEST_WINDOW)
        return list(found)

    async def scan(
        self, *, first: int = 0, last: int | None = None, reason: str | None = None, device_id: str | None = None
    ) -> AsyncIterator[StoredLetter]:
        """Letters from ``first`` to ``last``, oldest first."""
        subject = f"dead.{reason_token(reason) if reason else '*'}.{device_token(device_id) if device_id else '*'}"
        async for message in self._nats.scan(DEAD_LETTERS.name, subject=subject, first=first, last=last):
            yield StoredLetter(message.sequence, decode(message.data))

    async def count(self) -> dict[str, int]:
        """How many letters there are, by subject (see :func:`.model.reason_of` and :func:`.model.device_of`)."""
        return await self._nats.count(DEAD_LETTERS.name, "dead.>")

    async def last_sequence(self) -> int:
        """The number of the newest letter."""
        return (await self._nats.state(DEAD_LETTERS.name)).last_sequence

    async def discard(self, sequence: int) -> bool:
        """Remove the letter at ``sequence``; ``False`` when it was gone already."""
        return await self._nats.discard(DEAD_LETTERS.name, sequence)
