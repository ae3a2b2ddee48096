from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from millwright.app.folder import DataFolder, FolderLock, lock_holder
from millwright.kernel import Conflict, Denied


def test_second_lock_names_the_holder(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    lock = FolderLock(folder)
    lock.acquire()
    with pytest.raises(Conflict) as refused:
        FolderLock(folder).acquire()
    assert refused.value.detail == {"pid": os.getpid()}
    assert lock_holder(folder) == os.getpid()
    lock.release()
    assert lock_holder(folder) is None
    FolderLock(folder).acquire()


def test_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from millwright.app.folder import DataFolder, FolderLock;"
        "FolderLock(DataFolder(Path(sys.argv[1]))).acquire(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    assert (tmp_path / "millwright.pid").read_text().strip().isdigit()
    assert lock_holder(DataFolder(tmp_path)) is None


def test_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.make()
    assert folder.root.stat().st_mode & 0o077 == 0


def test_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(Denied) as refused:
        DataFolder(tmp_path / "data").make()
    assert refused.value.code == "app.folder_denied"


def test_addresses_are_read_back_and_damage_is_none(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.read_addresses() is None
    folder.write_addresses({"http": "http://127.0.0.1:1"})
    assert folder.read_addresses() == {"http": "http://127.0.0.1:1"}
    folder.addresses.write_text("{")
    assert folder.read_addresses() is None
