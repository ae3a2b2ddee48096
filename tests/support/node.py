"""A whole node as a subprocess: real broker, real roles, free ports, a temporary folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from millwright.app.sections import ProcessSettings, load_sections, nats_url
from support.ports import free_port

NAME = "ada"
PASSWORD = "a long enough passphrase"


class RunningNode:
    """``millwright up`` on ``folder``; ``settings`` overrides any (``{"historian": {"flush_s": 0.2}}``).

    ``with RunningNode(tmp_path) as node:`` starts it and ends it by SIGTERM.
    """

    def __init__(self, folder: Path, settings: dict[str, dict[str, Any]] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.mqtt_port, self.web_port, self.handle_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web_port}"
        sections: dict[str, dict[str, Any]] = {
            "node": {"data": str(self.data), "disk_low_mb": 1, "disk_stop_mb": 1},
            "nats": {"max_store_gb": 4},
            "mqtt": {"host": "127.0.0.1", "port": self.mqtt_port},
            "web": {"host": "127.0.0.1", "port": self.web_port},
            "handle": {"host": "127.0.0.1", "port": self.handle_port},
        }
        for section, values in (settings or {}).items():
            sections.setdefault(section, {}).update(values)
        self.handle_port = sections["handle"]["port"]
        self.config = folder / "millwright.toml"
        self.config.write_text(
            "".join(
                f"[{section}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
                for section, values in sections.items()
            )
        )
        self.ready_s = 0.0
        self.process: subprocess.Popen[bytes] | None = None

    # --- life ----------------------------------------------------------------------------------------------------

    def command(self, *arguments: str) -> list[str]:
        """A command line of this node."""
        return [sys.executable, "-m", "millwright", "--config", str(self.config), *arguments]

    def environ(self) -> dict[str, str]:
        """The environment without settings of whoever runs the tests."""
        return {key: value for key, value in os.environ.items() if not key.startswith("MILLWRIGHT_")}

    def cli(self, *arguments: str, timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this node."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            cwd=self.folder,
            check=False,
        )

    def start(self, timeout_s: float = 60) -> None:
        """Start it and wait until every role is ready."""
        began = time.monotonic()
        output = (self.folder / "up.out").open("ab")
        self.process = subprocess.Popen(
            self.command("up"), env=self.environ(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        output.close()
        addresses = self.data / "node.json"
        while not (addresses.exists() and self.is_ours(json.loads(addresses.read_text())["pid"])):
            if self.process.poll() is not None or time.monotonic() - began > timeout_s:
                raise AssertionError(f"the node did not start:\n{self.output()}")
            time.sleep(0.02)
        self.ready_s = time.monotonic() - began

    def is_ours(self, pid: int) -> bool:
        """Whether the supervisor with this process id is the one that was started."""
        assert self.process is not None
        return pid == self.process.pid

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 40) -> int:
        """End it; returns the exit code. No process of the node is left afterwards."""
        if self.process is None:
            return 0
        family = self.processes()
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"the node did not stop:\n{self.output()}") from None
        finally:
            _, alive = psutil.wait_procs(family, timeout_s / 2)
            for process in alive:
                process.kill()
            self.process = None
        return code

    def __enter__(self) -> RunningNode:
        try:
            self.start()
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- looking inside ------------------------------------------------------------------------------------------

    def processes(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        if self.process is None:
            return []
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def find_process(self, name: str) -> psutil.Process | None:
        """The running process of a role, or ``nats-server``."""
        for process in self.processes():
            try:
                line = process.cmdline()
            except psutil.Error:
                continue
            if (name == "nats-server" and line and line[0].endswith("nats-server")) or _role(line) == name:
                return process
        return None

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process of the node, once it runs; returns its pid.

        A process that died of another's death may be between two starts.
        """
        process: psutil.Process = self.wait_for(f"{name} runs", lambda: self.find_process(name))
        process.send_signal(how)
        return int(process.pid)

    def output(self) -> str:
        """What the supervisor and the roles wrote, for a failed test's message."""
        files = [self.folder / "up.out", *sorted((self.data / "logs").glob("*.*"))]
        return "\n".join(
            f"--- {file.name}\n{file.read_text(errors='replace')[-3000:]}" for file in files if file.exists()
        )

    @property
    def nats_url(self) -> str:
        """The node's broker, with its token."""
        return nats_url(load_sections(ProcessSettings, self.config, {}))

    # --- speaking to it ------------------------------------------------------------------------------------------

    def client(self) -> httpx.Client:
        """An HTTP client of the API without a session; it keeps no connection open, so nobody has to close it."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1",
            headers={"Origin": self.url},
            timeout=20,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def administrator(self) -> httpx.Client:
        """A client signed in as the administrator, who is made on first use."""
        client = self.client()
        if client.get("/setup").json()["needed"]:
            reply = client.post("/setup", json={"name": NAME, "password": PASSWORD, "code": self.setup_code()})
        else:
            reply = client.post("/session", json={"name": NAME, "password": PASSWORD})
        assert reply.status_code in (200, 201), reply.text
        return client

    def setup_code(self) -> str:
        """The code that the supervisor printed for the first administrator."""
        lines = (self.folder / "up.out").read_text().splitlines()
        return next(line.rsplit("code=", 1)[1] for line in reversed(lines) if "first administrator: " in line)

    def wait_for(self, what: str, condition: Any, timeout_s: float = 20) -> Any:
        """Call ``condition`` until it returns something true; fails with the node's logs after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s:g} s: {what}\n{self.output()}")
            time.sleep(0.05)


def _role(line: list[str]) -> str:
    """The role that a command line runs, with its number when it is a further process of it (``listener-2``)."""
    if "run" not in line:
        return ""
    role, *further = line[line.index("run") + 1 :]
    return f"{role}-{further[1]}" if further[:1] == ["--process"] else role
