"""The journal: entries in one file, forced to the disk by one call for a whole batch.

Head: magic, version, the position of the first entry. Then records: length and CRC-32 of the entry, the entry. A batch
is acknowledged after its records are on the disk, so whatever follows the last whole record was never acknowledged and
is cut off.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from millwright.kernel import Corrupt, LimitExceeded
from millwright.kernel.files import sync_folder, write_whole

_MAGIC = b"MWLEDGR1"
_HEAD = struct.Struct(">8sQ")
_RECORD = struct.Struct(">II")
_MOST_BYTES = 65_535


class Journal:
    """The journal at ``path``, opened for appending.

    Raises ``Corrupt`` (``ledger.journal_broken``) when the file is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            write_whole(path, _HEAD.pack(_MAGIC, 0), private=True, durable=True)
        self.first, self.entries, self._end = self._recover()
        self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        if os.fstat(self._file).st_size != self._end:
            os.ftruncate(self._file, self._end)
            os.fsync(self._file)

    @property
    def length(self) -> int:
        """How long the file is."""
        return self._end

    def _recover(self) -> tuple[int, list[bytes], int]:
        data = self._path.read_bytes()
        try:
            magic, first = _HEAD.unpack_from(data)
        except struct.error:
            magic, first = b"", 0
        if magic != _MAGIC:
            raise Corrupt(
                f"{self._path} is no journal of a ledger.",
                code="ledger.journal_broken",
                hint="Restore the ledger's folder from a backup.",
            )
        entries, position = [], _HEAD.size
        while position + _RECORD.size <= len(data):
            length, crc = _RECORD.unpack_from(data, position)
            entry = data[position + _RECORD.size : position + _RECORD.size + length]
            if not 0 < length <= _MOST_BYTES or len(entry) != length or zlib.crc32(entry) != crc:
                break
            entries.append(entry)
            position += _RECORD.size + length
        return first, entries, position

    def append(self, entries: Sequence[bytes]) -> None:
        """Return when the entries are on the disk.

        Raises ``LimitExceeded`` (``ledger.disk_full``); nothing of the batch is kept then.
        """
        parts: list[bytes] = []
        for entry in entries:
            parts += (_RECORD.pack(len(entry), zlib.crc32(entry)), entry)
        data = b"".join(parts)
        try:
            self._write(data)
            os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise LimitExceeded(
                f"The ledger's journal cannot be written: {error.strerror}.",
                code="ledger.disk_full",
                hint="Free disk space; the entries wait in the stream LEDGER.",
                retry_after_s=1.0,
            ) from error
        self._end += len(data)

    def _write(self, data: bytes) -> None:
        view, position = memoryview(data), self._end
        while view:
            written = os.pwrite(self._file, view, position)
            view, position = view[written:], position + written

    def begin_anew(self, first: int) -> None:
        """Forget every entry: all before ``first`` is durable elsewhere."""
        write_whole(self._path, _HEAD.pack(_MAGIC, first), private=True, durable=True)
        os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
        self.first, self._end = first, _HEAD.size
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
