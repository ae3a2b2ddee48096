"""The door for TLS: so many handshakes begin in a second, so many are under way, so many come from one address.

A handshake with certificates on both sides costs some hundred times what a message does (``bench/tls.py``), and its
client need only send a few bytes for it. So what knocks is taken in at a pace that leaves most of a core to the
connections that are already in; the rest waits in the system's queue. What says nothing is let go after the time a
client has to sign in.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine

from millwright.devices.mqtt.settings import MqttSettings
from millwright.kernel import Unavailable

logger = logging.getLogger(__name__)

_BACKLOG = 2048
_RETRY_S = 0.1
_PROBES = {
    getattr(socket, name): value
    for name, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
    if hasattr(socket, name)
}
"""Seconds of silence, seconds between probes, and unanswered probes after which the kernel ends a connection."""


def probe(listening: socket.socket) -> None:
    """Let connections accepted here end when their peer vanished, also when its client asked for no keep-alive."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES.items():
        listening.setsockopt(socket.IPPROTO_TCP, option, value)


class TlsDoor:
    """Accepts on one port, with other processes when it is ``shared``.

    ``context`` gives what the next handshake uses, so that it can be changed meanwhile.
    """

    def __init__(
        self,
        settings: MqttSettings,
        context: Callable[[], ssl.SSLContext],
        factory: Callable[[], asyncio.Protocol],
        *,
        shared: bool = False,
    ) -> None:
        self._shared = shared
        self._settings, self._context, self._factory = settings, context, factory
        self._slots = asyncio.Semaphore(settings.tls_handshakes)
        self._under_way: Counter[str] = Counter()
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_s = 0.0
        self.begun = 0
        self.failed = 0
        self.refused = 0

    @property
    def under_way(self) -> int:
        """Handshakes that have begun and not ended."""
        return self._under_way.total()

    async def open(self, port: int) -> int:
        """Listen; returns the port. Raises ``Unavailable`` (``listener.port_taken``)."""
        loop = asyncio.get_running_loop()
        host = self._settings.host or None
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, _, _, _, address in dict.fromkeys(found):
                listening = socket.create_server(address, family=family, backlog=_BACKLOG, reuse_port=self._shared)
                listening.setblocking(False)
                probe(listening)
                self._sockets.append(listening)
        except OSError as error:
            self.close()
            raise Unavailable(
                f"The listener cannot open port {port} on {self._settings.host}: {error.strerror or error}",
                code="listener.port_taken",
                hint="Stop the program that holds the port, or set [mqtt] port or tls_port to another one.",
            ) from error
        for listening in self._sockets:
            self._run(self._accept(listening))
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more, and let go of those that are not in yet."""
        for task in self._tasks:
            task.cancel()
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()

    def _run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            await self._slots.acquire()
            try:
                await self._pace()
                await _readable(listening)
                connection, address = listening.accept()
            except OSError as error:  # the limit of open files, or a client that is gone already
                self._slots.release()
                if not isinstance(error, BlockingIOError):
                    logger.debug("a connection could not be accepted: %s", error)
                    await asyncio.sleep(_RETRY_S)
                continue
            except BaseException:
                self._slots.release()
                raise
            if self._under_way[address[0]] >= self._settings.max_unauthenticated_per_address:
                self.refused += 1
                self._slots.release()
                connection.close()
                continue
            self._under_way[address[0]] += 1
            self.begun += 1
            shaking = self._run(self._shake(connection))
            shaking.add_done_callback(functools.partial(self._shaken, connection, address[0]))

    async def _pace(self) -> None:
        """Let one more begin, so many a second; a pause saves up no more than a tenth of a second's worth."""
        step_s = 1.0 / self._settings.tls_handshakes_per_s
        now_s = asyncio.get_running_loop().time()
        self._next_s = max(self._next_s + step_s, now_s - 0.1)
        if self._next_s > now_s:
            await asyncio.sleep(self._next_s - now_s)

    async def _shake(self, connection: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(
            self._factory,
            connection,
            ssl=self._context(),
            ssl_handshake_timeout=self._settings.connect_timeout_s,
        )

    def _shaken(self, connection: socket.socket, address: str, shaking: asyncio.Task[None]) -> None:
        """The handshake is over, or was given up before it began: a socket without an owner is closed."""
        self._under_way[address] -= 1
        if not self._under_way[address]:
            del self._under_way[address]
        self._slots.release()
        error = None if shaking.cancelled() else shaking.exception()
        if not shaking.cancelled() and error is None:
            return
        with contextlib.suppress(OSError):
            connection.close()
        if isinstance(error, OSError | EOFError):  # ssl.SSLError and a timeout are of OSError
            self.failed += 1
            logger.debug("a TLS handshake with %s failed: %s", address, error)
        elif error is not None:
            self.failed += 1
            logger.error("a TLS handshake with %s ended in a fault", address, exc_info=error)


async def _readable(listening: socket.socket) -> None:
    """Wait for a connection. Cancelled, it leaves the connection in the queue: ``loop.sock_accept`` may lose it."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, ready.set)
    try:
        await ready.wait()
    finally:
        if listening.fileno() != -1:  # the door was not closed meanwhile
            loop.remove_reader(listening)
