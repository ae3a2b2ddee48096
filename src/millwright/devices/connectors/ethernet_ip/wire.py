"""The socket under pycomm3: every wait ends, and so does a frame that breaks off."""

from __future__ import annotations

import contextlib
import socket
import struct
from time import monotonic
from typing import Final

HEADER: Final = 24
LARGEST: Final = 65_535 + HEADER


class Wire:
    """What pycomm3 asks of a socket. Its own would read on for ever from a peer that leaves in the middle of a frame.

    Raises ``OSError``; ``timeout_s`` is the limit of each call as a whole.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._closed = False

    def connect(self, host: str, port: int) -> None:
        """Connect."""
        made = socket.create_connection((host, port), timeout=self._timeout_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = made
        if self._closed:
            self.close()

    def send(self, message: bytes, timeout: float = 0) -> int:
        """Send all of ``message``."""
        self._open().settimeout(timeout or self._timeout_s)
        self._open().sendall(message)
        return len(message)

    def receive(self, timeout: float = 0) -> bytes:
        """One frame of the encapsulation layer."""
        end = monotonic() + (timeout or self._timeout_s)
        data = self._exactly(HEADER, end)
        (length,) = struct.unpack_from("<H", data, 2)
        return data + self._exactly(length, end)

    def close(self) -> None:
        """Close; whoever waits gets an error at once."""
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _exactly(self, count: int, end: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            left = end - monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            self._open().settimeout(left)
            part = self._open().recv(count - len(data))
            if not part:
                raise ConnectionError("the controller closed the connection")
            data += part
        return bytes(data)

    def _open(self) -> socket.socket:
        if self._socket is None or self._closed:
            raise ConnectionError("the connection is closed")
        return self._socket
