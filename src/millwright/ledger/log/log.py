"""The writer of a log: durable appends, tiles, signed checkpoints, and recovery after any kind of death.

``append`` returns when the journal is on the disk. ``publish`` brings what was appended into the tiles and signs a
checkpoint over it; a checkpoint therefore never covers an entry that a crash could lose, and the log never forks.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from millwright.kernel import Conflict, Corrupt, Invalid
from millwright.kernel.files import write_whole
from millwright.ledger.log.frontier import Frontier
from millwright.ledger.log.journal import Journal
from millwright.ledger.log.keys import KeyFile
from millwright.ledger.log.reader import LogReader
from millwright.ledger.merkle import Algorithm, Hasher
from millwright.ledger.merkle.tiles import tile_number
from millwright.ledger.notes import Checkpoint, Note, Signer, sign, signed_by

MOST_ENTRY_BYTES = 65_535
"""An entry's length is written in two bytes (C2SP tlog-tiles)."""

INFO_FILE = "log.json"
"""The file that holds a :class:`LogInfo`."""

_JOURNAL_BYTES = 32 * 1024 * 1024


class LogInfo(msgspec.Struct, frozen=True):
    """What was decided when a log was made, and never changes."""

    origin: str
    algorithm: Algorithm
    created_ms: int


class Log:
    """The log in ``folder``, for one writer at a time.

    A folder without a log gets one as ``wanted`` says; an existing one keeps its own origin and algorithm. Raises
    ``Conflict`` (``ledger.locked``) while another process writes there, ``Corrupt`` when the files contradict what was
    signed.
    """

    def __init__(self, folder: Path, wanted: LogInfo, keys: KeyFile, *, journal_bytes: int = _JOURNAL_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _lock(folder / "lock")
        try:
            self.public = folder / "public"
            self.info = read_info(self.public) or _make(self.public, wanted)
            self._hasher = Hasher(self.info.algorithm)
            self.reader = LogReader.in_folder(self._hasher, self.public)
            self._keys, self._keys_seen = keys, -1
            self._signers: Sequence[Signer] = ()
            self._journal_bytes = journal_bytes
            self._journal = Journal(folder / "journal")
            self._signed: int | None = None  # the size of the newest signed tree head
            self._frontier = self._recover()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def size(self) -> int:
        """How many entries are durable."""
        return self._frontier.size + len(self._waiting)

    @property
    def published(self) -> int:
        """How many entries the tiles hold."""
        return self._frontier.size

    def append(self, entries: Sequence[bytes]) -> int:
        """Make the entries durable, all or none; returns the position of the first.

        Raises ``Invalid`` (``ledger.entry_too_long``), ``LimitExceeded`` (``ledger.disk_full``).
        """
        for entry in entries:
            if not 0 < len(entry) <= MOST_ENTRY_BYTES:
                raise Invalid(
                    f"An entry of {len(entry)} bytes cannot be kept.",
                    code="ledger.entry_too_long",
                    hint=f"It has 1 to {MOST_ENTRY_BYTES} bytes.",
                )
        first = self.size
        if entries:
            self._journal.append(entries)
            self._waiting += entries
        return first

    def publish(self) -> Note | None:
        """Bring what was appended into the tiles and sign the tree head; ``None`` for a log without an entry."""
        keys_changed = self._load_keys()
        if self._signed != self.size or keys_changed:
            self._take_in()
            note = self._sign()
            if self._journal.length > self._journal_bytes:  # after signing: readers of the former head need its tiles
                self._settle()
            return note
        return self.reader.note() if self.size else None

    def attach(self, cosignatures: str, size: int) -> None:
        """Keep a witness's signature lines with the tree head of ``size``, if that is still the newest."""
        note = self.reader.note()
        if Checkpoint.parse(note.text).size == size:
            known = note.signature_lines()
            fresh = "".join(f"{line}\n" for line in cosignatures.splitlines() if line not in known)
            note = note.with_signatures(fresh)
            write_whole(self.public / "checkpoint", str(note).encode())
            write_whole(self.public / "witnessed", str(note).encode(), durable=True)

    def close(self) -> None:
        """Publish, and let another process write."""
        self.publish()
        self._journal.close()
        os.close(self._lock)

    # --- inside --------------------------------------------------------------------------------------------------

    def _recover(self) -> Frontier:
        """The frontier after every durable entry; checks that the newest signed tree head is a part of it."""
        first, self._waiting = self._journal.first, list(self._journal.entries)
        self._journal.entries.clear()
        frontier = Frontier.load(self._hasher, first, self.reader.tile, self.reader.bundle)
        self._frontier = frontier
        if (self.public / "checkpoint").exists():
            signed = self.reader.checkpoint()
            self._signed = signed.size
            if signed.size > self.size:
                raise Corrupt(
                    f"The ledger signed {signed.size} entries and holds {self.size}.",
                    code="ledger.entries_lost",
                    hint="Restore the ledger's folder from a backup that holds them all.",
                )
            self._take_in()
            if self.reader.root(signed.size, frontier.size) != signed.root:
                raise Corrupt(
                    f"The ledger's first {signed.size} entries are not those it signed.",
                    code="ledger.forked",
                    hint="Copy the folder away, run `millwright ledger verify` on it, and restore a backup.",
                )
        return frontier

    def _take_in(self) -> None:
        for entry in self._waiting:
            for path, data in self._frontier.add(entry):
                write_whole(self.public / path, data)
        self._waiting.clear()
        for path, data in self._frontier.partial():
            write_whole(self.public / path, data)

    def _settle(self) -> None:
        """Force all files to the disk; then the journal begins anew and partial files that became full can go."""
        _sync_filesystem(self.public)
        first = self._journal.first
        self._journal.begin_anew(self._frontier.size)
        self._remove_partial(first)

    def _remove_partial(self, first: int) -> None:
        level, folders = 0, [self.public / "tile" / "entries"]
        size = self._frontier.size
        while size >> (8 * level):
            folders.append(self.public / "tile" / str(level))
            level += 1
        for position, folder in enumerate(folders):
            width = 8 * max(position, 1)
            for index in range(first >> width, size >> width):
                partial = folder / f"{tile_number(index)}.p"
                if partial.is_dir():
                    for file in partial.iterdir():
                        file.unlink()
                    partial.rmdir()

    def _load_keys(self) -> bool:
        changed_ns = self._keys.changed_ns()
        if changed_ns == self._keys_seen and self._signers:
            return False
        before = self._signers
        self._signers = self._keys.load(self.info.origin)
        self._keys_seen = self._keys.changed_ns()
        path = self.public / "log.vkey"
        known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        fresh = [str(each.verifier) for each in self._signers if str(each.verifier) not in known]
        if fresh:
            write_whole(path, "".join(f"{line}\n" for line in [*known, *fresh]).encode(), durable=True)
        if before or not (self.public / "checkpoint").exists():
            return True
        note = self.reader.note()
        return not all(signed_by(note, each.verifier) for each in self._signers)

    def _sign(self) -> Note:
        text = Checkpoint(self.info.origin, self._frontier.size, self._frontier.root()).text()
        note = sign(text, self._signers)
        write_whole(self.public / "checkpoint", str(note).encode())
        self._signed = self._frontier.size
        return note


def read_info(folder: Path) -> LogInfo | None:
    """What the log whose public files are in ``folder`` is, or ``None`` when there is none."""
    try:
        return msgspec.json.decode((folder / INFO_FILE).read_bytes(), type=LogInfo)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"{folder / INFO_FILE} cannot be read: {error}",
            code="ledger.info_broken",
            hint="Restore the ledger's folder from a backup.",
        ) from error


def _make(folder: Path, wanted: LogInfo) -> LogInfo:
    write_whole(folder / INFO_FILE, msgspec.json.encode(wanted), durable=True)
    return wanted


def _lock(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise Conflict(
            f"Another process writes the ledger in {path.parent}.",
            code="ledger.locked",
            hint="A ledger has one writer; stop the other one.",
        ) from error
    return file


def _sync_filesystem(folder: Path) -> None:
    """Force everything written to the filesystem of ``folder`` to the disk: one call instead of one for each tile."""
    file = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(file) != 0:
            raise OSError(ctypes.get_errno(), "syncfs failed")
    finally:
        os.close(file)
