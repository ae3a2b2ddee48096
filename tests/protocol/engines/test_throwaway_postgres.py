"""The throw-away PostgreSQL leaves nothing behind when the tests that use it are killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from support.postgres import find_binaries

CODE = """
import sys, time
from support.postgres import Postgres, find_binaries
cluster = Postgres(find_binaries())
cluster.start()
print(cluster._process.pid, cluster._folder, flush=True)
time.sleep(600)
"""


async def gone(what: Callable[[], bool]) -> bool:
    for _ in range(600):
        if not what():
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed (apt install postgresql)")
async def test_a_killed_run_leaves_no_server_and_no_folder() -> None:
    support = str(Path(__file__).parents[2])
    run = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {support!r})\n{CODE}"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    pid, folder = (await asyncio.to_thread(run.stdout.readline)).split()
    assert psutil.pid_exists(int(pid))
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=10)
    assert await gone(lambda: psutil.pid_exists(int(pid)))
    assert await gone(Path(folder).exists)
