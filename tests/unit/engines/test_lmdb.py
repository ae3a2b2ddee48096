"""The engine of the resolution index: growth, broken files, a writer that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lmdb
import pytest

from millwright.engines.lmdb import LmdbEnvironment, Write
from millwright.kernel import Corrupt, LimitExceeded, Unavailable

PAGE = 4096


def test_tables_hold_keys_in_order(tmp_path: Path) -> None:
    environment = LmdbEnvironment(tmp_path, ("a", "b"), durable=False)
    environment.write(lambda write: [write.put("a", b"%d" % number, b"x") for number in range(9)])
    assert environment.write(lambda write: write.delete("a", b"3"))
    assert not environment.write(lambda write: write.delete("b", b"3"))
    with environment.read() as read:
        assert [key for key, _ in read.iter_from("a", b"2")] == [b"2", b"4", b"5", b"6", b"7", b"8"]
        assert (read.count("a"), read.count("b"), read.find("a", b"3")) == (8, 0, None)
        assert read.getter("a")(b"4") == b"x"
    environment.close()


def test_an_error_rolls_back(tmp_path: Path) -> None:
    environment = LmdbEnvironment(tmp_path, ("a",), durable=False)

    def work(write: Write) -> None:
        write.put("a", b"k", b"v")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        environment.write(work)
    with environment.read() as read:
        assert read.find("a", b"k") is None
    environment.close()


def test_a_key_that_lmdb_refuses_is_an_error_of_the_node(tmp_path: Path) -> None:
    environment = LmdbEnvironment(tmp_path, ("a",), durable=False)
    with pytest.raises(Unavailable), environment.read() as read:
        read.find("a", b"")
    with pytest.raises(Unavailable):
        environment.write(lambda write: write.put("a", b"x" * 512, b""))
    environment.close()


def test_the_map_grows_and_ends_at_its_limit(tmp_path: Path) -> None:
    environment = LmdbEnvironment(
        tmp_path, ("a",), initial_bytes=16 * PAGE, largest_bytes=128 * PAGE, durable=False
    )  # fmt: skip
    environment.write(lambda write: [write.put("a", b"%d" % number, bytes(3000)) for number in range(40)])
    with environment.read() as read:
        assert read.count("a") == 40
    assert environment.stats()["bytes_reserved"] > 16 * PAGE
    with pytest.raises(LimitExceeded) as error:
        environment.write(lambda write: [write.put("a", b"n%d" % number, bytes(3000)) for number in range(200)])
    assert error.value.code == "lmdb.full"
    with environment.read() as read:
        assert read.count("a") == 40
    environment.close()


class _Outgrown:
    """An environment that another process has grown: the first transaction of each thread finds so."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._told: set[int] = set()
        self._both = threading.Barrier(2, timeout=20)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def begin(self, **options: Any) -> Any:
        if threading.get_ident() not in self._told:
            self._told.add(threading.get_ident())
            self._both.wait()
            raise lmdb.MapResizedError
        return self._env.begin(**options)


def test_threads_that_find_the_map_grown_do_not_wait_for_one_another(tmp_path: Path) -> None:
    environment = LmdbEnvironment(tmp_path, ("a",), durable=False)
    environment.write(lambda write: write.put("a", b"k", b"v"))
    environment._env = _Outgrown(environment._env)
    reading = threading.Barrier(2, timeout=5)

    def read() -> bytes | None:
        with environment.read() as view:
            reading.wait()
            return view.find("a", b"k")

    with ThreadPoolExecutor(2) as pool:
        assert [each.result() for each in [pool.submit(read), pool.submit(read)]] == [b"v", b"v"]
    environment.close()


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(os.urandom(20 * PAGE))
    with pytest.raises(Corrupt) as error:
        LmdbEnvironment(tmp_path, ("a",))
    assert error.value.code == "lmdb.corrupt"


def test_a_file_cut_short_is_refused_and_does_not_kill(tmp_path: Path) -> None:
    environment = LmdbEnvironment(tmp_path, ("a",), durable=False)
    environment.write(lambda write: [write.put("a", b"%06d" % number, os.urandom(200)) for number in range(5000)])
    environment.close()
    whole = (tmp_path / "data.mdb").stat().st_size
    os.truncate(tmp_path / "data.mdb", whole // 2)
    for read_only in (True, False):
        with pytest.raises(Corrupt):
            LmdbEnvironment(tmp_path, ("a",), read_only=read_only)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        LmdbEnvironment(tmp_path / "none", ("a",), read_only=True)


WRITER = """
import sys
from pathlib import Path
from millwright.engines.lmdb import LmdbEnvironment
environment = LmdbEnvironment(Path(sys.argv[1]), ("a",))
number = 0
while True:
    number += 1
    environment.write(lambda w: [w.put("a", b"%08d.%02d" % (number, part), b"x" * 500) for part in range(20)])
    print(number, flush=True)
"""


def test_a_writer_killed_in_the_middle_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(20)]
        time.sleep(0.003)
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        last = max([*told, *(int(line) for line in rest.split())])
        environment = LmdbEnvironment(tmp_path, ("a",))
        with environment.read() as read:
            keys = [key for key, _ in read.iter_from("a", b"")]
        environment.close()
        # Whole transactions only, and all that were told of.
        assert len(keys) % 20 == 0
        assert int(keys[-1][:8]) >= last
