"""The file of signing keys: whoever comes first makes it, and all others use what he made."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from millwright.kernel import Denied
from millwright.ledger import KeyFile

PROGRAM = """
import sys, pathlib
from millwright.ledger import KeyFile
print([each.secret() for each in KeyFile(pathlib.Path(sys.argv[1])).load("node")])
"""


def keys_of(path: str) -> list[str]:
    return [each.secret() for each in KeyFile(Path(path)).load("node")]


def rotated(path: str) -> list[str]:
    return [each.secret() for each in KeyFile(Path(path)).rotate("node")]


def test_who_come_at_once_agree_on_one_key(tmp_path: Path) -> None:
    for number in range(5):
        path = str(tmp_path / f"{number}" / "node.key")
        with ThreadPoolExecutor(16) as pool:
            assert len({tuple(each) for each in pool.map(keys_of, [path] * 16)}) == 1
    path = str(tmp_path / "processes" / "node.key")
    running = [subprocess.Popen([sys.executable, "-c", PROGRAM, path], stdout=subprocess.PIPE) for _ in range(4)]
    assert len({each.communicate()[0] for each in running} - {b""}) == 1
    assert [each.returncode for each in running] == [0] * 4


def test_no_rotation_is_lost_to_another(tmp_path: Path) -> None:
    path = str(tmp_path / "node.key")
    first = keys_of(path)
    with ThreadPoolExecutor(8) as pool:
        made = [each for keys in pool.map(rotated, [path] * 8) for each in keys]
    assert sorted(keys_of(path)) == sorted([*first, *made])
    (tmp_path / "node.key").chmod(0o644)
    with pytest.raises(Denied) as refused:
        keys_of(path)
    assert refused.value.code == "ledger.key_open_to_others"
