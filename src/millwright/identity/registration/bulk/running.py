"""One import, from its first row, or from where it was interrupted, to its end. Blocks; run it in a thread."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from millwright.engines.tables import RefusalWriter
from millwright.identity.handle.naming import fold
from millwright.identity.handle.records import StoredRecord
from millwright.identity.records import Prefix, Records
from millwright.identity.records.index import IndexView
from millwright.identity.records.writing import Pending
from millwright.identity.registration import naming
from millwright.identity.registration.bulk.encoding import Problem, RowEncoder, RowRefused, problem_of
from millwright.identity.registration.bulk.model import MOST_LISTED, ImportSettings, RefusedRow
from millwright.identity.registration.bulk.reading import Cells, Row, estimate, opened
from millwright.identity.registration.bulk.store import ImportFiles, ImportStore, settings_of
from millwright.identity.registration.errors import exists, not_yours, once_removed
from millwright.identity.registration.sealing import ValueSeals
from millwright.identity.registration.service import Registration, check_open
from millwright.identity.templates import Template
from millwright.kernel import Clock, MillwrightError
from millwright.kernel.scope import Scope

logger = logging.getLogger(__name__)

_PART_BYTES: Final = 5_000_000
"""A part that has become so large is closed early: one message of the log holds little more."""
_AHEAD: Final = 2
_BATCH_REFUSED = Problem(
    "identifiers.batch_refused", "Another row of its batch was refused.", "同批次中有其他行被拒绝，整批未登记"
)


@dataclass(slots=True)
class Item:
    """A row that can be registered as far as it says itself."""

    line: int
    row: int
    identifier: str
    cells: Cells
    record: StoredRecord


@dataclass(slots=True)
class Part:
    """Rows that are written together."""

    number: int
    items: list[Item] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    rows: int = 0
    size: int = 0


@dataclass(slots=True)
class Outcome:
    """What became of a part."""

    registered: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


class ImportRun:
    """Runs one import. ``registration`` and ``store`` see everything; the scope is the import's own."""

    def __init__(
        self,
        row: Any,
        template: Template,
        register: Records,
        registration: Registration,
        seals: ValueSeals,
        store: ImportStore,
        files: ImportFiles,
        clock: Clock,
        stopped: Callable[[], bool],
    ) -> None:
        settings = settings_of(row)
        assert settings is not None
        self._row, self._settings, self._template = row, settings, template
        self._register, self._registration, self._seals = register, registration, seals
        self._store, self._files, self._clock, self._stopped = store, files, clock, stopped
        self._scope = Scope(frozenset(row.scope))
        self._counts: dict[str, int] = {
            name: getattr(row, name) for name in ("rows", "registered", "changed", "unchanged", "refused")
        }
        self._listed = 0

    def run(self) -> str:
        """How it ended: ``done``, ``cancelled``, or ``stopped`` when this process shall end. Raises what fails it."""
        row, files = self._row, self._files
        if row.total is None:
            about = estimate(files.source(row.id), row.settings["format"])
            self._store.update(row.id, total=about)
        with (
            opened(files.source(row.id), row.settings["format"]) as (columns, rows),
            RefusalWriter(files.refusals(row.id), row.refused_bytes) as refusals,
        ):
            encoder = RowEncoder(
                self._template, columns, row.columns, row.started_ms // 1000, self._seals, self._owner_of
            )
            parts = self._parts(encoder, rows)
            first = True
            with closing(_Ahead(parts)) as ahead:
                for part in ahead:
                    if self._stopped():
                        return "stopped"
                    if self._cancelled():
                        return "cancelled"
                    outcome = self._do(part, encoder, look_back=first)
                    first = False
                    self._record(part, outcome, refusals)
            self._store.update(row.id, total=self._counts["rows"])
            return "done"

    # --- rows ------------------------------------------------------------------------------------------------------

    def _parts(self, encoder: RowEncoder, rows: Iterator[Row]) -> Iterator[Part]:
        """The parts that are not recorded yet, encoded."""
        done = self._counts["rows"]
        part = Part(self._row.part + 1)
        make = self._maker()
        for number, (line, cells) in enumerate(islice(rows, done, None), done + 1):
            identifier = encoder.identifier(cells) if make is None else make(number)
            part.rows += 1
            try:
                record = encoder.encode(identifier, cells)
                if not self._settings.dry_run:
                    record = self._register.signed(record)
            except RowRefused as why:
                part.refused += _refusals(line, number, identifier, why.problems)
            else:
                part.items.append(Item(line, number, identifier, cells, record))
                part.size += len(record.data)
            if part.rows >= self._settings.batch_size or part.size >= _PART_BYTES:
                yield part
                part = Part(part.number + 1)
        if part.rows:
            yield part

    def _maker(self) -> Callable[[int], str] | None:
        """Makes the identifier of a row, the same one each time, or ``None`` where a column has it."""
        wanted, prefix = self._settings.suffix, self._settings.prefix
        if wanted is None or prefix is None:
            return None
        if naming.counts(wanted):
            write, first = naming.writer(prefix, wanted), int(self._row.settings["serial"])
            return lambda number: write(first + number - 1)
        return naming.writer(prefix, wanted, self._row.settings["secret"].encode())

    def _owner_of(self, name: bytes) -> str:
        with self._register.view() as view:
            owner = view.authority(name)
        return "" if owner is None else owner.organisation_id

    # --- parts -----------------------------------------------------------------------------------------------------

    def _do(self, part: Part, encoder: RowEncoder, *, look_back: bool) -> Outcome:
        if self._settings.dry_run:
            with self._register.view() as view:
                return self._decide(part, encoder, view, None)
        mark = f"{self._row.id} {part.number}"
        if look_back and (found := self._made_before(part, mark)) is not None:
            logger.info("part %s of %s was written before the interruption", part.number, self._row.id)
            return found
        outcome = Outcome()

        def work(pending: Pending) -> None:
            nonlocal outcome
            outcome = self._decide(part, encoder, pending.view, pending)

        self._register.batch(work, who=self._row.who, reason=mark)
        return outcome

    def _decide(self, part: Part, encoder: RowEncoder, view: IndexView, pending: Pending | None) -> Outcome:
        """Look at each row in the light of what is registered; with ``pending`` write it."""
        outcome = Outcome()
        holders: dict[bytes, Prefix | MillwrightError] = {}
        seen: set[bytes] = set()
        chosen: list[tuple[StoredRecord, int, bool]] = []
        for item in part.items:
            name = item.record.handle
            try:
                self._check_holder(view, name, item.identifier, holders)
                version = view.version(name)
                key = fold(name)
                if version and key not in seen:
                    made = self._meet(view, item, name, version, encoder)
                    if made is None:
                        outcome.unchanged += 1
                        continue
                    outcome.changed += 1
                    chosen.append((made, version, False))
                elif key in seen:
                    raise exists(item.identifier)
                else:
                    outcome.registered += 1
                    chosen.append((item.record, 0, True))
                seen.add(key)
            except RowRefused as why:
                outcome.refused += _refusals(item.line, item.row, item.identifier, why.problems)
            except MillwrightError as error:
                outcome.refused += _refusals(item.line, item.row, item.identifier, [problem_of(error)])
        if self._settings.whole_batches and (outcome.refused or part.refused):
            told = {each.row for each in (*outcome.refused, *part.refused)}
            rest = [each for each in part.items if each.row not in told]
            more = [one for each in rest for one in _refusals(each.line, each.row, each.identifier, [_BATCH_REFUSED])]
            return Outcome(refused=outcome.refused + more)
        if pending is not None:
            for record, version, signed in chosen:
                pending.put(record, version, signed=signed)
        return outcome

    def _check_holder(
        self, view: IndexView, name: bytes, identifier: str, holders: dict[bytes, Prefix | MillwrightError]
    ) -> None:
        """Raise unless this import may register the name at present; looked up once for each beginning of names."""
        head = _head(name)
        found = holders.get(head)
        if found is None:
            owner = view.authority(name)
            if owner is None or owner.organisation_id not in self._scope:
                found = not_yours(identifier)
            else:
                found = owner
                try:
                    check_open(owner)
                except MillwrightError as error:
                    found = error
            holders[head] = found
        if isinstance(found, MillwrightError):
            raise not_yours(identifier) if found.code == "identifiers.no_prefix" else found

    def _meet(self, view: IndexView, item: Item, name: bytes, version: int, encoder: RowEncoder) -> StoredRecord | None:
        """What becomes of an identifier that is registered already; ``None``: nothing."""
        before = view.find(name)
        if before is None:
            raise once_removed(item.identifier, version)
        if self._settings.existing == "skip":
            return None
        if self._settings.existing == "refuse":
            raise exists(item.identifier)
        fields, links = encoder.read(item.cells)
        owner = view.authority(name)
        assert owner is not None
        now_s = self._row.started_ms // 1000
        values = self._registration.merged(name, owner, before, self._template, fields, links or None, now_s=now_s)
        after = StoredRecord.build(before.handle, values)
        return None if after.data == before.data else after

    def _made_before(self, part: Part, mark: str) -> Outcome | None:
        """What became of a part that is in the log already, though that was not recorded: by the mark it left."""
        outcome, marked = Outcome(), False
        with self._register.view() as view:
            seen: set[bytes] = set()
            for item in part.items:
                name = item.record.handle
                key = fold(name)
                history = view.history(name)
                made = next((each for each in history if each.reason == mark), None)
                if made is not None and key not in seen:
                    marked = True
                    seen.add(key)
                    if made.version == 1:
                        outcome.registered += 1
                    else:
                        outcome.changed += 1
                    continue
                # Its row was refused or changed nothing then; it is the same now.
                try:
                    self._check_holder(view, name, item.identifier, {})
                    if key in seen:
                        raise exists(item.identifier)
                    if view.find(name) is None:
                        raise once_removed(item.identifier, len(history)) if history else exists(item.identifier)
                    if self._settings.existing == "refuse":
                        raise exists(item.identifier)
                    outcome.unchanged += 1
                except MillwrightError as error:
                    outcome.refused += _refusals(item.line, item.row, item.identifier, [problem_of(error)])
        return outcome if marked else None

    # --- progress --------------------------------------------------------------------------------------------------

    def _record(self, part: Part, outcome: Outcome, refusals: RefusalWriter) -> None:
        refused = sorted((*part.refused, *outcome.refused), key=lambda each: each.row)
        counts = self._counts
        room = max(0, MOST_LISTED - counts["refused"])
        refusals.write(refused[:room])
        counts["rows"] += part.rows
        counts["registered"] += outcome.registered
        counts["changed"] += outcome.changed
        counts["unchanged"] += outcome.unchanged
        counts["refused"] += len({each.row for each in refused})
        progress: dict[str, Any] = {**counts, "refused_bytes": refusals.size, "part": part.number}
        self._store.update(self._row.id, **progress)

    def _cancelled(self) -> bool:
        row = self._store.find(self._row.id)
        return row is None or bool(row.cancelled)


