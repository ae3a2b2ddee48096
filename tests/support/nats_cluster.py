"""Real nats-servers on this machine that form a cluster."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path

from millwright.engines.nats import NatsConnection, NatsServer, NatsSettings
from millwright.kernel import Unavailable
from support.ports import free_port

SECRET = "one for all"


class NatsCluster:
    """Starts, kills and starts again the servers of one cluster, each on a data folder of its own."""

    def __init__(self, folder: Path, size: int = 3) -> None:
        self._folder = folder
        self._ports = [(free_port(), free_port()) for _ in range(size)]
        self.servers = [NatsServer(self.settings(place), folder / str(place)) for place in range(size)]
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * size

    def settings(self, place: int) -> NatsSettings:
        """The settings of one server."""
        port, cluster_port = self._ports[place]
        others = [f"127.0.0.1:{other}" for _, other in self._ports if other != cluster_port]
        return NatsSettings(
            port=port, cluster_port=cluster_port, routes=",".join(others), secret=SECRET, max_store_gb=4
        )

    @property
    def url(self) -> str:
        """Every server, for clients."""
        return ",".join(server.url for server in self.servers)

    def start(self, place: int) -> None:
        """Start one server; it may need the others to be of use."""
        command = self.servers[place].command()
        with (self._folder / f"{place}.out").open("ab") as log:
            self.processes[place] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, place: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End one server and wait until it is gone."""
        process = self.processes[place]
        if process is not None:
            process.send_signal(how)
            process.wait(20)
            self.processes[place] = None

    def __enter__(self) -> NatsCluster:
        for place in range(len(self.servers)):
            self.start(place)
        return self

    def __exit__(self, *_: object) -> None:
        for place in range(len(self.servers)):
            self.kill(place)

    async def __aenter__(self) -> NatsCluster:
        self.__enter__()
        await self.ready()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)

    async def ready(self, timeout_s: float = 40) -> None:
        """Return when the servers have found each other and chosen who leads."""
        connection = NatsConnection(self.url, "cluster test")
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            try:
                await connection.start()
                _, jetstream = connection._need()
                await jetstream.account_info()
            except Exception:  # each that a forming cluster may answer with
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                return
            finally:
                await connection.stop()

    async def leader(self, stream: str) -> int:
        """Which server leads a stream."""
        connection = NatsConnection(self.url, "cluster test")
        await connection.start()
        try:
            _, jetstream = connection._need()
            info = await jetstream.stream_info(stream)
        finally:
            await connection.stop()
        if info.cluster is None or not info.cluster.leader:
            raise Unavailable("No leader now.", code="test.no_leader")
        return self.names.index(info.cluster.leader)

    async def in_step(self, stream: str, timeout_s: float = 40) -> None:
        """Return when every server has all that the stream holds."""
        connection = NatsConnection(self.url, "cluster test")
        await connection.start()
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            _, jetstream = connection._need()
            while True:
                cluster = (await jetstream.stream_info(stream)).cluster
                others = (cluster and cluster.replicas) or []
                if len(others) == len(self.servers) - 1 and all(each.current and not each.offline for each in others):
                    return
                assert asyncio.get_running_loop().time() < deadline, f"not in step within {timeout_s:g} s: {others}"
                await asyncio.sleep(0.1)
        finally:
            await connection.stop()

    @property
    def names(self) -> list[str]:
        """What the servers call themselves."""
        return [server.name for server in self.servers]
