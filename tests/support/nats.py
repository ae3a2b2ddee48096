"""A real nats-server on a free port in a temporary folder."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

from millwright.engines.nats import LeafRemote, NatsServer, NatsSettings
from support.ports import free_port


class RunningNats:
    """Starts, kills and starts again one server on one data folder."""

    def __init__(self, folder: Path, max_store_gb: float = 0, remote: LeafRemote | None = None) -> None:
        self.server = NatsServer(NatsSettings(port=free_port(), max_store_gb=max_store_gb), folder, remote)
        self.url = self.server.url
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._process = subprocess.Popen(self.server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await self.server.wait_ready()

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is read."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            await asyncio.to_thread(self._process.wait, 10)
            self._process = None

    async def __aenter__(self) -> RunningNats:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill(signal.SIGTERM)
