"""A line: bytes to and from a TCP socket or a serial port, for the protocols that bring a framing of their own.

It knows when it was last used, for protocols that want silence between frames, and says once when it is lost.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from millwright.kernel import Denied, Invalid, Unavailable

Parity = Literal["none", "even", "odd"]
_MOST_UNSENT = 65_536


def lost(reason: str) -> Unavailable:
    """What is raised by whoever waits for an answer when the line is lost."""
    return Unavailable(
        f"The connection is lost: {reason}.",
        code="connectors.lost",
        hint="Nothing to do: it is opened again. If it stays away, look at the device, its cable and the network.",
    )


class Line(ABC):
    """An open line. ``on_bytes`` and ``on_lost`` are set by its one user before anything is sent."""

    def __init__(self) -> None:
        self.on_bytes: Callable[[bytes], None] = lambda _: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.used_at: float = 0.0
        """``time.monotonic`` of the last byte in or out."""
        self.gone: str | None = None
        """Why it is lost; ``None`` while it is open."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send ``data``; raises ``Unavailable`` when the line is lost."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it at once; ``on_lost`` is not called for that."""

    def received(self, data: bytes) -> None:
        """Bytes came."""
        self.used_at = time.monotonic()
        self.on_bytes(data)

    def lose(self, reason: str) -> None:
        """The other side or the system took it away."""
        if self.gone is None:
            self.gone = reason
            self.close()
            self.on_lost(reason)


class TcpLine(Line, asyncio.Protocol):
    """A TCP connection, with TLS where a context is given."""

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport calls this."""
        # A node's own loop (uvloop) has transports that are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """The transport calls this."""
        self.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport calls this."""
        self.lose(str(exc) if exc else "the other side closed it")

    def write(self, data: bytes) -> None:
        """As :meth:`Line.write`."""
        if self.gone is not None or self._transport is None:
            raise lost(self.gone or "it is closed")
        if self._transport.get_write_buffer_size() > _MOST_UNSENT:
            self.lose("the other side takes nothing any more")
            raise lost("the other side takes nothing any more")
        self.used_at = time.monotonic()
        self._transport.write(data)

    def close(self) -> None:
        """As :meth:`Line.close`."""
        self.gone = self.gone or "it is closed"
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


async def open_tcp(host: str, port: int, timeout_s: float, tls: Any = None) -> TcpLine:
    """Connect; raises ``Unavailable`` when nobody answers within ``timeout_s``."""
    import socket

    if not host:
        raise Invalid(
            "A connection by TCP needs a host.",
            code="connectors.settings_invalid",
            hint='Set "host" to the address of the device or gateway, as 192.168.1.20.',
        )
    try:
        async with asyncio.timeout(timeout_s):
            transport, line = await asyncio.get_running_loop().create_connection(TcpLine, host, port, ssl=tls)
    except (OSError, TimeoutError) as error:
        why = "nobody answered" if isinstance(error, TimeoutError) else (error.strerror or str(error))
        raise Unavailable(
            f"{host}:{port} cannot be reached: {why}.",
            code="connectors.unreachable",
            hint="Check the address and port, that the device is on, and that no firewall is between.",
        ) from error
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return line


_BITS: Final = {"none": "N", "even": "E", "odd": "O"}


class SerialLine(Line):
    """A serial port that is this process's alone. Use :func:`open_serial`."""

    def __init__(self, port: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._port = port
        self._fd: int = port.fileno()
        self._loop = loop
        self._unsent = bytearray()
        loop.add_reader(self._fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self.lose(error.strerror or str(error))
            return
        if data:
            self.received(data)
        else:
            self.lose("the port is gone")

    def write(self, data: bytes) -> None:
        """As :meth:`Line.write`."""
        if self.gone is not None:
            raise lost(self.gone)
        if len(self._unsent) > _MOST_UNSENT:
            self.lose("the port takes nothing any more")
            raise lost("the port takes nothing any more")
        self.used_at = time.monotonic()
        self._unsent += data
        self._write()

    def _write(self) -> None:
        try:
            sent = os.write(self._fd, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.lose(error.strerror or str(error))
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._fd, self._write)
        else:
            self._loop.remove_writer(self._fd)

    def close(self) -> None:
        """As :meth:`Line.close`."""
        self.gone = self.gone or "it is closed"
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            self._loop.remove_writer(self._fd)
            self._fd = -1
            self._port.close()


async def open_serial(path: str, baud_rate: int, parity: Parity, stop_bits: int, data_bits: int = 8) -> SerialLine:
    """Open a serial port for ourselves alone; raises ``Unavailable``, ``Denied`` or ``Invalid``."""
    if not path:
        raise Invalid(
            "A serial connection needs a port.",
            code="connectors.settings_invalid",
            hint='Set "serial_port" to the port, as /dev/ttyUSB0 or /dev/serial/by-id/….',
        )
    import termios

    import serial

    def claim() -> Any:
        return serial.Serial(
            path,
            baudrate=baud_rate,
            parity=_BITS[parity],
            stopbits=stop_bits,
            bytesize=data_bits,
            timeout=0,
            exclusive=True,
        )

    try:
        # Not in a thread: should we be cancelled meanwhile, nobody would close what it opens. It takes microseconds.
        port = claim()
    except (ValueError, termios.error) as error:
        raise Invalid(
            f"The port {path} does not take these settings: {error}.",
            code="connectors.settings_invalid",
            hint="Take a baud rate that the port knows, as 9600, 19200 or 115200, and a parity that it knows.",
        ) from error
    except serial.SerialException as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise Denied(
                f"The port {path} may not be opened.",
                code="connectors.port_denied",
                hint="Let the user that the node runs as into the group that owns the port (often dialout).",
            ) from error
        raise Unavailable(
            f"The port {path} cannot be opened: {error.strerror or error}.",
            code="connectors.unreachable",
            hint="Check that the adapter is plugged in, its name, and that no other program holds it.",
        ) from error
    os.set_blocking(port.fileno(), False)
    return SerialLine(port, asyncio.get_running_loop())
