"""Writing files so that a crash leaves either the old one or the new one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from millwright.kernel import files
from millwright.kernel.files import write_whole


def test_it_makes_the_folder_and_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "note"
    for durable in (False, True):
        write_whole(path, f"durable: {durable}".encode(), durable=durable)
        assert path.read_text() == f"durable: {durable}"
    assert [each.name for each in path.parent.iterdir()] == ["note"]


def test_a_private_file_is_so_from_the_first_byte_whoever_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "key"
    left = tmp_path / ".key.partial"
    left.write_text("of a crash")
    left.chmod(0o666)
    held = left.open()
    write_whole(path, b"secret", private=True, durable=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert held.read() == "of a crash", "who had opened it before reads nothing new"
    held.close()


def test_a_disk_that_takes_a_part_is_given_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda file, data: write(file, data[:3]))
    write_whole(tmp_path / "note", b"0123456789")
    assert (tmp_path / "note").read_bytes() == b"0123456789"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "note"
    write_whole(path, b"old")

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
