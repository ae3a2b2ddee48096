"""The way into the ledger from any process: a durable stream that the one writer reads.

An entry is safe when the stream has acknowledged it. For a change by somebody who is signed in, an *intent* goes first:
if the process dies between the change and its entry, the writer puts the intent into the log, as interrupted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from millwright.engines.nats import StreamSpec
from millwright.kernel import LimitExceeded, Unavailable
from millwright.ledger.errors import unavailable
from millwright.ledger.model import Sealed

STREAM = "LEDGER"
ENTRIES, INTENTS, SETTLED = "ledger.in.entries", "ledger.in.intents", "ledger.in.settled"
"""Subjects: entries for the log; what is about to be done; ids of intents that need no entry."""

_SPEC = StreamSpec(STREAM, ("ledger.in.>",))
_AT_ONCE = 100
_ATTEMPTS, _ATTEMPT_S = 3, 2.0


class Intake(Protocol):
    """The part of the NATS connection that is needed here."""

    async def ensure_stream(self, spec: StreamSpec) -> None:
        """Make the stream."""
        ...

    async def append(self, subject: str, payload: bytes, *, message_id: str = "", timeout_s: float = 5.0) -> int:
        """Append durably."""
        ...


class Recorder:
    """Records in one process. A :class:`millwright.kernel.Part`: ``start`` makes the stream."""

    def __init__(self, bus: Intake) -> None:
        self._bus = bus
        self.recorded = 0
        self.refused = 0

    async def start(self) -> None:
        """Make the stream if it is not there yet."""
        await self._bus.ensure_stream(_SPEC)

    async def stop(self) -> None:
        """Nothing to release."""

    def counters(self) -> dict[str, float]:
        """Entries recorded by this process, and times that the stream refused one."""
        return {"ledger_recorded": self.recorded, "ledger_refused": self.refused}

    async def begin(self, intent: Sealed) -> None:
        """Return when it is durable that ``intent`` is about to be done.

        Raises ``Unavailable`` (``ledger.unavailable``): do not begin then.
        """
        await self._append(INTENTS, msgspec.json.encode(intent), f"{intent.entry['id']}.intent", attempts=1)

    async def record(self, entries: Sequence[Sealed]) -> None:
        """Return when the entries are durable. Raises ``Unavailable`` (``ledger.unavailable``)."""
        for start in range(0, len(entries), _AT_ONCE):
            part = list(entries[start : start + _AT_ONCE])
            await self._append(ENTRIES, msgspec.json.encode(part), str(part[0].entry["id"]), attempts=_ATTEMPTS)
        self.recorded += len(entries)

    async def settle(self, entry_id: str) -> None:
        """The intent of this id was not carried out, or is counted elsewhere. Raises ``Unavailable``."""
        await self._append(SETTLED, entry_id.encode(), f"{entry_id}.settled", attempts=_ATTEMPTS)

    async def _append(self, subject: str, payload: bytes, message_id: str, *, attempts: int) -> None:
        """Repeating is harmless: the stream keeps one message of an id, and the log one entry."""
        for attempt in range(attempts):
            try:
                await self._bus.append(subject, payload, message_id=message_id, timeout_s=_ATTEMPT_S)
            except (Unavailable, LimitExceeded) as error:
                if attempt + 1 == attempts:
                    self.refused += 1
                    raise unavailable(error.message) from error
                await asyncio.sleep(0.2 * (attempt + 1))
            else:
                return
