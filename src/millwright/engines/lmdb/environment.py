"""One LMDB environment: a folder with some named tables.

LMDB keeps two versions of the tree and switches between them by one write, so a process killed at any moment leaves the
last committed one. It has no checksums of its own; what is stored should carry one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import lmdb

from millwright.engines.lmdb.errors import corrupt, full, unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_KEY_BYTES = 511
_RESIZE_TIMEOUT_S = 10.0
_BROKEN = (
    lmdb.CorruptedError,
    lmdb.InvalidError,
    lmdb.PageNotFoundError,
    lmdb.PanicError,
    lmdb.VersionMismatchError,
    lmdb.IncompatibleError,
)


class Read:
    """A consistent view of the tables; ends with the block that it came from."""

    __slots__ = ("_tables", "_txn")

    def __init__(self, txn: Any, tables: dict[str, Any]) -> None:
        self._txn = txn
        self._tables = tables

    @property
    def moment(self) -> int:
        """Which commit the view shows: equal for two views between which nothing was committed."""
        return int(self._txn.id())

    def getter(self, table: str) -> Callable[[bytes], bytes | None]:
        """A function from key to value for a hot loop within this view."""
        get, db = self._txn.get, self._tables[table]
        return lambda key: get(key, None, db)

    def find(self, table: str, key: bytes) -> bytes | None:
        """The value of a key."""
        db = self._tables[table]
        found: bytes | None = self._txn.get(key, None, db) if db is not None else None
        return found

    def iter_from(self, table: str, key: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in the order of their keys from the first that is not below ``key``."""
        if self._tables[table] is None:
            return
        with self._txn.cursor(self._tables[table]) as cursor:
            if cursor.set_range(key) if key else cursor.first():
                yield from cursor

    def find_before(self, table: str, key: bytes) -> tuple[bytes, bytes] | None:
        """The last pair whose key is below ``key``."""
        with self._txn.cursor(self._tables[table]) as cursor:
            found = cursor.prev() if cursor.set_range(key) else cursor.last()
            return cursor.item() if found else None

    def count(self, table: str) -> int:
        """How many keys a table holds."""
        db = self._tables[table]
        return int(self._txn.stat(db)["entries"]) if db is not None else 0


class Write(Read):
    """A view that may be changed; what it changed is durable when its block has ended without an error."""

    __slots__ = ()

    def put(self, table: str, key: bytes, value: bytes, *, append: bool = False) -> None:
        """Set a key; ``append`` is for a key above all others and packs pages full."""
        self._txn.put(key, value, append=append, db=self._tables[table])

    def delete(self, table: str, key: bytes) -> bool:
        """Remove a key; returns whether it was there."""
        return bool(self._txn.delete(key, db=self._tables[table]))


