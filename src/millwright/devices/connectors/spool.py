"""What connections delivered and the stream does not have yet, in files: in order, numbered, and there after a kill.

A record is one run with its number and a checksum. Files are some megabytes each; one that is through is removed, and
the last is emptied whenever all of it is. While the broker takes what it is given, a record is gone from here some
milliseconds after it came, mostly before the system has written it to the disk.

One process has a folder at a time. Nothing here waits but the disk.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from millwright.devices.intake import Run
from millwright.kernel import new_id

logger = logging.getLogger(__name__)

_HEAD: Final = struct.Struct(">IIQ")
"""Length and CRC-32 of the run, its number."""
_FILE_BYTES: Final = 4 << 20
_SUFFIX: Final = ".runs"


@dataclass(slots=True)
class _File:
    path: Path
    size: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """Runs from the beginning of what waits, and the number of the last of them."""

    runs: list[Run]
    last: int
    bytes: int


class Spool:
    """Numbers grow by one and are of one ``epoch``, which ends when a process finds nothing left by the one before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: deque[_File] = deque()
        self._handle = -1
        self._read_at = 0
        self._made = 0
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Run)
        self.epoch = ""
        self.last = 0
        """Number of the newest record."""
        self.bytes = 0
        """How much waits."""

    def open(self) -> None:
        """Take over what the process before left; a record that is not whole, and what follows it in its file, was
        never told to be kept. Raises ``OSError``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            data = path.read_bytes()
            whole = 0
            for number, begin, end in _records(data):
                self.last, whole = max(self.last, number), end
                self.bytes += end - begin
            if whole < len(data):
                logger.warning("%d bytes at the end of %s are not whole, as after a power cut", len(data) - whole, path)
                os.truncate(path, whole)
            if whole:
                self._files.append(_File(path, whole))
                self.epoch = path.stem.partition("-")[2]
            else:
                path.unlink()
            self._made = int(path.stem.partition("-")[0])
        if not self._files:
            self.epoch = new_id("spl")
        self._add_file()

    def close(self) -> None:
        """Let go; what waits stays."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def append(self, runs: Sequence[Run]) -> None:
        """Keep runs, all or none. Raises ``OSError``: the disk is full, or broken."""
        if self._files[-1].size >= _FILE_BYTES:
            self._add_file()
        parts: list[bytes] = []
        number = self.last
        for run in runs:
            body = self._encoder.encode(run)
            number += 1
            parts += (_HEAD.pack(len(body), zlib.crc32(body), number), body)
        data = b"".join(parts)
        file = self._files[-1]
        try:
            written = os.write(self._handle, data)
            if written < len(data):
                raise OSError(f"{written} of {len(data)} bytes were written to {file.path}")
        except OSError:
            with suppress(OSError):
                os.truncate(file.path, file.size)
            raise
        file.size += len(data)
        self.bytes += len(data)
        self.last = number

    def take(self, most_bytes: int) -> Taken | None:
        """Runs from the beginning, at least one and at most some ``most_bytes``; :meth:`drop` what was done with."""
        file = next((each for each in self._files if each.size), None)
        if file is None or not self.bytes:
            return None
        runs: list[Run] = []
        last, end, size = 0, 0, most_bytes
        while not runs:
            data = _read(file.path, self._read_at, size)
            for number, begin, end_of_one in _records(data):
                runs.append(self._decoder.decode(data[begin + _HEAD.size : end_of_one]))
                last, end = number, end_of_one
            if not runs and self._read_at + len(data) >= file.size:
                self._give_up(file)
                return self.take(most_bytes)
            size = max(2 * size, _HEAD.size)  # the next one is larger
        return Taken(runs, last, end)

    def drop(self, taken: Taken) -> None:
        """Forget what was taken from the beginning."""
        self._read_at += taken.bytes
        self.bytes -= taken.bytes
        file = next(each for each in self._files if each.size)
        if self._read_at >= file.size:
            self._remove(file)

    def _give_up(self, file: _File) -> None:
        lost = file.size - self._read_at
        logger.error("%d bytes of values in %s are damaged and lost", lost, file.path)
        self.bytes -= lost
        self._remove(file)

    def _remove(self, file: _File) -> None:
        self._read_at = 0
        if file is self._files[-1]:
            os.ftruncate(self._handle, 0)
            file.size = 0
        else:
            self._files.remove(file)
            file.path.unlink(missing_ok=True)

    def drop_to(self, number: int) -> None:
        """Forget every record up to ``number``."""
        while (taken := self.take(1)) is not None and taken.last <= number:
            self.drop(taken)

    def duplicate_handle(self) -> int:
        """A handle of the newest file, to be forced to the disk by a thread and closed."""
        return os.dup(self._handle)

    def _add_file(self) -> None:
        self._made += 1
        path = self._folder / f"{self._made:08d}-{self.epoch}{_SUFFIX}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.close()
        self._handle = handle
        self._files.append(_File(path))


def _read(path: Path, at: int, size: int) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.pread(handle, size, at)
    finally:
        os.close(handle)


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each whole record at the beginning of ``data``."""
    at = 0
    while at + _HEAD.size <= len(data):
        size, checksum, number = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + size
        if end > len(data) or zlib.crc32(data[at + _HEAD.size : end]) != checksum:
            return
        yield number, at, end
        at = end
