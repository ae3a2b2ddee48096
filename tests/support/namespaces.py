"""Two network namespaces of this machine, joined by a pair of virtual cards: two hosts and a wire that can be pulled.

A process belongs to the namespace of the thread that started it, and a socket to that of the thread that made it. So a
test enters a namespace with its thread, and what it starts and opens there is on that host.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_NEW_NETWORK = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"
    return done.stdout


@dataclass(frozen=True)
class Host:
    """One end of the wire: a namespace, its card and its address."""

    name: str
    card: str
    address: str

    def enter(self) -> None:
        """Move the calling thread to this host."""
        with (Path("/run/netns") / self.name).open("rb") as target:
            _enter(target.fileno())

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is on this host meanwhile."""
        with Path("/proc/thread-self/ns/net").open("rb") as before:
            self.enter()
            try:
                yield
            finally:
                _enter(before.fileno())

    def run(self, *command: str) -> str:
        """Run a command on this host."""
        return _run("ip", "netns", "exec", self.name, *command)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


class Wire:
    """Two hosts, each with an address of IPv4 on the wire between them."""

    def __init__(self, left: Host, right: Host) -> None:
        self.left, self.right = left, right

    def pull(self) -> None:
        """No packet passes from now on; neither end is told, connections stay as they are."""
        self.left.run("ip", "link", "set", self.left.card, "down")

    def plug(self) -> None:
        """Packets pass again."""
        self.left.run("ip", "link", "set", self.left.card, "up")

    def narrow(self, rate: str, queue: str) -> None:
        """Both directions carry no more than ``rate``, and what does not fit into ``queue`` is lost."""
        for host in (self.left, self.right):
            host.run("tc", "qdisc", "replace", "dev", host.card, "root", "tbf",
                     "rate", rate, "burst", "3kb", "limit", queue)  # fmt: skip

    def widen(self) -> None:
        """No limit any more."""
        for host in (self.left, self.right):
            host.run("tc", "qdisc", "del", "dev", host.card, "root")

    def dropped(self) -> int:
        """How many packets the narrow wire lost until now."""
        said = "".join(host.run("tc", "-s", "qdisc", "show", "dev", host.card) for host in (self.left, self.right))
        return sum(int(part.split(",")[0]) for part in said.split("dropped ")[1:])


@contextlib.contextmanager
def wired() -> Iterator[Wire]:
    """Two hosts with nothing but the wire; skips the test where that cannot be made, and says why."""
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    if not (shutil.which("ip") and shutil.which("tc")):
        pytest.skip("ip and tc are not installed (apt install iproute2)")
    tag = f"{os.getpid():x}"
    hosts = [Host(f"mw-{end}-{tag}", f"mw{end}{tag}", f"10.213.77.{number}") for end, number in (("l", 1), ("r", 2))]
    try:
        for host in hosts:
            made = subprocess.run(["ip", "netns", "add", host.name], capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"a network namespace cannot be made here: {made.stderr.strip()}")
        _run("ip", "link", "add", hosts[0].card, "netns", hosts[0].name, "type", "veth",
             "peer", "name", hosts[1].card, "netns", hosts[1].name)  # fmt: skip
        for host in hosts:
            host.run("ip", "link", "set", "lo", "up")
            host.run("ip", "address", "add", f"{host.address}/30", "dev", host.card)
            host.run("ip", "link", "set", host.card, "up")
        yield Wire(*hosts)
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True, check=False)