class LmdbEnvironment:
    """A folder with an LMDB database of some named tables.

    Readers may be many, in threads and processes; writers wait for one another. ``durable`` waits for the disk at each
    commit; without it a power failure (not a killed process) may break the index, so that is for one that can be built
    anew. ``may_lack``: tables that a file which is only read may have been written without; they are empty then. The
    file takes what it holds; ``initial_bytes`` is address space. Raises ``Corrupt`` (``lmdb.corrupt``),
    ``LimitExceeded`` (``lmdb.full``) and ``Unavailable`` (``lmdb.unavailable``).
    """

    def __init__(
        self,
        path: Path,
        tables: tuple[str, ...],
        *,
        initial_bytes: int = 16 << 30,
        largest_bytes: int = 1 << 40,
        durable: bool = True,
        read_only: bool = False,
        may_lack: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self._largest = largest_bytes
        # The map may only be moved while no transaction of this process is open.
        self._idle = threading.Condition()
        self._open = self._moves = 0
        data = path / "data.mdb"
        present = data.is_file() and data.stat().st_size > 0
        if not read_only:
            path.mkdir(parents=True, exist_ok=True)
        try:
            # The map is address space, not memory: it is at least as large as what is stored.
            size = max(initial_bytes, data.stat().st_size * 2 if present else 0)
            self._env: Any = lmdb.open(
                str(path),
                map_size=min(size, largest_bytes),
                max_dbs=len(tables),
                sync=durable,
                metasync=durable,
                readonly=read_only,
                readahead=False,
                max_readers=256,
                max_spare_txns=4,
            )
        except _BROKEN as error:
            raise corrupt(path, str(error)) from error
        except (lmdb.Error, OSError) as error:
            raise unavailable(path, str(error)) from error
        opened = data.stat()
        self._identity = opened.st_dev, opened.st_ino
        try:
            suspicious = present and self._mend_length(data, read_only)
            self._tables = {name: self._table(name, read_only, name in may_lack) for name in tables}
            if not read_only:
                # A view that was open in a process that was killed would keep old pages from being used again.
                self._env.reader_check()
            if suspicious:
                self.verify()
        except _BROKEN as error:
            self._env.close()
            raise corrupt(path, str(error)) from error
        except lmdb.Error as error:
            self._env.close()
            raise unavailable(path, str(error)) from error
        except BaseException:
            self._env.close()
            raise

    def _table(self, name: str, read_only: bool, may_lack: bool) -> Any:
        try:
            return self._env.open_db(name.encode(), create=not read_only, integerkey=False)
        except lmdb.NotFoundError:
            if may_lack:
                return None
            raise

    def _mend_length(self, data: Path, read_only: bool) -> bool:
        """Whether the file is shorter than its own account of it.

        Touching a page beyond the end of the file would kill the process (SIGBUS). With zeros there, LMDB answers that
        the page is broken; a page that is free may be missing rightly.
        """
        wanted = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        size = data.stat().st_size
        if size >= wanted:
            return False
        logger.warning("%s has %s bytes and should have %s: looking through all of it", data, size, wanted)
        if read_only:
            raise corrupt(self.path, f"{data.name} has {size:,} bytes of {wanted:,}")
        os.truncate(data, wanted)
        return True

    def verify(self) -> int:
        """Read every key; returns how many there are. Raises ``Corrupt``."""
        total = 0
        with self.read() as view:
            for name in self._tables:
                walked = sum(1 for _ in view.iter_from(name, b""))
                if walked != view.count(name):
                    raise corrupt(self.path, f"table {name} should have {view.count(name)} keys and has {walked}")
                total += walked
        return total

    @contextmanager
    def read(self) -> Iterator[Read]:
        """A view of what was committed last."""
        try:
            with self._transaction(write=False) as txn:
                yield Read(txn, self._tables)
        except _BROKEN as error:
            raise corrupt(self.path, str(error)) from error
        except lmdb.Error as error:
            raise unavailable(self.path, str(error)) from error

    def write(self, work: Callable[[Write], T]) -> T:
        """Run ``work`` in a transaction and commit it; an error of its own rolls back.

        ``work`` may run again, from the start, when the map had to grow.
        """
        while True:
            try:
                with self._transaction(write=True) as txn:
                    return work(Write(txn, self._tables))
            except lmdb.MapFullError:
                self._grow()
            except _BROKEN as error:
                raise corrupt(self.path, str(error)) from error
            except lmdb.Error as error:
                raise unavailable(self.path, str(error)) from error

    @contextmanager
    def _transaction(self, write: bool) -> Iterator[Any]:
        txn = self._begin(write)
        try:
            with txn:
                yield txn
        finally:
            self._uncount()

    def _begin(self, write: bool) -> Any:
        """A transaction, counted as open."""
        while True:
            with self._idle:
                self._open += 1
                moves = self._moves
            try:
                return self._env.begin(write=write)
            except lmdb.MapResizedError:
                # Another process has grown the map: take over its size. Who waits for that is not counted, or two
                # threads would wait for one another.
                self._uncount()
            except BaseException:
                self._uncount()
                raise
            self._resize(0, moves)

    def _uncount(self) -> None:
        with self._idle:
            self._open -= 1
            self._idle.notify_all()

    def _resize(self, size: int, moves: int | None = None) -> None:
        """Move the map, unless another thread has since the moves were ``moves``."""
        with self._idle:
            moved = self._idle.wait_for(lambda: not self._open or moves not in (None, self._moves), _RESIZE_TIMEOUT_S)
            if not moved:
                raise unavailable(self.path, "a reader holds its view and the map cannot grow")
            if moves in (None, self._moves):
                self._env.set_mapsize(size)
                self._moves += 1
                self._idle.notify_all()

    def _grow(self) -> None:
        size = self._env.info()["map_size"]
        if size >= self._largest:
            raise full(self.path, self._largest)
        self._resize(min(size * 2, self._largest))
        logger.info("the index in %s may now take %s bytes", self.path, self._env.info()["map_size"])

    def copy(self, folder: Path) -> None:
        """Write what was committed last, without holes, into an empty folder. Readers and writers go on meanwhile."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._env.copy(str(folder), compact=True)
        except _BROKEN as error:
            raise corrupt(self.path, str(error)) from error
        except (lmdb.Error, OSError) as error:
            raise unavailable(folder, str(error)) from error

    @property
    def replaced(self) -> bool:
        """Whether another folder was put in the place of the one that was opened."""
        try:
            found = (self.path / "data.mdb").stat()
        except FileNotFoundError:
            return True
        return (found.st_dev, found.st_ino) != self._identity

    def stats(self) -> dict[str, int]:
        """Gauges: bytes used and reserved, readers."""
        info, page = self._env.info(), self._env.stat()["psize"]
        return {
            "bytes_used": (info["last_pgno"] + 1) * page,
            "bytes_reserved": info["map_size"],
            "readers": info["num_readers"],
        }

    def sync(self) -> None:
        """Wait until everything committed is on the disk."""
        self._env.sync(True)

    def close(self) -> None:
        """Close the files; every view must have ended."""
        self._env.close()
