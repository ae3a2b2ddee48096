"""Writing a batch: computed against the index, appended to the log, and then committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from millwright.identity.handle.naming import check_handle
from millwright.identity.handle.records import Change, StoredRecord
from millwright.identity.records.errors import rebuilding, too_large, two_writers, unconfirmed
from millwright.identity.records.index import IndexState, IndexView, IndexWriter, key_of
from millwright.identity.records.keys import SigningKeys
from millwright.identity.records.log import MOST_BATCH_BYTES, ChangeLog, encode_batch
from millwright.identity.records.model import Batch, Measure, Prefix, RecordChange, Written
from millwright.kernel import Clock, Unavailable

if TYPE_CHECKING:
    from millwright.identity.handle.trust.signing import Signers


class Pending:
    """What a batch will say: computed and put into the index's transaction, which is not committed yet.

    ``signers`` sign the records of their prefixes, whoever changes them.
    """

    def __init__(self, writer: IndexWriter, reason: str = "", signers: Signers | None = None, now_s: int = 0) -> None:
        self._writer, self._reason = writer, reason
        self._signers, self._now_s = signers, now_s
        self._position = writer.state.position + 1
        self.changes: list[RecordChange] = []
        self.prefixes: list[Prefix] = []
        self.measures: list[Measure] = []
        self.written: list[Written] = []
        self._size = 0

    def put_prefix(self, prefix: Prefix) -> None:
        """Set the entry of a prefix."""
        if self._writer.view.find_prefix(prefix.prefix.encode()) != prefix:
            self._writer.put_prefix(prefix)
            self.prefixes.append(prefix)

    def put_measure(self, measure: Measure) -> None:
        """Take a measure, or change one of the same id."""
        if self._writer.view.find_measure(measure.id) != measure:
            self._writer.put_measure(measure)
            self.measures.append(measure)

    def change(self, name: bytes, change: Change) -> None:
        """Change one record. Raises what ``change`` does, and ``Invalid`` (``handle.invalid``)."""
        writer = self._writer
        before, version = writer.find(name)
        values = change(writer.view, before)
        # A handle keeps the spelling in which it was registered first.
        spelling = before.handle if before is not None else check_handle(name)
        if values is not None and self._signers is not None:
            values = self._signers.values(spelling, values, before, self._now_s)
        data = None if values is None else StoredRecord.build(spelling, values).data
        if data == (None if before is None else before.data):
            self.written.append(Written(spelling, "same", version))
            return
        self._make(key_of(name), spelling, data, version + 1)

    @property
    def view(self) -> IndexView:
        """What is registered, with what this batch has changed so far."""
        return self._writer.view

    def put(self, record: StoredRecord, version: int, *, signed: bool = False) -> None:
        """Put a record whose stored form is known already; ``version`` is how often its name was changed before, and
        ``signed`` that it is as :meth:`.Records.signed` has made it.

        For very many: nothing is looked up here. Raises ``Invalid`` (``handle.invalid``).
        """
        name = check_handle(record.handle)
        if self._signers is not None and not signed:
            record = self._signers.signed(record, self._now_s)
        self._make(key_of(name), name, record.data, version + 1)

    def _make(self, key: bytes, spelling: bytes, data: bytes | None, version: int) -> None:
        made = RecordChange(spelling, "delete" if data is None else "put", version, data, self._reason)
        self._size += len(spelling) + len(data or b"") + len(self._reason) + 16
        if self._size > MOST_BATCH_BYTES:
            raise too_large(self._size, MOST_BATCH_BYTES)
        self._writer.change(made, self._position, key)
        self.changes.append(made)
        self.written.append(Written(spelling, made.op, made.version))


Work = Callable[[Pending], None]


class Author:
    """Who writes: signs the next batch and appends it."""

    def __init__(
        self, log: ChangeLog, keys: SigningKeys, clock: Clock, origin: str, signers: Signers | None = None
    ) -> None:
        self._log, self._keys, self._clock, self._origin = log, keys, clock, origin
        self._signers = signers

    def begin(self, writer: IndexWriter, reason: str) -> Pending:
        """A batch that says nothing yet."""
        return Pending(writer, reason, self._signers, self._clock.now_ms() // 1000)

    def check_turn(self, state: IndexState) -> None:
        """Raise unless this node may append after ``state``."""
        if not state.whole:
            raise rebuilding(state.position)
        if state.writer and not self._keys.is_own(state.writer):
            raise two_writers(f"the last batch is signed by the key {state.writer.hex()}")

    def sign(self, pending: Pending, who: str, state: IndexState) -> tuple[Batch, bytes]:
        """The next batch and its message. Raises ``LimitExceeded`` (``records.batch_too_large``)."""
        batch = Batch(
            at_ms=self._clock.now_ms(),
            origin=self._origin,
            who=who,
            previous=state.chain,
            changes=tuple(pending.changes),
            prefixes=tuple(pending.prefixes),
            measures=tuple(pending.measures),
        )
        return batch, encode_batch(batch, self._keys.signer())

    def append(self, message: bytes, after: int) -> int:
        """Append a message; when the log does not say, look whether it is there.

        Raises ``Conflict`` (``engines.stream_moved``), ``LimitExceeded`` and ``Unavailable`` (``records.unconfirmed``).
        """
        try:
            return self._log.append(message, after)
        except Unavailable as error:
            try:
                found = self._log.find(after + 1)
            except Unavailable:
                found = None
            if found != message:
                raise unconfirmed(error.message) from error
            return after + 1


class Attempt:
    """One transaction of a writer. It may have to run again after its batch is in the log: the index had to grow."""

    def __init__(self, author: Author, work: Work, who: str, reason: str, *, taking_over: bool) -> None:
        self._author, self._work, self._who, self._reason = author, work, who, reason
        self._taking_over = taking_over
        self._done: tuple[Pending, Batch, bytes] | None = None
        self.position = 0
        """Where the batch is in the log; 0 when nothing was to be appended."""

    def run(self, writer: IndexWriter) -> Pending:
        """Compute, append, and leave the rest to the commit."""
        if self._done is not None:
            pending, batch, message = self._done
            if writer.state.position < self.position:
                writer.apply(batch, self.position, message)
            return pending
        if not self._taking_over:
            self._author.check_turn(writer.state)
        pending = self._author.begin(writer, self._reason)
        self._work(pending)
        if pending.changes or pending.prefixes or pending.measures or self._taking_over:
            batch, message = self._author.sign(pending, self._who, writer.state)
            self.position = self._author.append(message, writer.state.position)
            self._done = pending, batch, message
            writer.close(batch, self.position, message)
        return pending