class _Ahead:
    """Parts made by a thread of their own while those before are written: writing mostly waits for the disk."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._queue: queue.Queue[Part | BaseException | None] = queue.Queue(_AHEAD)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._make, args=(parts,), name="encode rows", daemon=True)
        self._thread.start()

    def _make(self, parts: Iterator[Part]) -> None:
        last: BaseException | None = None
        try:
            for part in parts:
                if not self._put(part):
                    return
        except BaseException as error:
            last = error
        self._put(last)

    def _put(self, item: Part | BaseException | None) -> bool:
        while not self._ended.is_set():
            try:
                self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[Part]:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(30)


def _head(name: bytes) -> bytes:
    """The beginning of a name that decides whose it is: a handle's prefix, a GS1 key, anything else as a whole."""
    prefix, _, rest = name.partition(b"/")
    if prefix == b"GS1":
        return b"/".join(rest.split(b"/", 2)[:2])
    return prefix if prefix[:1].isdigit() else name


def _refusals(line: int, row: int, identifier: str, problems: Sequence[Problem]) -> list[RefusedRow]:
    return [
        RefusedRow(
            line=line, row=row, identifier=identifier[:500], column=each.column, field=each.field, code=each.code,
            reason=each.reason, reason_zh=each.reason_zh,
        )
        for each in problems
    ]  # fmt: skip


def needs_count(settings: ImportSettings) -> bool:
    """Whether rows have to be counted before an import begins: for as many numbers."""
    return settings.suffix is not None and naming.counts(settings.suffix)
