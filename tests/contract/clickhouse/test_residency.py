"""The process of the embedded engine holds no more than it uses, and works on after it gave the rest back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from millwright.engines.clickhouse.residency import _clean_mappings

PROGRAM = """
import asyncio, sys
from pathlib import Path
import psutil
import pyarrow as pa
from millwright.engines.clickhouse.embedded import ChdbEngine
from millwright.engines.clickhouse.residency import give_back

async def main():
    engine = ChdbEngine(Path(sys.argv[1]))
    await engine.start()
    await engine.execute("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    for first in range(3):
        await engine.insert("t", pa.table({"a": pa.array(range(first, 3000, 3), pa.uint64())}))
        before = psutil.Process().memory_info().rss
        print(give_back(), before - psutil.Process().memory_info().rss)
    print((await engine.query("SELECT count() AS n, sum(a) AS s FROM t")).to_pylist(), "pandas" in sys.modules)
    await engine.stop()

asyncio.run(main())
"""

SMAPS = """\
55d0c0000000-55d0c0100000 r-xp 00000000 08:01 11 /usr/bin/python
Rss:                1024 kB
Anonymous:             0 kB
7f0000000000-7f0000200000 r--p 00000000 08:01 12 /x/chdb/_chdb.abi3.so
Rss:                1000 kB
Anonymous:             0 kB
7f0000200000-7f0000400000 r-xp 00200000 08:01 12 /x/chdb/_chdb.abi3.so
Rss:                2000 kB
Anonymous:             0 kB
7f0000400000-7f0000500000 r--p 00400000 08:01 12 /x/chdb/_chdb.abi3.so
Rss:                 500 kB
Anonymous:           500 kB
7f0000500000-7f0000600000 rw-p 00500000 08:01 12 /x/chdb/_chdb.abi3.so
Rss:                 400 kB
Anonymous:             0 kB
7f0000600000-7f0000700000 r--p 00000000 08:01 13 /x/pyarrow/libarrow.so.2600
Rss:                   0 kB
Anonymous:             0 kB
7f0000700000-7f0000800000 rw-p 00000000 00:00 0
Rss:                 900 kB
Anonymous:           900 kB
"""


def test_only_clean_pages_of_libraries_that_stay_are_given_back() -> None:
    assert list(_clean_mappings(SMAPS)) == [
        (0x7F0000000000, 0x7F0000200000, 1000 * 1024),
        (0x7F0000200000, 0x7F0000400000, 2000 * 1024),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is resident")
def test_the_engine_works_on_and_has_no_pandas(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    *gave, found = done.stdout.splitlines()
    told, fell = map(int, gave[0].split())
    assert told > 50_000_000
    assert fell > 50_000_000
    assert found == f"{[{'n': 3000, 's': sum(range(3000))}]} False"
