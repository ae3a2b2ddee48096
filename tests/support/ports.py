"""Ports for servers that a test starts.

Not those the system gives out by itself (32768 and up on Linux): between choosing one of them and listening on it,
any outgoing connection and any server that asks for "some port" may be given the same.
"""

from __future__ import annotations

import itertools
import os
import random
import socket

FIRST, LAST = 11_000, 31_999
WORKERS = 8

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_share = (LAST - FIRST + 1) // WORKERS
_begin = FIRST + _worker * _share
_start = random.SystemRandom().randrange(_share)
_candidates = itertools.cycle([_begin + (_start + step) % _share for step in range(_share)])


def free_port() -> int:
    """A port of 127.0.0.1, TCP and UDP, that nobody has now and that no other worker of this run is given."""
    for port in itertools.islice(_candidates, _share):
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port is free from {_begin} to {_begin + _share - 1}")
