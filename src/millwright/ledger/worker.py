"""The one writer of a node's log: takes entries from the stream, each exactly once, into log and index."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from millwright.engines.nats import NatsConnection, PullReader, StreamMessage
from millwright.kernel import Clock, MillwrightError, end
from millwright.ledger.log import KeyFile, Log, LogInfo
from millwright.ledger.log.log import MOST_ENTRY_BYTES
from millwright.ledger.merkle import TILE_WIDTH
from millwright.ledger.model import Sealed
from millwright.ledger.record.documents import canonical
from millwright.ledger.record.recorder import ENTRIES, INTENTS, SETTLED, STREAM, Recorder
from millwright.ledger.rpc import LedgerServer
from millwright.ledger.settings import LedgerSettings
from millwright.ledger.store import LedgerStore

logger = logging.getLogger(__name__)

_DURABLE = "ledger-writer"
_AT_ONCE = 500
_PAUSE_S = 1.0
_SWEEP_S = 10.0


class LedgerWriter:
    """A part of the role that a node has once.

    The order that makes it exactly once: personal values and intents into the records, entries into the log (durable),
    their index into the records, then the acknowledgement. Whatever step the process dies at, the stream sends again
    what was not acknowledged, and ids found in the index, which is first brought up to the log, are passed over.
    """

    def __init__(
        self,
        bus: NatsConnection,
        store: LedgerStore,
        server: LedgerServer,
        clock: Clock,
        settings: LedgerSettings,
        *,
        folder: Path,
        key_file: Path,
        node: str,
    ) -> None:
        self._bus, self._store, self._server, self._clock, self._settings = bus, store, server, clock, settings
        self._folder, self._keys = folder, KeyFile(key_file, settings.kinds)
        self._origin = settings.origin or f"millwright/{node}"
        self._recorder = Recorder(bus)
        self._log: Log | None = None
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._problem: tuple[str, int] | None = None
        self._swept_s = clock.monotonic_s()
        self._stopping = False
        self.entries = 0

    @property
    def log(self) -> Log:
        """The log, once started."""
        assert self._log is not None
        return self._log

    async def start(self) -> None:
        """Recover the log, bring the index up to it, begin to write. Raises ``Corrupt``, ``Conflict``, ``Denied``."""
        await self._recorder.start()
        wanted = LogInfo(self._origin, self._settings.algorithm, self._clock.now_ms())
        self._log = await asyncio.to_thread(Log, self._folder, wanted, self._keys)
        await asyncio.to_thread(self._catch_up)
        self._server.serve_from(self._log)
        self._stopping = False
        self._task = asyncio.create_task(self._run(), name="ledger-writer")

    async def stop(self) -> None:
        """Write what has come, and let another process write."""
        task, self._task = self._task, None
        self._stopping = True
        await end(task)
        log, self._log = self._log, None
        if log is not None:
            await asyncio.to_thread(log.close)

    async def attach(self, cosignatures: str, size: int) -> None:
        """Keep a witness's signatures with the tree head of ``size``."""
        async with self._writing:
            if self._log is not None:
                await asyncio.to_thread(self._log.attach, cosignatures, size)

    def counters(self) -> dict[str, float]:
        """Entries written since the start."""
        return {"ledger_entries": self.entries}

    def gauges(self) -> dict[str, float]:
        """How long the log is."""
        return {"ledger_size": self._log.size if self._log else 0}

    def problems(self) -> list[dict[str, Any]]:
        """What keeps entries from being written now."""
        if self._problem is None:
            return []
        message, since_ms = self._problem
        return [
            {
                "code": "ledger.not_written",
                "message": f"Entries wait in the stream and are not written: {message}",
                "hint": "They are safe there and written once the cause is mended.",
                "since_ms": since_ms,
            }
        ]

    # --- inside ------------------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Bring the index up to the log: after a crash between the two, or when the records were restored."""
        log = self.log
        log.publish()
        position = self._store.size()
        while position < log.published:
            bundle = position // TILE_WIDTH
            width = min(log.published - bundle * TILE_WIDTH, TILE_WIDTH)
            found = log.reader.bundle(bundle, width)[position % TILE_WIDTH :]
            self._store.index(position, found)
            position += len(found)

    async def _run(self) -> None:
        reader: PullReader | None = None
        while not self._stopping:  # the client of NATS may take a cancellation for an empty answer
            try:
                if reader is None:
                    async with self._writing:
                        await asyncio.to_thread(self._catch_up)
                    reader = await self._bus.read(STREAM, durable=_DURABLE, take_over=True)
                messages = await reader.fetch(_AT_ONCE, wait_s=_PAUSE_S)
                async with self._writing:
                    await asyncio.to_thread(self._write, messages)
                if messages:
                    await reader.acknowledge(messages[-1].sequence)
                    await self._bus.trim(STREAM, messages[-1].sequence + 1)
                self._problem = None
            except MillwrightError as error:
                await self._failed(error.message, reader)
                reader = None
            except Exception as error:
                logger.exception("entries of the ledger could not be written")
                await self._failed(repr(error), reader)
                reader = None

    async def _failed(self, message: str, reader: PullReader | None) -> None:
        """Note the failure and begin again from what was not acknowledged."""
        if self._problem is None:
            logger.warning("entries of the ledger are not written now: %s", message)
            self._problem = (message, self._clock.now_ms())
        if reader is not None:
            await reader.close()
        await asyncio.sleep(_PAUSE_S)

    def _write(self, messages: Sequence[StreamMessage]) -> None:
        wanted: dict[str, Sealed] = {}
        begun: list[tuple[str, int, bytes]] = []
        settled: set[str] = set()
        for message in messages:
            try:
                if message.subject == ENTRIES:
                    wanted |= {each.entry["id"]: each for each in _entries(message.data)}
                elif message.subject == INTENTS:
                    intent = msgspec.json.decode(message.data, type=Sealed)
                    begun.append((intent.entry["id"], intent.entry["at_ms"], message.data))
                elif message.subject == SETTLED:
                    settled.add(message.data.decode())
            except (msgspec.MsgspecError, KeyError, UnicodeDecodeError):
                logger.exception("a message of the stream %s cannot be read and is passed over", STREAM)
        if self._clock.monotonic_s() - self._swept_s >= _SWEEP_S:
            self._swept_s = self._clock.monotonic_s()
            before_ms = self._clock.now_ms() - round(self._settings.interrupted_after_s * 1000)
            for each in self._store.overdue(before_ms):
                if each.entry["id"] not in settled:
                    wanted.setdefault(each.entry["id"], each)
            self.log.publish()  # a key may have been rotated
        if not (wanted or begun or settled):
            return
        known = self._store.known([*wanted, *(intent_id for intent_id, _, _ in begun)])
        fresh = [each for entry_id, each in wanted.items() if entry_id not in known]
        ended = known | settled | wanted.keys()  # most end in the batch they begin in: those are never kept
        begun = [each for each in begun if each[0] not in ended]
        self._store.keep(fresh, begun, [*settled, *known])
        if fresh:
            first = self.log.size
            written = [_fitting(each.entry | {"index": first + offset}) for offset, each in enumerate(fresh)]
            self.log.append(written)
            self._store.index(first, written)
            self.entries += len(written)
            self.log.publish()


def _fitting(entry: dict[str, Any]) -> bytes:
    """The entry's text; one too long for the log loses the list of what differs, which its digests still cover."""
    data = canonical(entry)
    if len(data) <= MOST_ENTRY_BYTES:
        return data
    return canonical({key: value for key, value in entry.items() if key != "changes"})


def _entries(data: bytes) -> list[Sealed]:
    return msgspec.json.decode(data, type=list[Sealed])
