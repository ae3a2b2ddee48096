"""The log read by a program that was not written here.

MILLWRIGHT_TEST_TLOG_READER names a program that takes a folder, the verifier key of a log and, optionally, of a
witness; it opens the checkpoint, reads every entry, checks inclusion and consistency proofs made from the tiles, and
exits with 0 when all hold. One over golang.org/x/mod/sumdb and filippo.io/torchwood is a page long.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from millwright.kernel import ManualClock
from millwright.ledger import COSIGNATURE, KeyFile, Log, LogInfo, Signer, Witness

PROGRAM = os.environ.get("MILLWRIGHT_TEST_TLOG_READER", "")
ORIGIN = "example.com/log"


def read(folder: Path, *keys: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, str(folder), *map(str, keys)], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not PROGRAM, reason="MILLWRIGHT_TEST_TLOG_READER names no program that reads C2SP tlog-tiles")
@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_another_implementation_reads_the_log(tmp_path: Path, size: int) -> None:
    keys = KeyFile(tmp_path / "key")
    log = Log(tmp_path / "log", LogInfo(ORIGIN, "sha256", 0), keys)
    log.append([b'{"entry":%d}' % number for number in range(size)])
    note = log.publish()
    assert note is not None
    key = keys.load(ORIGIN)[0].verifier
    witness = Witness(tmp_path / "w", Signer.generate("witness", COSIGNATURE), [key], ManualClock())
    log.attach(witness.add(0, [], note), size)
    log.close()
    public = tmp_path / "log" / "public"
    done = read(public, key, witness.verifier)
    assert done.returncode == 0, done.stderr
    assert f"size {size} entries {size}" in done.stdout
    assert "cosignature: ok" in done.stdout

    copy = shutil.copytree(public, tmp_path / "copy")
    first = next(path for path in sorted((copy / "tile" / "entries").rglob("*")) if path.is_file())
    first.write_bytes(first.read_bytes().replace(b":0}", b":9}", 1))
    assert read(copy, key).returncode != 0
