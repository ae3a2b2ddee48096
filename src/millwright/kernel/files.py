"""Writing files so that a crash leaves either the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, data: bytes, *, private: bool = False, durable: bool = False) -> None:
    """Put ``data`` at ``path`` in one step, in a folder that is made if need be.

    ``private``: for the owner of the file alone, from its first byte on. ``durable``: return when it survives a loss of
    power.
    """
    partial = path.with_name(f".{path.name}.partial")
    mode = 0o644
    if private:
        mode = 0o600
        partial.unlink(missing_ok=True)  # who made it may have let others in
    try:
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        if durable:
            os.fsync(file)
    finally:
        os.close(file)
    partial.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Force a file that was written before to the disk; one that is gone needs no forcing."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(path: Path) -> None:
    """Force the names in a folder to the disk."""
    sync_file(path)
