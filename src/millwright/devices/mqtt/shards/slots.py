"""Slots: which process a device belongs to, and the lock that makes a process the only one on its slot.

The lock is one of the kernel's on a file (``flock``). Processes that share a port share a machine, so it is the exact
truth: it is never held by two, and it is free at the instant its holder dies, however it dies. A holder that hangs is
killed, and only then is the lock free. No clock is part of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
from pathlib import Path

import xxhash

logger = logging.getLogger(__name__)


def slot_of(device_id: str, processes: int) -> int:
    """The slot of a device, from 1 on."""
    return xxhash.xxh3_64_intdigest(device_id.encode()) % processes + 1


class SlotFolder:
    """Where the processes of one listener find each other: locks and sockets in a folder closed to other users."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._handle: int | None = None

    def open(self) -> None:
        """Make the folder."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)  # also when it was there before
        if self._handle is None:
            self._handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def lock(self, number: int) -> Path:
        """The file whose lock is the slot."""
        return self.root / f"{number}.lock"

    def link(self, number: int) -> str:
        """Where a process takes messages of the others."""
        return self._short(f"{number}.link")

    def door(self, number: int) -> str:
        """Where a process takes connections of the others."""
        return self._short(f"{number}.door")

    def clear(self, path: str) -> str:
        """Remove what an earlier process left there."""
        Path(path).unlink(missing_ok=True)
        return path

    def _short(self, name: str) -> str:
        # The name of a Unix socket has about a hundred bytes, a data folder may lie deeper.
        by_handle = Path(f"/proc/self/fd/{self._handle}")
        return str((by_handle if by_handle.is_dir() else self.root) / name)

    def holder(self, number: int) -> int | None:
        """The process that holds a slot (0: it has not said which it is), ``None`` when nobody does."""
        try:
            file = os.open(self.lock(number), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.read(file, 32).decode(errors="replace").strip()
            return int(text) if text.isdigit() else 0
        else:
            return None
        finally:
            os.close(file)

    def kill(self, number: int, why: str) -> None:
        """End the process that holds a slot; its supervisor starts another."""
        process = self.holder(number)
        if process and process != os.getpid():
            logger.error("process %d of the listener (%d) %s; it is killed", number, process, why)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


class SlotLock:
    """The right to serve the devices of one slot."""

    def __init__(self, folder: SlotFolder, number: int) -> None:
        self._path = folder.lock(number)
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the slot, if nobody holds it; whether that was done."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
