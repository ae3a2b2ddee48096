"""A peer of a field protocol in a process of its own: told orders by its input, heard by its output."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import Self


def _has_stopped(pid: int) -> bool:
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state in "Tt" for state in states)


class Peer:
    """``async with Peer("iec104_station.py", port) as peer`` starts the script and waits for its ``ready``."""

    def __init__(self, script: str, *arguments: object) -> None:
        self._command = (sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments))
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await self.heard("ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def heard(self, start: str) -> str:
        """The next line that begins so; those before it are lost."""
        assert self._process
        assert self._process.stdout
        async with asyncio.timeout(60):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith(start):
                    return line.strip()
        raise AssertionError(f"the peer ended without saying {start!r}")

    async def tell(self, order: str) -> None:
        """Give an order and wait until it is done."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.write(order.encode() + b"\n")
        await self._process.stdin.drain()
        await self.heard("done")

    async def heard_subscription(self) -> None:
        """Wait until somebody is subscribed to it."""
        await self.heard("subscribed")

    def signal(self, number: int) -> None:
        """Send the process a signal; one that is told to stop has stopped then, with every thread."""
        assert self._process
        self._process.send_signal(number)
        deadline = time.monotonic() + 10
        while number == signal.SIGSTOP and not _has_stopped(self._process.pid):
            assert time.monotonic() < deadline, "the peer does not stop"
            time.sleep(0.001)

    async def fell(self) -> bool:
        """Whether the process ended by a fault of its own memory."""
        assert self._process
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 2)
        return self._process.returncode == -signal.SIGSEGV

    async def kill(self) -> None:
        """End it without a farewell."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.communicate()


class Collected:
    """Takes samples as a host does: ``deliver`` of a session."""

    def __init__(self) -> None:
        self.samples: list = []
        self._changed = asyncio.Event()

    async def __call__(self, samples) -> None:
        self.samples += samples
        self._changed.set()

    async def until(self, condition, limit_s: float = 30.0):
        """The first sample for which ``condition`` holds."""
        async with asyncio.timeout(limit_s):
            while True:
                for sample in self.samples:
                    if condition(sample):
                        return sample
                self._changed.clear()
                await self._changed.wait()
