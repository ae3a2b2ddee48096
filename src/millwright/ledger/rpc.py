"""Proofs and files over the bus: the writer's process answers, any other asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import msgspec

from millwright.kernel import Bus, NotFound, Unsubscribe
from millwright.ledger.log import Log, LogReader
from millwright.ledger.model import Proof
from millwright.ledger.notes import Checkpoint

PROVE, CONSISTENCY, FILE = "ledger.ask.proof", "ledger.ask.consistency", "ledger.ask.file"
"""Subjects, each with the answer :class:`LedgerServer` gives."""

_PUBLIC = re.compile(
    r"checkpoint|witnessed|log\.(?:vkey|json)|tile/(?:\d{1,2}|entries)/(?:x\d{3}/)*\d{3}(?:\.p/\d{1,3})?"
)


class Range(msgspec.Struct, frozen=True):
    """Two sizes of a log."""

    old: int
    size: int


class LedgerServer:
    """Answers from the writer's files. A :class:`millwright.kernel.Part`; start it after the writer."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._log: Log | None = None
        self._served: list[Unsubscribe] = []

    def serve_from(self, log: Log) -> None:
        """Answer from this log from now on."""
        self._log = log

    async def start(self) -> None:
        """Begin to answer."""
        for subject, responder in ((PROVE, self._prove), (CONSISTENCY, self._consistency), (FILE, self._file)):
            self._served.append(await self._bus.serve(subject, responder, queue="ledger"))

    async def stop(self) -> None:
        """Answer no more."""
        while self._served:
            await self._served.pop()()

    async def _prove(self, request: bytes) -> bytes:
        index = msgspec.json.decode(request, type=int)
        return msgspec.json.encode(await asyncio.to_thread(prove, self._need(), index))

    async def _consistency(self, request: bytes) -> bytes:
        asked = msgspec.json.decode(request, type=Range)
        path = await asyncio.to_thread(self._need().reader.consistency, asked.old, asked.size)
        return msgspec.json.encode([each.hex() for each in path])

    async def _file(self, request: bytes) -> bytes:
        path = request.decode("ascii", "replace")
        if not _PUBLIC.fullmatch(path):
            raise no_such_file(path)
        return await asyncio.to_thread(self._need().reader.read, path)

    def _need(self) -> Log:
        if self._log is None:
            raise NotFound("The ledger is empty.", code="ledger.empty", hint="It begins with the first change.")
        return self._log


class LedgerClient:
    """Asks the writer's process. Every method raises ``Unavailable`` while that is away."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def prove(self, index: int) -> Proof:
        """The proof of one entry, without its personal values. Raises ``NotFound`` (``ledger.entry_unknown``)."""
        return msgspec.json.decode(await self._bus.request(PROVE, msgspec.json.encode(index)), type=Proof)

    async def consistency(self, old: int, size: int) -> Sequence[str]:
        """The consistency proof between two sizes, in hex. Raises ``Invalid`` (``ledger.bad_range``)."""
        asked = msgspec.json.encode(Range(old, size))
        return msgspec.json.decode(await self._bus.request(CONSISTENCY, asked), type=list[str])

    async def file(self, path: str) -> bytes:
        """A public file of the log. Raises ``NotFound`` (``ledger.file_unknown``)."""
        if not _PUBLIC.fullmatch(path):
            raise no_such_file(path)
        return await self._bus.request(FILE, path.encode())


def prove(log: Log, index: int) -> Proof:
    """The inclusion proof of entry ``index`` against the newest tree head."""
    reader: LogReader = log.reader
    note = reader.note()
    head = Checkpoint.parse(note.text)
    entry = reader.entry(index, head.size)
    return Proof(
        index=index,
        size=head.size,
        algorithm=log.info.algorithm,
        entry=entry.decode(),
        leaf=reader.hasher.leaf(entry).hex(),
        path=[each.hex() for each in reader.inclusion(index, head.size)],
        root=head.root.hex(),
        checkpoint=str(note),
        keys=reader.read("log.vkey").decode().splitlines(),
    )


def no_such_file(path: str) -> NotFound:
    """A path that no log has."""
    return NotFound(
        f"The ledger has no file {path[:80]}.",
        code="ledger.file_unknown",
        hint="Files come into being with the entries; begin with the checkpoint.",
    )
