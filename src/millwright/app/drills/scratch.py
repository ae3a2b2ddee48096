"""A node of a drill: a broker and the role ``resolver`` as processes of their own, on a folder that goes with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from millwright.app.drills.wire import site_at
from millwright.app.folder import DataFolder
from millwright.app.identifiers import keys_of
from millwright.app.readiness import die_with_parent
from millwright.app.registers import in_a_loop
from millwright.app.settings import NodeSettings, load
from millwright.engines.nats import NatsConnection, NatsServer, NatsSettings
from millwright.identity.drills.errors import not_in_time, process_failed
from millwright.identity.handle import Site
from millwright.identity.records import Records, StreamLog
from millwright.identity.records.index import IndexState, RecordIndex
from millwright.kernel import MillwrightError, SystemClock
from millwright.kernel.errors import from_dict

READY_S: Final = 60.0
_LOOK_S: Final = 0.02


class ScratchNode:
    """Made in a folder that is there; nothing of it is reached from another machine. Its methods block."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        folder.mkdir(mode=0o700)
        self.data = DataFolder(folder / "data")
        self.data.make()
        self._server = NatsServer(NatsSettings(max_store_gb=0), folder / "nats")
        self._config = folder / "millwright.toml"
        self._broker: subprocess.Popen[bytes] | None = None
        self._resolver: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its broker, token included."""
        return self._server.url

    @property
    def site(self) -> Site:
        """Where it resolves."""
        return site_at("127.0.0.1", self.port)

    def configure(self, **identity: Any) -> None:
        """Write its settings: ``identity`` beside what it needs to run."""
        sections: dict[str, dict[str, Any]] = {
            "node": {"name": self.name, "data": str(self.data.root), "disk_low_mb": 1, "disk_stop_mb": 1},
            "nats": {"url": self.url},
            "handle": {"host": "127.0.0.1", "port": self.port, "requests_per_s": 1_000_000},
            "identity": {"snapshot_every_h": 0, **identity},
        }
        text = "".join(
            f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
            for section, values in sections.items()
        )
        with open(self._config, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)

    @property
    def settings(self) -> NodeSettings:
        """Its settings as its processes read them."""
        return load(self._config, {})

    def key(self) -> str:
        """Its public key; made where there is none yet."""
        return str(keys_of(self.settings).signer().verifier)

    def start_broker(self) -> None:
        """Start its broker. Raises ``Unavailable``."""
        self.data.nats.mkdir(exist_ok=True)
        command = self._server.command()
        with (self.folder / "nats.out").open("ab") as output:
            self._broker = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip
        asyncio.run(self._server.wait_ready(READY_S))

    def start_resolver(self) -> None:
        """Start the role, and return when it answers. Raises what it says, and ``Unavailable``."""
        reading, writing = os.pipe()
        try:
            with (self.folder / "resolver.out").open("ab") as output:
                process = self._resolver = subprocess.Popen(  # noqa: S603 - our own command
                    [sys.executable, "-m", "millwright", "--config", str(self._config), "run", "resolver",
                     "--notify-fd", str(writing)],
                    stdin=subprocess.PIPE, stdout=output, stderr=output, pass_fds=(writing,), start_new_session=True,
                    preexec_fn=die_with_parent,
                    env={key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")},
                )  # fmt: skip
        finally:
            os.close(writing)
        # The role ends when this pipe does, however this process ends.
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        with os.fdopen(reading) as said:
            for line in said:
                key, _, value = line.strip().partition("=")
                if key == "ADDRESS":
                    self.port = int(value.rpartition(":")[2])
                elif key == "ERROR":
                    raise from_dict(json.loads(value))
                elif key == "READY":
                    return
        raise process_failed(self.name, f"it ended with {process.wait(10)}")

    def stop_resolver(self) -> None:
        """End the role as its supervisor would."""
        _end(self._resolver, signal.SIGTERM)
        self._resolver = None

    def kill(self) -> None:
        """Lose it, the broker too: both by SIGKILL, at the same moment."""
        for process in (self._broker, self._resolver):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
        for process in (self._broker, self._resolver):
            if process is not None:
                process.wait(10)
        self._broker = self._resolver = None

    def state(self) -> IndexState:
        """How far its index is. Raises ``Unavailable`` and ``Corrupt``."""
        with self.index() as index:
            return index.state()

    @contextmanager
    def index(self) -> Iterator[RecordIndex]:
        """Its index, to be read."""
        index = RecordIndex(self.data.identifiers, read_only=True)
        try:
            yield index
        finally:
            index.close()

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Its register, opened by this process as one of its own."""
        with in_a_loop() as run:
            bus = NatsConnection(self.url, f"{self.name}/drill")
            run(bus.start())
            records = None
            try:
                log = StreamLog(bus)
                run(log.open())
                records = Records(
                    self.data.identifiers, log, SystemClock(), origin=self.name, keys=keys_of(self.settings)
                )
                records.open()
                yield records
            finally:
                if records is not None:
                    records.close()
                run(bus.stop())


def _end(process: subprocess.Popen[bytes] | None, how: signal.Signals) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def wait_for(what: str, check: Callable[[], bool], timeout_s: float = READY_S) -> None:
    """Look again and again. Raises ``Unavailable`` (``drills.not_in_time``)."""
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        try:
            if check():
                return
        except MillwrightError:
            pass  # an index that is not there yet
        time.sleep(_LOOK_S)
    raise not_in_time(what, timeout_s)
