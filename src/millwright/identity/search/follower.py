"""Following the register's log into the search index.

A little is done where it is noticed, in the web role. Much, such as an import or an index that is made anew, is done by
a process of its own, so that no page waits for it. A lock says who works; the position is in the same transaction as
what was read up to it.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from millwright.identity.handle.naming import fold, named_prefix
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records import Batch, Prefix, Records
from millwright.identity.records.authority import candidates
from millwright.identity.records.index import IndexView, key_of
from millwright.identity.records.log import CHANGED
from millwright.identity.records.model import RecordChange
from millwright.identity.search.documents import DocumentMaker
from millwright.identity.search.index import Doc, IndexWriter, SearchIndex
from millwright.kernel import Bus, Clock, Corrupt, MillwrightError, Unsubscribe, end

logger = logging.getLogger(__name__)

Spawn = Callable[[], Awaitable[Any]]
"""Starts the process that does much; what it returns has ``wait()``, ``terminate()`` and ``returncode``."""

_LOOK_S: Final = 1.0
_IDLE_S: Final = 10.0
_AGAIN_S: Final = 5.0
_LITTLE: Final = 2_000
"""So many changes are done where they are noticed."""
_CHUNK: Final = 5_000


class SearchFollower:
    """Brings the index up to the log. A :class:`millwright.kernel.Part`.

    With ``spawn`` it leaves what is much to another process; one that ``ends`` sends itself SIGTERM when it is done.
    """

    def __init__(
        self,
        index: SearchIndex,
        register: Records,
        maker: DocumentMaker,
        bus: Bus,
        clock: Clock,
        *,
        spawn: Spawn | None = None,
        ends: bool = False,
    ) -> None:
        self.index, self._register, self._maker = index, register, maker
        self._bus, self._clock, self._spawn, self._ends = bus, clock, spawn, ends
        self._told = asyncio.Event()
        self._stopping = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Unsubscribe | None = None
        self._process: Any = None
        self._not_before_s = 0.0
        self._problem: tuple[MillwrightError, int] | None = None
        self.indexed = 0

    async def start(self) -> None:
        """Follow from now on."""
        self._stopping.clear()
        self._unsubscribe = await self._bus.subscribe(CHANGED, self._hear)
        self._task = asyncio.create_task(self._run(), name="search index of identifiers")

    async def stop(self) -> None:
        """Follow no more."""
        self._stopping.set()
        self._told.set()  # it need not look at the clock once more
        if self._unsubscribe is not None:
            await self._unsubscribe()
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait([task], timeout=30) if not self._ends else None
        await end(task)
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            try:
                process.terminate()
                async with asyncio.timeout(10):
                    await process.wait()
            except (TimeoutError, ProcessLookupError):
                logger.warning("the process that indexes did not stop in time; it ends with this one")
        await asyncio.to_thread(self.index.close)

    async def _hear(self, _subject: str, _payload: bytes) -> None:
        self._told.set()

    async def _run(self) -> None:
        idle_s = 0.0
        while not self._stopping.is_set():
            worked = False
            try:
                if self._is_free():
                    worked, much = await asyncio.to_thread(self._step)
                    if much:
                        await self._leave()
                self._problem = None
            except MillwrightError as error:
                self._note(error)
            except Exception:
                logger.exception("the search index does not follow the log")
            if worked:
                idle_s = 0.0
                continue
            began = time.monotonic()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._told.wait()
            except TimeoutError:
                pass
            self._told.clear()
            idle_s += time.monotonic() - began
            if self._ends and idle_s > _IDLE_S:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _is_free(self) -> bool:
        """Whether there is nobody else to leave it to at present."""
        if self._process is None:
            return True
        if self._process.returncode is None:
            return False
        code, self._process = self._process.returncode, None
        if code not in (0, -15):
            logger.warning("the process that indexes ended with %s", code)
            self._not_before_s = time.monotonic() + _AGAIN_S
        return True

    async def _leave(self) -> None:
        assert self._spawn is not None
        if time.monotonic() >= self._not_before_s:
            try:
                self._process = await self._spawn()
            except OSError as error:
                logger.error("the process that indexes cannot be started: %s", error)
                self._not_before_s = time.monotonic() + _AGAIN_S

    # --- one step ----------------------------------------------------------------------------------------------------

    def step(self) -> bool:
        """Read what comes next into the index; returns whether there was anything. Blocks."""
        return self._step()[0]

    def _step(self) -> tuple[bool, bool]:
        """Whether anything was done, and whether there is much to do that another process shall."""
        with self._locked() as mine:
            if not mine:
                return False, False
            try:
                self.index.create()
                return self._further()
            except Corrupt as error:
                if error.code != "search.broken":
                    raise
                logger.error("%s It is made anew.", error.message)
                self.index.remove()
                return True, False

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        path = self.index.path
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def _further(self) -> tuple[bool, bool]:
        position, whole = self.index.state()
        if not whole:
            if self._spawn is not None and self._register.stats()["handles"] > _LITTLE:
                return False, True
            self._build(position)
            return True, False
        end_of_log = self._register.position
        if position >= end_of_log:
            return False, False
        batches = [each for each in self._register.read_log(position + 1) if each[0] <= end_of_log]
        if not batches or batches[0][0] != position + 1:
            logger.warning("the log of identifiers does not go back to %s; the search index is made anew", position + 1)
            self.index.remove()
            return True, False
        if self._spawn is not None:
            changes = sum(len(batch.changes) for _, batch in batches)
            if changes > _LITTLE or (batches[-1][0] < end_of_log and changes > _LITTLE // 2):
                return False, True
        self._apply(batches)
        return True, False

    def _apply(self, batches: list[tuple[int, Batch]]) -> None:
        with self._register.view() as view:
            whose = _Whose(view)
            for start in range(0, len(batches), 20):
                part = batches[start : start + 20]
                changes: dict[bytes, tuple[RecordChange, int]] = {}
                for _, batch in part:
                    for change in batch.changes:
                        changes[key_of(change.name)] = change, batch.at_ms
                gone, docs = self._documents(changes, whose)
                with self.index.writing() as writer:
                    for _, batch in part:
                        for prefix in batch.prefixes:
                            self._put_prefix(writer, view, prefix)
                    writer.delete(gone)
                    writer.put(docs)
                    writer.reached(part[-1][0], whole=True)
                self.indexed += len(changes)
                if self._stopping.is_set():
                    return

    def _documents(
        self, changes: dict[bytes, tuple[RecordChange, int]], whose: _Whose
    ) -> tuple[list[bytes], list[Doc]]:
        gone, docs = [], []
        for key, (change, at_ms) in changes.items():
            if change.data is None or named_prefix(change.name) is not None:
                gone.append(key)
            else:
                record = StoredRecord.check(change.name, change.data)
                docs.append(self._maker.make(key, record, whose.key(change.name), at_ms))
        return gone, docs

    def _put_prefix(self, writer: IndexWriter, view: IndexView, prefix: Prefix) -> None:
        """Set an entry. Records that stood under a shorter one may stand under this from now on."""
        key = fold(prefix.prefix.encode())
        if not writer.put_prefix(key, prefix):
            return
        whose = _Whose(view)
        above = [each for each in candidates(_example(key)) if len(each) < len(key)]
        for each in above:
            if view.find_prefix(each) is None:
                continue
            after = b""
            while keys := writer.keys_under(each, after, _CHUNK):
                for found in keys:
                    if whose.key(found) == key:
                        writer.move(found, key)
                after = keys[-1]

    def _build(self, position: int) -> None:
        """Read everything that is registered, a chunk at a time, and then what was changed since it was begun."""
        resume = self.index.resume_key()
        with self._register.view() as view:
            if not resume:
                position = view.state.position
                with self.index.writing() as writer:
                    for entry in view.iter_entries():
                        writer.put_prefix(fold(entry.prefix.encode()), entry)
            whose = _Whose(view)
            docs, times, last, read = [], dict[int, int](), resume, 0
            for key, record, _, at in islice(view.iter_records(resume), _CHUNK):
                last, read = key, read + 1
                if named_prefix(record.handle) is not None:
                    continue  # what is known of a prefix is no identifier
                if at not in times:
                    times[at] = view.made_ms(at)
                docs.append(self._maker.make(key, record, whose.key(record.handle), times[at]))
        with self.index.writing() as writer:
            writer.put(docs)
            whole = read < _CHUNK
            writer.reached(position, whole=whole, resume=b"" if whole else last)
        self.indexed += len(docs)

    # --- figures -----------------------------------------------------------------------------------------------------

    def _note(self, error: MillwrightError) -> None:
        if self._problem is None or self._problem[0].code != error.code:
            logger.warning("the search index waits: %s %s", error.message, error.hint)
            self._problem = error, self._clock.now_ms()

    def gauges(self) -> dict[str, float]:
        """How far the index is, and how large."""
        try:
            position, whole = self.index.state()
            lag = self._register.position - position
            return {**self.index.figures(), "search_lag": max(0, lag), "search_building": 0.0 if whole else 1.0}
        except MillwrightError:
            return {}


class _Whose:
    """Under which entry names stand; looked up once for each beginning of names."""

    def __init__(self, view: IndexView) -> None:
        self._view = view
        self._known: dict[bytes, bytes] = {}

    def key(self, name: bytes) -> bytes:
        """The key of the entry."""
        prefix, _, rest = name.partition(b"/")
        head = b"/".join(rest.split(b"/", 2)[:2]) if prefix.upper() == b"GS1" else prefix
        plain = prefix[:1].isdigit() or prefix.upper() == b"GS1"
        found = self._known.get(head) if plain else None
        if found is None:
            owner = self._view.authority(name)
            found = b"" if owner is None else fold(owner.prefix.encode())
            if plain and len(self._known) < 100_000:
                self._known[head] = found
        return found


def _example(key: bytes) -> bytes:
    """A name that stands under a prefix, to tell what that one stands under."""
    label, colon, rest = key.partition(b":")
    if not colon:
        return key + b"/X"
    return b"GS1/01/0" + rest if label == b"GS1" else label + b"/" + rest
