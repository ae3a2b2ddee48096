"""A small filesystem for a data folder, and a ballast that fills it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

MB: Final = 1_000_000


@contextlib.contextmanager
def small_disk(disk: Path, size: int) -> Iterator[Path]:
    """A tmpfs of ``size`` bytes at ``disk``; skips the test where none may be mounted."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can mount a small tmpfs")
    disk.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


class Ballast:
    """A file that takes the room of the disk."""

    def __init__(self, disk: Path) -> None:
        self._disk, self._file = disk, disk / "ballast"

    def leave(self, free: int) -> None:
        """Leave ``free`` bytes; 0 fills the disk to its last block."""
        with self._file.open("ab") as file:
            try:
                while (left := shutil.disk_usage(self._disk).free - free) > 0:
                    file.write(b"\0" * min(left, MB))
                    file.flush()
            except OSError:
                pass

    def drop(self) -> None:
        """Give the room back."""
        self._file.unlink()
