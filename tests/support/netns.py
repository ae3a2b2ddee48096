"""Two network namespaces joined by a veth pair: a *site* that is watched, and a *far* side with what it talks to."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from millwright.devices.network.model import NetworkReport

WATCHED = Path(__file__).with_name("watched.py")
ETC = Path("/etc/netns")
_WAIT_S = 30.0


def need_namespaces() -> None:
    """Skip the test where namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces take root")
    if shutil.which("ip") is None:
        pytest.skip("`ip` (iproute2) is not installed")
    name = f"mw-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", name], check=False)


class Lab:
    """``site`` has 10.77.0.1 and fd77::1 on ``site0``; ``far`` has .2 and ::2 on ``far0`` and is its gateway."""

    def __init__(self) -> None:
        token = secrets.token_hex(3)
        self.site, self.far = f"mw-{token}-s", f"mw-{token}-f"

    def __enter__(self) -> Lab:
        for name in (self.site, self.far):
            self.ip("netns", "add", name)
            # `ip netns exec` puts this in place of the machine's own.
            (ETC / name).mkdir(parents=True)
            (ETC / name / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        self.ip("link", "add", "site0", "netns", self.site, "type", "veth", "peer", "name", "far0", "netns", self.far)
        for name, link, number in ((self.site, "site0", 1), (self.far, "far0", 2)):
            self.inside(name, "sysctl", "-q", "-w", "net.ipv6.conf.all.accept_dad=0")
            self.ip("-n", name, "link", "set", "lo", "up")
            self.ip("-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", link)
            self.ip("-n", name, "addr", "add", f"fd77::{number}/64", "dev", link, "nodad")
            self.ip("-n", name, "link", "set", link, "up")
        self.ip("-n", self.site, "route", "add", "default", "via", "10.77.0.2")
        self.ip("-n", self.site, "-6", "route", "add", "default", "via", "fd77::2")
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.site, self.far):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
            shutil.rmtree(ETC / name, ignore_errors=True)

    def uplink(self) -> str:
        """Join the site to this machine's own network by ``up0``; returns the address of this machine there."""
        number = secrets.randbelow(250) + 1
        token = self.site.split("-")[1]
        self.ip("link", "add", f"mw{token}", "type", "veth", "peer", "name", "up0", "netns", self.site)
        self.ip("addr", "add", f"10.78.{number}.1/30", "dev", f"mw{token}")
        self.ip("link", "set", f"mw{token}", "up")
        self.ip("-n", self.site, "addr", "add", f"10.78.{number}.2/30", "dev", "up0")
        self.ip("-n", self.site, "link", "set", "up0", "up")
        return f"10.78.{number}.1"

    def ip(self, *arguments: str) -> str:
        """Run ``ip``."""
        return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout

    def ip_json(self, name: str, *arguments: str) -> Any:
        """What ``ip -j`` says inside a namespace."""
        return json.loads(self.ip("-j", "-n", name, *arguments) or "[]")

    def inside(self, name: str, *command: str) -> str:
        """Run a command in a namespace."""
        done = subprocess.run(["ip", "netns", "exec", name, *command], check=True, capture_output=True, text=True)
        return done.stdout

    @contextlib.contextmanager
    def running(self, name: str, *command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A process in a namespace, ended afterwards."""
        process = subprocess.Popen(["ip", "netns", "exec", name, *command], text=True, **options)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    @contextlib.contextmanager
    def watched(self, settings: dict[str, Any] | None = None, *before: str, **more: Any) -> Iterator[Watched]:
        """The watch at work in the site, with what it reports; ``more`` goes to the program."""
        order = json.dumps({"settings": {"interval_s": 1, **(settings or {})}, **more})
        command = [*before, sys.executable, str(WATCHED), order]
        with self.running(
            self.site, *command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            watched = Watched(process)
            try:
                yield watched
            finally:
                process.kill()
                watched.reader.join()


class Watched:
    """Reads the reports of a watch."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.reports: list[NetworkReport] = []
        self._more = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(msgspec.DecodeError), self._more:  # cut off by the end of the program
                self.reports.append(msgspec.json.decode(line, type=NetworkReport))
                self._more.notify_all()

    def wait(self, what: str, is_so: Callable[[NetworkReport], Any], *, timeout_s: float = _WAIT_S) -> NetworkReport:
        """The first report from now on of which it is so."""
        deadline = time.monotonic() + timeout_s
        with self._more:
            at = len(self.reports)
            while True:
                for report in self.reports[at:]:
                    if is_so(report):
                        return report
                at = len(self.reports)
                if self.process.poll() is not None or not self._more.wait(max(0.0, deadline - time.monotonic())):
                    break
        told = self.process.stderr.read() if self.process.stderr and self.process.poll() is not None else ""
        raise AssertionError(f"never: {what}; last {self.reports[-1:]}\n{told}")

    def say(self, order: dict[str, Any]) -> None:
        """Give the program an order (a scan)."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
