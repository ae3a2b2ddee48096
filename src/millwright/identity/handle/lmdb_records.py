"""Handles in LMDB (:class:`.HandleRecords`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from millwright.engines.lmdb import LmdbEnvironment, Read, Write
from millwright.identity.handle.model import HandleValue, Reference
from millwright.identity.handle.naming import check_handle, fold
from millwright.identity.handle.records import Change, StoredRecord

_HANDLES, _PREFIXES = "handles", "prefixes"
_WHOLE_KEY_BYTES = 478
_BATCH = 20_000


def key_of(handle: bytes) -> bytes:
    """The key of a handle: folded; a long one keeps its start and is told apart by a hash (LMDB has 511 bytes)."""
    key = fold(handle)
    if len(key) <= _WHOLE_KEY_BYTES:
        return key
    return key[:_WHOLE_KEY_BYTES] + b"\xff" + hashlib.sha256(key).digest()


class LmdbView:
    """A moment of the index (:class:`.RecordsView`)."""

    __slots__ = ("_get", "_read")

    def __init__(self, read: Read) -> None:
        self._read = read
        self._get: Callable[[bytes], bytes | None] = read.getter(_HANDLES)

    def find(self, handle: bytes) -> StoredRecord | None:
        """A handle's record. Raises ``Corrupt``."""
        # LMDB has no empty key and says so by an error.
        data = self._get(key_of(handle)) if handle else None
        return None if data is None else StoredRecord.check(handle, data)

    def responsible(self, prefix: bytes) -> bool:
        """Whether handles of this prefix are registered here."""
        return bool(prefix) and self._read.find(_PREFIXES, key_of(prefix)) is not None

    def iter_handles(self, prefix: bytes, after: bytes = b"") -> Iterator[bytes]:
        """The handles of a prefix, as they were registered; those behind one of them in the order of their keys."""
        start = fold(prefix) + b"/"
        last = key_of(after) if after else start
        for key, data in self._read.iter_from(_HANDLES, last):
            if not key.startswith(start):
                return
            if key != last:
                yield StoredRecord.check(key, data).handle

    def iter_prefixes(self) -> Iterator[bytes]:
        """The prefixes whose handles are registered here."""
        for _, prefix in self._read.iter_from(_PREFIXES, b""):
            yield prefix


class LmdbRecords:
    """Handles in one LMDB folder. Raises what :class:`.LmdbEnvironment` does when the files are broken or full."""

    def __init__(self, path: Path, *, durable: bool = True, read_only: bool = False) -> None:
        self._environment = LmdbEnvironment(path, (_HANDLES, _PREFIXES), durable=durable, read_only=read_only)

    @contextmanager
    def view(self) -> Iterator[LmdbView]:
        """A consistent view for the length of a block."""
        with self._environment.read() as read:
            yield LmdbView(read)

    def change(self, handle: bytes, change: Change, administrator: Reference) -> None:  # noqa: ARG002 - who did it
        """Change one handle in a transaction."""
        key = key_of(handle)

        def work(write: Write) -> None:
            view = LmdbView(write)
            before = view.find(handle)
            values = change(view, before)
            if values is None:
                write.delete(_HANDLES, key)
            else:
                # A handle keeps the spelling in which it was registered first.
                spelling = before.handle if before is not None else check_handle(handle)
                write.put(_HANDLES, key, StoredRecord.build(spelling, values).data)

        self._environment.write(work)

    def load(self, records: Iterable[tuple[bytes, tuple[HandleValue, ...]]]) -> int:
        """Register many handles, replacing what is there; returns how many. A failure leaves whole batches."""
        total = 0
        batch: list[tuple[bytes, bytes]] = []
        for handle, values in records:
            batch.append((key_of(handle), StoredRecord.build(check_handle(handle), values).data))
            if len(batch) == _BATCH:
                total += self._put(batch)
                batch = []
        return total + self._put(batch)

    def _put(self, batch: list[tuple[bytes, bytes]]) -> int:
        # Sorted, neighbours share pages.
        batch.sort()

        def work(write: Write) -> None:
            for key, data in batch:
                write.put(_HANDLES, key, data)

        self._environment.write(work)
        return len(batch)

    def home(self, prefix: bytes) -> None:
        """Answer for the handles of a prefix from now on."""
        self._environment.write(lambda write: write.put(_PREFIXES, key_of(prefix), prefix))

    def unhome(self, prefix: bytes) -> None:
        """Answer for a prefix no longer; its handles stay."""
        self._environment.write(lambda write: write.delete(_PREFIXES, key_of(prefix)))

    def stats(self) -> dict[str, int]:
        """Gauges: handles, prefixes, bytes."""
        with self._environment.read() as read:
            counts = {name: read.count(name) for name in (_HANDLES, _PREFIXES)}
        return counts | self._environment.stats()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self._environment.sync()

    def verify(self) -> int:
        """Read everything and check it; returns how many handles there are. Raises ``Corrupt``."""
        self._environment.verify()
        with self._environment.read() as read:
            return sum(bool(StoredRecord.check(key, data)) for key, data in read.iter_from(_HANDLES, b""))

    def close(self) -> None:
        """Close the index."""
        self._environment.close()
