"""Registering and changing: one writer at a time over all processes of a node, and nothing that the log does not have.

A change is made in LMDB's write transaction: what the caller wants is computed against the index, the batch is appended
to the log where the index ends, and when the log has it the transaction is committed. Who dies between the two leaves a
log that is ahead; the next writer, or the follower, brings the index up to it.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.records import Change, StoredRecord
from millwright.identity.records.archive import Archive
from millwright.identity.records.errors import closed, is_mirror, log_behind, log_trimmed, two_writers, unverified
from millwright.identity.records.index import IndexState, IndexView, IndexWriter, RecordIndex, Unfinished
from millwright.identity.records.keys import SigningKeys
from millwright.identity.records.log import FIRST_PREVIOUS, ChangeLog, decode_batch, hash_of, key_of_message
from millwright.identity.records.model import Batch, Measure, Prefix, Version, Written
from millwright.identity.records.snapshots import read_snapshot
from millwright.identity.records.writing import Attempt, Author, Pending, Work
from millwright.kernel import Clock, Conflict, Corrupt, Unavailable

if TYPE_CHECKING:
    from millwright.identity.handle.trust.signing import Signers

logger = logging.getLogger(__name__)

_ATTEMPTS = 4
_AT_START_S = 1.0
_MANY_BYTES = 4_000_000
_REASON_CHARACTERS = 1_000


class Records:
    """The identifiers of a node (:class:`.HandleRecords`). A :class:`millwright.kernel.Part`.

    ``folder`` holds the index; ``origin`` names the node in the log; ``signers`` sign the records of their prefixes.
    What writes or catches up blocks: call it from a thread. Any process of the node may write; in a ``mirror`` none
    does, and its index follows the log. ``archive`` has the snapshots that an index begins with when there is none, or
    a broken one.
    """

    def __init__(
        self,
        folder: Path,
        log: ChangeLog,
        clock: Clock,
        *,
        origin: str,
        keys: SigningKeys,
        mirror: bool = False,
        durable: bool = True,
        signers: Signers | None = None,
        archive: Archive | None = None,
    ) -> None:
        self._folder, self._log, self._clock, self._keys = folder, log, clock, keys
        self._signers = signers
        self._author = Author(log, keys, clock, origin, signers)
        self._durable, self._archive = durable, archive
        self.mirror = mirror
        self._index: RecordIndex | None = None
        self._opening = threading.Lock()
        self._whole = False
        self._last = 0
        self.suspect = False
        """Whether something broken was read: :meth:`rebuild` mends that."""
        self.lacking = False
        """Whether the log does not go back to where the index is: so does that."""
        self.batches = self.changes = self.applied = 0

    async def start(self) -> None:
        """Open the log and the index. Raises as :meth:`open`."""
        await self._log.open()
        await asyncio.to_thread(self.open)

    async def stop(self) -> None:
        """Close the index and the log."""
        await asyncio.to_thread(self.close)
        await self._log.close()

    def open(self) -> None:
        """Open the index, a new one in the place of a broken one, and bring it up to the log, if that takes no longer
        than a second. Until it once was there, what is asked of :meth:`view` raises.

        A log that may not be followed is only logged: what is in the index is served. Raises ``Unavailable``,
        but not in a mirror.
        """
        self._index = self._opened()
        try:
            self.catch_up(within_s=_AT_START_S)
        except (Corrupt, Conflict) as error:
            logger.error("the log of identifiers is not followed: %s", error.message)
        except Unavailable as error:
            if error.code == "records.log_trimmed":
                logger.error("%s", error.message)
                return
            if not self.mirror:
                self.close()
                raise
            # It resolves from what it has: that is what a mirror is for.
            logger.warning("the primary's log of identifiers does not answer: %s", error.message)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the index."""
        index, self._index = self._index, None
        if index is not None:
            index.close()

    # --- reading -----------------------------------------------------------------------------------------------------

    @contextmanager
    def view(self) -> Iterator[IndexView]:
        """A consistent view for the length of a block; cheap. What is asked of it raises ``Unavailable``
        (``records.rebuilding``) while the index is new and not up to the log yet, and ``Corrupt``."""
        index = self._index
        if index is None:
            raise closed()
        try:
            with index.view() as view:
                if not self._whole:
                    state = view.state
                    self._whole = state.whole
                    if not state.whole:
                        view = IndexView(Unfinished(state.position))
                yield view
        except Corrupt:
            self.suspect = True
            raise

    def history(self, name: bytes) -> list[Version]:
        """Every version of a name, oldest first; empty when there never was one."""
        with self.view() as view:
            return view.history(name)

    def state(self) -> IndexState:
        """How far the index is."""
        return self._current().state()

    @property
    def log(self) -> ChangeLog:
        """The log that it follows."""
        return self._log

    @property
    def position(self) -> int:
        """The last batch of the log that is in the index."""
        return self.state().position

    @property
    def digest(self) -> str:
        """In hex: equal for two indexes that say the same, whatever the order in which they came to it."""
        return self.state().digest.hex()

    @property
    def lag(self) -> int:
        """How many messages of the log, as last seen, are not in the index."""
        return max(0, self._last - self.position)

    def stats(self) -> dict[str, int]:
        """Gauges: names, prefixes, bytes."""
        return self._current().stats()

    def verify(self) -> int:
        """Read the whole index and check it; returns how many names it has. Raises ``Corrupt``."""
        return self._current().verify()

    def snapshot(self, folder: Path) -> None:
        """Write a copy of the index into an empty folder; a mirror may begin with it."""
        self._current().copy(folder)

    # --- writing -----------------------------------------------------------------------------------------------------

    def change(self, handle: bytes, change: Change, administrator: Reference) -> None:
        """Change one handle (:class:`.HandleRecords`). Raises as :meth:`change_many`."""
        self.change_many([(handle, change)], who=str(administrator))

    def put_prefix(self, prefix: Prefix, *, who: str) -> None:
        """Set the entry of a prefix. Raises as :meth:`change_many`."""
        self.change_many((), who=who, prefixes=(prefix,))

    def put_measure(self, measure: Measure, *, who: str) -> None:
        """Take a measure, or change one of the same id. Raises as :meth:`change_many`."""
        self._write(lambda pending: pending.put_measure(measure), who, "")

    def change_many(
        self,
        changes: Iterable[tuple[bytes, Change]],
        *,
        who: str,
        reason: str = "",
        prefixes: Sequence[Prefix] = (),
    ) -> list[Written]:
        """Set entries of prefixes and make changes, each seeing those before it: all of them or none.

        ``who`` is the id of who does it and ``reason`` why, in at most 1,000 characters, for the log. Returns, when it
        is durable, what became of each change. What a change raises leaves all as it is; it may be called again.

        Raises ``Denied`` (``records.mirror``), ``Conflict`` (``records.two_writers``), ``LimitExceeded``
        (``records.batch_too_large``, ``engines.stream_full``), ``Unavailable`` (``records.unconfirmed``: it may have
        been made; ``records.rebuilding``).
        """
        wanted = list(changes)

        def work(pending: Pending) -> None:
            for prefix in prefixes:
                pending.put_prefix(prefix)
            for name, change in wanted:
                pending.change(name, change)

        return self._write(work, who, reason[:_REASON_CHARACTERS]).written if wanted or prefixes else []

    def batch(self, work: Work, *, who: str, reason: str = "") -> Pending:
        """Make one batch by a function that is given what it will say: for who writes very many. Raises as
        :meth:`change_many`; ``work`` may be called again, and what it raises leaves all as it is."""
        return self._write(work, who, reason)

    def signed(self, record: StoredRecord) -> StoredRecord:
        """A record as it will be written: with its signature where its prefix has a signer. For who prepares very many
        outside of the transaction in which others wait."""
        return record if self._signers is None else self._signers.signed(record, self._clock.now_ms() // 1000)

    def put_many(self, records: Iterable[tuple[bytes, tuple[HandleValue, ...]]], *, who: str, reason: str = "") -> int:
        """Register records, in the place of those that are there; returns how many. A failure leaves whole batches."""
        total = size = 0
        part: list[tuple[bytes, Change]] = []
        for name, values in records:
            part.append((name, _replacing(values)))
            size += len(name) + sum(len(value.data) + 64 for value in values)
            if size >= _MANY_BYTES:
                total += len(self.change_many(part, who=who, reason=reason))
                part, size = [], 0
        return total + len(self.change_many(part, who=who, reason=reason))

    def take_over(self, *, who: str) -> None:
        """Write from now on in the place of the node that wrote before, which is refused from then on."""
        self._write(lambda _: None, who, "", taking_over=True)

    def _write(self, work: Work, who: str, reason: str, *, taking_over: bool = False) -> Pending:
        if self.mirror:
            raise is_mirror()
        for _ in range(_ATTEMPTS):
            attempt = Attempt(self._author, work, who, reason, taking_over=taking_over)
            try:
                pending = self._current().write(attempt.run)
            except Conflict as error:
                if error.code != "engines.stream_moved":
                    raise
                # The log is ahead of the index: a process died between the two, or another node writes.
                self.catch_up()
                continue
            if attempt.position:
                self.batches += 1
                self.changes += len(pending.changes)
                self._last = max(self._last, attempt.position)
                self._log.announce(attempt.position)
            return pending
        raise two_writers("it appends between two looks at the log")

    # --- following ---------------------------------------------------------------------------------------------------

    def catch_up(self, *, within_s: float | None = None) -> bool:
        """Bring the index up to the log; returns whether it is there, if ``within_s`` seconds were enough.

        Raises ``Corrupt`` (``records.batch_unverified``, ``records.log_behind``), ``Conflict``
        (``records.two_writers``), ``Unavailable``.
        """
        there = self._bring_up(self._current(), within_s)
        self._whole = self._whole or there
        return there

    def read_log(self, first: int) -> list[tuple[int, Batch]]:
        """Batches of the log from a position on, verified, so many as are read at once; for who follows it into an
        index of another kind. None when there are no more, or when those are gone from the log. Raises as
        :meth:`catch_up`."""
        last = self._log.last()
        page = self._log.page(first, last) if first <= last else []
        batches, fault = self._verified(page)
        if fault is not None and not batches:
            raise fault
        return [(position, batch) for position, _, batch in batches]

    def _bring_up(self, index: RecordIndex, within_s: float | None = None) -> bool:
        started_s = time.monotonic()
        last = self._last = self._log.last()
        state = index.state()
        if last < state.position:
            index.write(self._mend)
            last = self._last = self._log.last()
        if not self.mirror and state.position < last:
            # Mostly a writer has appended and not committed yet: it holds the lock until it has.
            state = index.write(lambda writer: writer.state)
        while state.position < last or not state.whole:
            page = self._log.page(state.position + 1, last) if state.position < last else []
            batches, fault = self._verified(page)
            if batches:
                if batches[0][2].previous != state.chain:
                    if batches[0][0] > state.position + 1:
                        raise log_trimmed(state.position, batches[0][0])
                    raise unverified(batches[0][0], f"it does not follow the batch at {state.position} that is here")
                self._log.keep([(position, message) for position, message, _ in batches])
            end = last if fault is None and (not page or page[-1][0] >= last) else None
            state = index.write(self._applying(batches, end))
            if fault is not None:
                raise fault
            if end is None and within_s is not None and time.monotonic() - started_s > within_s:
                return False
        return True

    def _verified(
        self, page: list[tuple[int, bytes]]
    ) -> tuple[list[tuple[int, bytes, Batch]], Corrupt | Conflict | None]:
        """The batches up to the first that does not verify, and what is wrong with that."""
        found: list[tuple[int, bytes, Batch]] = []
        for position, message in page:
            key_id = key_of_message(message)
            if not self.mirror and len(key_id) == 4 and self._keys.find(key_id) is None:
                return found, two_writers(f"batch {position} is signed by the key {key_id.hex()}, not known here")
            try:
                found.append((position, message, decode_batch(message, position, self._keys)))
            except Corrupt as error:
                return found, error
        return found, None

    def _applying(
        self, batches: list[tuple[int, bytes, Batch]], end: int | None
    ) -> Callable[[IndexWriter], IndexState]:
        def run(writer: IndexWriter) -> IndexState:
            for position, message, batch in batches:
                # Another process may have been here first.
                if position > writer.state.position:
                    writer.apply(batch, position, message)
                    self.applied += len(batch.changes)
            if end is not None:
                writer.skip_to(end, whole=True)
            return writer.state

        return run

    def _mend(self, writer: IndexWriter) -> None:
        """Give back to the log what it has lost at its end: a power failure takes what the broker had not synced.

        Raises ``Corrupt`` (``records.log_behind``).
        """
        last, state = self._log.last(), writer.state
        if last >= state.position:
            return
        lost = writer.tail(last + 1, state.position)
        if self.mirror or not self._keys.is_own(state.writer) or len(lost) != state.position - last:
            raise log_behind(last, state.position)
        end = self._log.find(last) if last else None
        follows = FIRST_PREVIOUS if end is None else hash_of(end)
        if decode_batch(lost[0][1], last + 1, self._keys).previous != follows:
            raise log_behind(last, state.position)
        logger.warning("the log of identifiers has lost its last %s batches; appending them again", len(lost))
        for position, message in lost:
            self._author.append(message, position - 1)

    # --- the folder --------------------------------------------------------------------------------------------------

    def rebuild(self) -> None:
        """Build the index anew beside the one in use, and put it in its place; the one in use is kept as
        ``….broken-<time>``. It begins with the newest snapshot that can be had, if the log agrees with that; without
        one, with the log. For one process of a node. Raises as :meth:`catch_up`, and ``Unavailable``
        (``records.log_trimmed``) when neither goes far enough back."""
        fresh = self._beside("new")
        self._clear("new")
        first = self._log.first()
        if not (self._begun(fresh, first) and self._built(fresh, trying=first <= 1)):
            self._built(fresh)
        with self._locked():
            self._set_aside()
            fresh.rename(self._folder)
        self.suspect = self.lacking = False
        self._current()

    def _built(self, fresh: Path, *, trying: bool = False) -> bool:
        """Bring a folder up to the log; when ``trying``, what does not agree with it is removed."""
        index = RecordIndex(fresh, durable=False)
        try:
            self._bring_up(index)
            index.sync()
            return True
        except Corrupt as error:
            if not trying:
                raise
            logger.error("the log does not go on behind the snapshot: %s", error.message)
        finally:
            index.close()
        shutil.rmtree(fresh)
        return False

    def _begun(self, fresh: Path, first: int) -> bool:
        """Put a snapshot into a folder, of this node or of the primary's, behind which the log goes on."""
        if self._archive is not None and self._archive.put_newest(fresh, first - 1) is not None:
            return True
        if first <= 1:
            return False
        with tempfile.TemporaryDirectory(dir=self._folder.parent, prefix=f"{self._folder.name}.fetching-") as temporary:
            file = self._log.fetch_snapshot(Path(temporary), first - 1)
            if file is None:
                return False
            made = read_snapshot(file, fresh, self._keys)
        logger.warning("the index begins with a snapshot of %s, at batch %s", made.node, made.position)
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The right to move the folder, over all processes."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _beside(self, what: str) -> Path:
        return self._folder.with_name(f"{self._folder.name}.{what}-{self._clock.now_ms()}")

    def _clear(self, what: str) -> None:
        for left in self._folder.parent.glob(f"{self._folder.name}.{what}-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _set_aside(self) -> None:
        aside = self._beside("broken")
        self._clear("broken")
        self._folder.rename(aside)
        logger.warning("the index of identifiers that was broken is kept as %s", aside.name)

    def _opened(self) -> RecordIndex:
        with self._locked():
            if not (self._folder / "data.mdb").exists():
                self._put_snapshot()
            try:
                return _probed(self._folder, self._durable, self._clock)
            except Corrupt as error:
                logger.error("%s It is built anew from the log.", error.message)
                self._set_aside()
                self._put_snapshot()
                return _probed(self._folder, self._durable, self._clock)

    def _put_snapshot(self) -> None:
        """Begin with the newest snapshot of this node, where there is one; the rest is in the log."""
        if self._archive is None or not self._archive.kept():
            return
        fresh = self._beside("new")
        made = self._archive.put_newest(fresh)
        if made is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            fresh.rename(self._folder)
            logger.warning("the index of identifiers begins with the snapshot at batch %s", made.position)

    def _current(self) -> RecordIndex:
        """The index, opened again when another process has put a new one in its place."""
        index = self._index
        if index is None:
            raise closed()
        if not index.replaced:
            return index
        with self._opening:
            if self._index is index:
                logger.warning("the index of identifiers was replaced; opening the new one")
                self._whole = False
                # The old one closes when the last view of it has ended.
                self._index = self._opened()
            return self._index or index


def _probed(folder: Path, durable: bool, clock: Clock) -> RecordIndex:
    index = RecordIndex(folder, durable=durable, clock=clock)
    try:
        index.state()
        index.stats()
    except BaseException:
        index.close()
        raise
    return index


def _replacing(values: tuple[HandleValue, ...]) -> Change:
    return lambda _view, _before: values
