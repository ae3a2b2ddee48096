"""What was fetched, for as long as it may be kept: bounded in number and bytes, the longest unused goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final

from millwright.identity.handle.naming import fold
from millwright.identity.handle.records import RecordsView, StoredRecord
from millwright.identity.handle.wire.codes import Rc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from millwright.identity.handle.trust.model import Verdict
    from millwright.identity.records.effects import Effect
    from millwright.identity.records.model import Prefix

FAILED: Final = 0
"""In the place of a response code: nobody answered."""

_OVERHEAD_BYTES = 500
"""What the objects around a record take."""
_MOST_OF_ALL = 16
"""One record has at most this part of all memory."""
_NEGATIVE_SHARE = 5
"""What is not there may take a fifth beside what is: whoever asks for what does not exist pushes out only that."""


class Entry:
    """What a responsible server has said of a name (:class:`.Fetched`).

    ``code`` is its response code, or :data:`FAILED`; times are in seconds since 1970. ``refresh_s`` is the moment from
    which on it is not given without a look: the end of its time, or a little before. ``verdict`` is what its signatures
    are worth, ``None`` where they are not looked at.
    """

    __slots__ = (
        "cause", "code", "expires_s", "fetched_s", "hits", "key", "record", "refresh_s", "stale", "text", "verdict",
    )  # fmt: skip

    def __init__(
        self, key: bytes, code: int, record: StoredRecord | None, now_s: float, ttl_s: float, text: str = ""
    ) -> None:
        self.key, self.code, self.record, self.text = key, code, record, text
        self.fetched_s, self.expires_s = now_s, now_s + ttl_s
        self.refresh_s = self.expires_s
        self.hits = 0
        self.stale = False
        self.cause = ""
        self.verdict: Verdict | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return _OVERHEAD_BYTES + 2 * len(self.key) + (len(self.record.data) if self.record is not None else 0)

    def over(self, view: RecordsView) -> RecordsView:
        """A view in which the name is as it was fetched."""
        return Overlaid(view, (self,))


class Overlaid:
    """A view of the register, and some names of elsewhere (:class:`.RecordsView`)."""

    __slots__ = ("_found", "_view", "measured")

    def __init__(self, view: RecordsView, found: Iterable[Entry]) -> None:
        self._view = view
        self.measured = view.measured
        self._found = {each.key: each for each in found}

    def find(self, handle: bytes) -> StoredRecord | None:
        """A record, from elsewhere first: it is only asked for when the name is not kept here."""
        entry = self._found.get(fold(handle))
        return entry.record if entry is not None else self._view.find(handle)

    def find_verdict(self, handle: bytes) -> Verdict | None:
        """What the signatures of a record of elsewhere are worth, where that was looked at."""
        entry = self._found.get(fold(handle))
        return entry.verdict if entry is not None else None

    def effect(self, name: bytes) -> Effect | None:
        """As in the register: measures are this node's, whoever keeps the name."""
        return self._view.effect(name)

    def authority(self, name: bytes) -> Prefix | None:
        """As in the register."""
        return self._view.authority(name)

    def responsible(self, handle: bytes) -> bool:
        """Whether what is not found does not exist: here, or where was asked."""
        entry = self._found.get(fold(handle))
        if entry is not None:
            return entry.code in (Rc.SUCCESS, Rc.HANDLE_NOT_FOUND)
        return self._view.responsible(handle)

    def iter_handles(self, prefix: bytes, after: bytes = b"") -> Iterator[bytes]:
        """As in the register."""
        return self._view.iter_handles(prefix, after)

    def iter_prefixes(self) -> Iterator[bytes]:
        """As in the register."""
        return self._view.iter_prefixes()


@contextmanager
def overlaid(block: AbstractContextManager[RecordsView], found: Iterable[Entry]) -> Iterator[RecordsView]:
    """A block's view with names of elsewhere in it."""
    with block as view:
        yield Overlaid(view, found)


class _Kept:
    """Entries of one kind, within bounds."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self.entries: OrderedDict[bytes, Entry] = OrderedDict()
        self.bytes = self.evicted = 0

    def put(self, entry: Entry) -> None:
        self.drop(entry.key)
        size = entry.size
        if size * _MOST_OF_ALL > self._max_bytes:
            return
        self.entries[entry.key] = entry
        self.bytes += size
        while len(self.entries) > self._max_entries or self.bytes > self._max_bytes:
            _, old = self.entries.popitem(last=False)
            self.bytes -= old.size
            self.evicted += 1

    def drop(self, key: bytes) -> None:
        old = self.entries.pop(key, None)
        if old is not None:
            self.bytes -= old.size


class Cache:
    """Answers by folded name. ``positive`` is where the quick way looks by itself."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        self._positive = _Kept(max_entries, max_bytes)
        self._negative = _Kept(max(1, max_entries // _NEGATIVE_SHARE), max(1, max_bytes // _NEGATIVE_SHARE))
        self.positive = self._positive.entries

    def find(self, key: bytes) -> Entry | None:
        """A record, fresh or not."""
        entry = self.positive.get(key)
        if entry is not None:
            self.positive.move_to_end(key)
        return entry

    def find_negative(self, key: bytes, now_s: float) -> Entry | None:
        """That there is none, or that nobody answered, while that is remembered."""
        entry = self._negative.entries.get(key)
        if entry is None:
            return None
        if now_s >= entry.expires_s:
            self._negative.drop(key)
            return None
        self._negative.entries.move_to_end(key)
        return entry

    def put(self, entry: Entry) -> None:
        """Keep an answer. That there is no such name takes the place of a record; that nobody answered does not."""
        if entry.code == Rc.SUCCESS:
            self._negative.drop(entry.key)
            self._positive.put(entry)
            return
        if entry.code != FAILED:
            self._positive.drop(entry.key)
        self._negative.put(entry)

    def drop(self, key: bytes) -> None:
        """Forget a name."""
        self._positive.drop(key)
        self._negative.drop(key)

    def clear(self) -> int:
        """Forget everything; returns how many answers that were."""
        count = len(self)
        for kept in (self._positive, self._negative):
            kept.entries.clear()
            kept.bytes = 0
        return count

    def __len__(self) -> int:
        return len(self._positive.entries) + len(self._negative.entries)

    @property
    def bytes(self) -> int:
        """Bytes that all take, about."""
        return self._positive.bytes + self._negative.bytes

    @property
    def negatives(self) -> int:
        """How many say that there is nothing."""
        return len(self._negative.entries)

    @property
    def evicted(self) -> int:
        """How many had to go before their time."""
        return self._positive.evicted + self._negative.evicted
