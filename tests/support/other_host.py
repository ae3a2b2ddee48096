"""Another host for what cannot be a client on the server's own: two network namespaces, and a relay of UDP to here.

Client programs run in one of them by :attr:`OtherHost.within`; the other has the address they ask, and passes on what
comes to it to a port of this machine. It takes root and Linux's ``ip``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

ADDRESS, _CLIENT = "10.77.0.1", "10.77.0.2"

_RELAY = """
import select, socket, sys
ours = socket.socket(fileno=int(sys.argv[1]))
theirs = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
theirs.bind((sys.argv[2], int(sys.argv[3])))
print("ready", flush=True)
client = None
while True:
    for ready in select.select([ours, theirs], [], [])[0]:
        if ready is theirs:
            data, client = theirs.recvfrom(2048)
            ours.send(data)
        elif client is not None:
            theirs.sendto(ours.recv(2048), client)
"""


@dataclass
class OtherHost:
    """``within``: what stands before a command that is to run there; ``address``: where it finds us."""

    within: tuple[str, ...]
    address: str = ADDRESS


def _ip(*arguments: str) -> bool:
    return not subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode


@contextmanager
def other_host(port: int) -> Iterator[OtherHost]:
    """A host that reaches UDP ``port`` of this one, under the same number; skips the test where none can be made."""
    client, relay = (f"mw-{name}-{os.getpid()}" for name in ("client", "relay"))
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("to be another host takes root and the command `ip` (Debian's iproute2)")
    process = None
    try:
        made = _ip("netns", "add", client) and _ip("netns", "add", relay)
        if not made or not _ip("link", "add", "mw0", "netns", client, "type", "veth", "peer", "mw1", "netns", relay):
            pytest.skip("this machine makes no network namespaces")
        for space, link, address in ((client, "mw0", _CLIENT), (relay, "mw1", ADDRESS)):
            assert _ip("-n", space, "address", "add", f"{address}/24", "dev", link)
            assert _ip("-n", space, "link", "set", link, "up")
            assert _ip("-n", space, "link", "set", "lo", "up")
        # A socket stays in the namespace it was made in, whoever uses it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
            ours.connect(("127.0.0.1", port))
            command = ["ip", "netns", "exec", relay, sys.executable, "-c", _RELAY, str(ours.fileno()), ADDRESS]
            process = subprocess.Popen([*command, str(port)], pass_fds=[ours.fileno()], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield OtherHost(("ip", "netns", "exec", client))
    finally:
        if process is not None:
            process.kill()
            process.communicate()
        for space in (client, relay):
            _ip("netns", "delete", space)
