"""The snapshots that a node keeps: made, read back and compared before anything is removed from the log behind them.

A snapshot is ``<position>.snapshot`` (:mod:`.snapshots`); what stands beside it as ``<position>.json`` says that it
was read back. Only such a one counts: as something to begin with, and as a reason to trim the log. Each step leaves a
folder from which the next run goes on, at whatever moment a process is killed.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from millwright.identity.records.errors import snapshot_no_room, snapshot_unusable
from millwright.identity.records.index import IndexView, RecordIndex
from millwright.identity.records.keys import SigningKeys
from millwright.identity.records.log import ChangeLog, hash_of
from millwright.identity.records.snapshots import Manifest, read_snapshot, write_snapshot
from millwright.kernel import Clock, Corrupt, Unavailable
from millwright.kernel.files import sync_folder

logger = logging.getLogger(__name__)

_SNAPSHOT, _PROOF = ".snapshot", ".json"
_DAY_MS: Final = 86_400_000
_ROOM: Final = 1.1


class KeptSnapshot(Struct, frozen=True, kw_only=True):
    """A snapshot that was read back; ``file`` is its name, ``bytes`` the size of the file, ``log_bytes`` that of the
    log when it was made."""

    file: str
    bytes: int
    verified_ms: int
    log_bytes: int
    manifest: Manifest

    @property
    def position(self) -> int:
        """The last batch that is in it."""
        return self.manifest.position


class Archive:
    """The folder of a node's snapshots. Its methods block.

    ``spare_bytes`` are left free on the disk whatever happens.
    """

    def __init__(self, folder: Path, keys: SigningKeys, clock: Clock, *, node: str, spare_bytes: int = 0) -> None:
        self._folder, self._keys, self._clock, self._node = folder, keys, clock, node
        self._spare = spare_bytes

    def kept(self) -> list[KeptSnapshot]:
        """Those that were read back and are there whole, newest first."""
        found = []
        for proof in self._folder.glob("*" + _PROOF):
            try:
                kept = msgspec.json.decode(proof.read_bytes(), type=KeptSnapshot)
                size = (self._folder / kept.file).stat().st_size
            except (OSError, msgspec.MsgspecError):
                continue
            if size == kept.bytes:
                found.append(kept)
        return sorted(found, key=lambda each: each.position, reverse=True)

    def path_of(self, kept: KeptSnapshot) -> Path:
        """Where its file is."""
        return self._folder / kept.file

    def make(self, index: RecordIndex) -> Path:
        """Write a snapshot of what the index says now; it does not count yet.

        Raises ``LimitExceeded`` (``records.snapshot_no_room``), also when the disk fills up meanwhile.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.tidy()
        # A copy of the index and the file that is made of it; then that file and what is read back from it.
        wanted = int(index.stats()["bytes_used"] * 2 * _ROOM) + self._spare
        free = shutil.disk_usage(self._folder).free
        if free < wanted:
            raise snapshot_no_room(f"{free / 1e6:,.0f} MB are free and {wanted / 1e6:,.0f} MB are wanted")
        partial = self._folder / "new.partial"
        try:
            made = write_snapshot(index, partial, self._keys, self._node, self._clock.now_ms())
        except (OSError, Unavailable) as error:
            partial.unlink(missing_ok=True)
            raise snapshot_no_room(str(error)) from error
        file = self._folder / f"{made.position:020d}{_SNAPSHOT}"
        file.with_suffix(_PROOF).unlink(missing_ok=True)
        partial.replace(file)
        sync_folder(self._folder)
        return file

    def verify(self, file: Path, index: RecordIndex, log: ChangeLog) -> KeptSnapshot:
        """Read a snapshot back to its last byte, compare it with the index and the log, and count it from now on.

        Raises ``Corrupt`` (``records.snapshot_unusable``), ``LimitExceeded`` (``records.snapshot_no_room``),
        ``Unavailable``.
        """
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".reading-") as temporary:
            try:
                manifest = read_snapshot(file, Path(temporary) / "index", self._keys)
            except Corrupt as error:
                if isinstance(error.__cause__, OSError):
                    raise snapshot_no_room(str(error.__cause__)) from error
                raise
        with index.view() as view:
            digest = view.digest_at(manifest.position)
        if digest is not None and digest.hex() != manifest.digest:
            raise snapshot_unusable(f"its digest is not that of the index at batch {manifest.position:,}")
        message = log.find(manifest.position)
        if message is not None and hash_of(message).hex() != manifest.chain:
            raise snapshot_unusable(f"the log has another batch at {manifest.position:,}")
        kept = KeptSnapshot(
            file=file.name,
            bytes=file.stat().st_size,
            verified_ms=self._clock.now_ms(),
            log_bytes=log.size(),
            manifest=manifest,
        )
        proof = file.with_suffix(_PROOF)
        partial = proof.with_suffix(".partial")
        try:
            with partial.open("wb") as written:
                written.write(msgspec.json.encode(kept))
                written.flush()
                os.fsync(written.fileno())
            partial.replace(proof)
        except OSError as error:
            raise snapshot_no_room(str(error)) from error
        sync_folder(self._folder)
        return kept

    def first_needed(self, view: IndexView, keep_days: int) -> int:
        """The first message of the log that is to stay: none that is younger than ``keep_days``, nor one that any of
        the kept snapshots, or the index itself, is to be followed from. 0 when there is no reason to trim."""
        kept = self.kept()
        if not kept or not keep_days:
            return 0
        old = view.position_before(self._clock.now_ms() - keep_days * _DAY_MS)
        return min(old, kept[-1].position, view.state.position)

    def prune(self, most: int) -> int:
        """Remove all but the newest ``most``; returns how many."""
        old = self.kept()[max(1, most) :]
        for each in old:
            # What counts is taken away first: what is left then is only a file.
            self.path_of(each).with_suffix(_PROOF).unlink(missing_ok=True)
            self.path_of(each).unlink(missing_ok=True)
        return len(old)

    def tidy(self) -> None:
        """Remove what a process that was killed has left: folders, parts of files, snapshots never read back."""
        for left in (*self._folder.glob(".snapshot-*"), *self._folder.glob(".reading-*")):
            shutil.rmtree(left, ignore_errors=True)
        for left in self._folder.glob("*.partial"):
            left.unlink(missing_ok=True)
        for file in self._folder.glob("*" + _SNAPSHOT):
            if not file.with_suffix(_PROOF).exists():
                file.unlink(missing_ok=True)

    def put_newest(self, folder: Path, at_least: int = 0) -> Manifest | None:
        """Put the index of the newest snapshot that can be read into a folder that is not there yet.

        One that cannot be read is told in the log and passed over; ``None`` when there is none of ``at_least``.
        """
        for each in self.kept():
            if each.position < at_least:
                return None
            try:
                return read_snapshot(self.path_of(each), folder, self._keys)
            except Corrupt as error:
                logger.error("the snapshot %s is passed over: %s", each.file, error.message)
        return None
