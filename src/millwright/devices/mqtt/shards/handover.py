"""Connections go from one process of the listener to another: their socket, or behind TLS and WebSocket a relay.

A socket is passed over a Unix socket of whole messages (``SOCK_SEQPACKET``, ``SCM_RIGHTS``) with what was read from it;
from then on the process that had it has nothing to do with it. The state of TLS and of WebSocket cannot be passed:
there the process that had the connection goes on as a relay, and the other one gets the end of a pair of sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from millwright.devices.mqtt.websocket import WebSocket

logger = logging.getLogger(__name__)

MOST_READ: Final = 48 * 1024
"""What was read and goes with a socket; with more a relay takes it."""
_MOST_MESSAGE: Final = 128 * 1024
_BACKLOG: Final = 64


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """Where a connection comes from, and what was read of it already, from its CONNECT on.

    ``certificate`` is the SHA-256 of the one that its client proved to have; ``proved`` the certificate itself (DER)
    where it did so by a signature in MQTT.
    """

    address: str
    peer: str
    certificate: bytes
    proved: bytes
    read: bytes


class Door:
    """Takes connections of the other processes."""

    def __init__(self, path: str, take: Callable[[Origin, socket.socket], None]) -> None:
        self._path, self._take = path, take
        self._listening: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._decoder = msgspec.msgpack.Decoder(Origin)

    def open(self) -> None:
        """Take them from now on."""
        listening = _bind(self._path, socket.SOCK_SEQPACKET)
        listening.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(listening, self._on_process)
        self._listening = listening

    def close(self) -> None:
        """Take no more; those on their way are closed by the system."""
        loop = asyncio.get_running_loop()
        for each in (*self._open, *([self._listening] if self._listening else [])):
            loop.remove_reader(each)
            each.close()
        self._open.clear()
        self._listening = None

    def _on_process(self) -> None:
        assert self._listening is not None
        with contextlib.suppress(OSError):
            other, _ = self._listening.accept()
            other.setblocking(False)
            self._open.add(other)
            asyncio.get_running_loop().add_reader(other, self._on_message, other)

    def _on_message(self, other: socket.socket) -> None:
        try:
            data, files, _, _ = socket.recv_fds(other, _MOST_MESSAGE, 1, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, files = b"", []
        if not data:
            asyncio.get_running_loop().remove_reader(other)
            self._open.discard(other)
            other.close()
            return
        for file in files:
            taken = socket.socket(fileno=file)
            taken.setblocking(False)
            try:
                self._take(self._decoder.decode(data), taken)
            except msgspec.MsgspecError as error:
                logger.warning("a connection that was handed over cannot be taken: %s", error)
                taken.close()


class Carrier:
    """Brings sockets to the door of one other process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._turn = asyncio.Lock()

    def reach(self) -> bool:
        """Whether the other process takes connections now."""
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            made.setblocking(False)
            try:
                made.connect(self._path)
            except OSError:
                made.close()
                return False
            self._socket = made
        return True

    async def send(self, origin: Origin, file: Callable[[], int | None]) -> bool:
        """Pass on what ``file`` gives when it can be sent (``None``: it is closed); whether that was done."""
        data = msgspec.msgpack.encode(origin)
        async with self._turn:
            while self.reach():
                assert self._socket is not None
                number = file()
                if number is None:
                    return False
                try:
                    socket.send_fds(self._socket, [data], [number])
                except BlockingIOError:
                    await _writable(self._socket)
                except OSError:  # it is gone
                    self.close()
                else:
                    return True
        return False

    def close(self) -> None:
        """Let go of the way."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


async def _writable(waiting: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(waiting, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(waiting)


def _bind(path: str, kind: socket.SocketKind) -> socket.socket:
    """A listening socket's name; what an earlier process left there goes."""
    Path(path).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, kind)
    made.setblocking(False)
    made.bind(path)
    return made


class Relay:
    """Carries bytes between a client that speaks TLS or WebSocket and the process that serves it."""

    def __init__(self, front: asyncio.Transport | WebSocket, over: Callable[[Relay], None]) -> None:
        self.front = front
        self.back: asyncio.Transport | None = None
        self._over = over
        self._early = b""
        self._ended = False

    async def open(self, end: socket.socket, transport: asyncio.Transport, read: bytes) -> None:
        """Carry from now on; ``read`` goes first. ``transport`` is what ``front`` stands on."""
        transport.set_protocol(_Front(self))
        made, _ = await asyncio.get_running_loop().create_unix_connection(lambda: _Back(self), sock=end)
        self.back = made
        if self._ended:
            made.abort()
            return
        if read or self._early:
            self.back.write(read + self._early)
        self.front.resume_reading()

    def on_client(self, data: bytes) -> None:
        """The client sent this."""
        front = self.front
        found = front.feed(data) if isinstance(front, WebSocket) else data
        if self.back is None:
            self._early += found
        elif found:
            self.back.write(found)
        if isinstance(front, WebSocket) and front.refused:
            if front.refused == "slow_reader":
                front.abort()
            else:
                front.close()
            self.close()

    def close(self) -> None:
        """End both sides, after what is unsent."""
        if self._ended:
            return
        self._ended = True
        self.front.close()
        if self.back is not None:
            self.back.close()
        self._over(self)


class _Front(asyncio.Protocol):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def data_received(self, data: bytes) -> None:
        self._relay.on_client(data)

    def pause_writing(self) -> None:
        if self._relay.back is not None:
            self._relay.back.pause_reading()

    def resume_writing(self) -> None:
        if self._relay.back is not None and not self._relay.back.is_closing():
            self._relay.back.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._relay.close()


class _Back(asyncio.Protocol):
    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def data_received(self, data: bytes) -> None:
        self._relay.front.write(data)

    def pause_writing(self) -> None:
        self._relay.front.pause_reading()

    def resume_writing(self) -> None:
        self._relay.front.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._relay.close()


__all__ = ["MOST_READ", "Carrier", "Door", "Origin", "Relay"]
