"""Nodes of a federation: each a nats-server and the role ``resolver`` as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from millwright.identity.handle import HandleClient
from millwright.identity.handle.site import Site
from millwright.identity.records import Records, SigningKeys
from support.handle import site_for
from support.identifiers import in_a_loop, records_over
from support.nats import RunningNats
from support.ports import free_port


class Member:
    """One node. ``settings`` are sections beside those it needs to run."""

    def __init__(
        self, name: str, folder: Path, template: Path, settings: dict[str, dict[str, Any]] | None = None
    ) -> None:
        self.name, self.folder = name, folder / name
        self.data = self.folder / "data"
        self.folder.mkdir(parents=True)
        shutil.copytree(template, self.data)
        self.nats = RunningNats(self.folder / "nats", max_store_gb=1)
        (self.folder / "nats").mkdir(exist_ok=True)
        self.port = free_port()
        self.config = self.folder / "millwright.toml"
        self.configure(settings or {})
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, settings: dict[str, dict[str, Any]]) -> None:
        sections: dict[str, dict[str, Any]] = {
            "node": {"name": self.name, "data": str(self.data), "disk_low_mb": 1, "disk_stop_mb": 1},
            "nats": {"url": self.nats.url},
            "handle": {"host": "127.0.0.1", "port": self.port},
        }
        for section, values in settings.items():
            sections.setdefault(section, {}).update(values)
        self.config.write_text(
            "".join(
                f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
                for section, values in sections.items()
            )
        )

    @property
    def site(self) -> Site:
        return site_for(self.port)

    def client(self) -> HandleClient:
        return HandleClient([self.site])

    def resolve(self, name: bytes) -> Any:
        return asyncio.run(self.client().resolve(name))

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "millwright", "--config", str(self.config), *arguments],
            env=_environ(), capture_output=True, text=True, timeout=60, cwd=self.folder, check=False,
        )  # fmt: skip

    def ask(self, *arguments: str) -> Any:
        done = self.cli(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def start_nats(self) -> None:
        asyncio.run(self.nats.start())

    def start(self) -> None:
        with (self.folder / "out").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "millwright", "--config", str(self.config), "run", "resolver"],
                env=_environ(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder,
            )  # fmt: skip

    def wait_ready(self) -> None:
        def listens() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.output()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_for(f"{self.name} to listen", listens, 30)

    def output(self) -> str:
        return (self.folder / "out").read_text()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(20)
            self.process = None

    def kill_all(self) -> None:
        """Without a warning, the broker too."""
        self.kill()
        asyncio.run(self.nats.kill())

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Its register, opened by this process as by one of its own."""
        keys = SigningKeys(self.data / "identifiers.key", self.name)
        with records_over(self.nats.url, self.data, keys=keys, origin=self.name) as found:
            yield found

    def figures(self) -> dict[str, Any]:
        """What its resolver says of itself next."""
        with in_a_loop(self.nats.url) as (bus, run):
            found: list[bytes] = []

            async def hear(_subject: str, payload: bytes) -> None:
                found.append(payload)

            run(bus.subscribe("stats.resolver.*", hear))
            wait_for("figures", lambda: len(found) > 1, 10)
            decoded: dict[str, Any] = msgspec.json.decode(found[-1])
            return decoded


def migrated(folder: Path) -> Path:
    """A data folder whose records have their schema, to be copied."""
    folder.mkdir()
    config = folder / "millwright.toml"
    config.write_text(f'[node]\ndata = "{folder / "data"}"\n')
    subprocess.run(
        [sys.executable, "-m", "millwright", "--config", str(config), "migrate"],
        env=_environ(), check=True, timeout=60, capture_output=True, cwd=folder,
    )  # fmt: skip
    return folder / "data"


def wait_for(what: str, check: Callable[[], Any], timeout_s: float = 20) -> Any:
    began_s = time.monotonic()
    while time.monotonic() - began_s < timeout_s:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {timeout_s:g} s for {what}")


def _environ() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}
