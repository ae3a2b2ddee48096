"""ICMP echo (RFC 792, RFC 4443) without a program of its own: an unprivileged socket where the kernel lets this group
have one (``net.ipv4.ping_group_range``), else a raw one, else none."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import time
from typing import Final, Literal

from millwright.devices.network.model import Family

_HEAD: Final = struct.Struct("!BBHHH")
_REQUEST: Final[dict[int, int]] = {4: 8, 6: 128}
_REPLY: Final[dict[int, int]] = {4: 0, 6: 129}
_MTU_DISCOVER: Final[dict[int, tuple[int, int]]] = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
_PROBE: Final = 3  # IP_PMTUDISC_PROBE: never fragment, and believe no path MTU
_PROTOCOLS: Final[dict[int, tuple[int, int]]] = {
    4: (socket.AF_INET, socket.IPPROTO_ICMP),
    6: (socket.AF_INET6, socket.IPPROTO_ICMPV6),
}
_IP_BYTES: Final[dict[int, int]] = {4: 20, 6: 40}
_MARK: Final = b"millwright"

Answer = float | Literal["silent", "too_big", "unreachable"]


class Echo:
    """Asks by echo, in one event loop. :meth:`open` says which families it can ask in."""

    def __init__(self) -> None:
        self._sockets: dict[int, tuple[socket.socket, bool]] = {}
        self._waiting: dict[tuple[int, int], tuple[str, float, asyncio.Future[float]]] = {}
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._mark = _MARK + os.urandom(6)

    def open(self) -> set[Family]:
        """Open what may be opened; the families there are."""
        loop = asyncio.get_running_loop()
        found: set[Family] = set()
        family: Family
        for family in (4, 6):
            if family not in self._sockets and (made := _socket(family)) is not None:
                self._sockets[family] = made
                loop.add_reader(made[0].fileno(), self._read, family)
            if family in self._sockets:
                found.add(family)
        return found

    def close(self) -> None:
        """Ask no more; what is waited for ends as silence."""
        loop = asyncio.get_running_loop()
        for channel, _ in self._sockets.values():
            loop.remove_reader(channel.fileno())
            channel.close()
        self._sockets.clear()
        for _, _, answer in self._waiting.values():
            answer.cancel()
        self._waiting.clear()

    async def ask(
        self, address: str, family: Family, *, interface: str = "", whole_bytes: int = 0, timeout_s: float = 1.0
    ) -> Answer:
        """The time to the answer in ms, or why there is none.

        ``whole_bytes`` is the size of the IP packet, which is not fragmented on the way. An address of the link needs
        its ``interface``.
        """
        found = self._sockets.get(family)
        if found is None:
            return "unreachable"
        self._sequence = (self._sequence + 1) & 0xFFFF
        sequence = self._sequence
        body = self._mark.ljust(max(0, whole_bytes - _IP_BYTES[family] - _HEAD.size) or 32, b"\0")
        packet = _packet(family, self._identifier, sequence, body)
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[family, sequence] = address, time.perf_counter(), answer
        try:
            scope = socket.if_nametoindex(interface) if interface and family == 6 else 0
            target = (address, 0) if family == 4 else (address, 0, 0, scope if address.startswith("fe80") else 0)
            found[0].sendto(packet, target)
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            return "silent"
        except asyncio.CancelledError:
            if answer.cancelled() and (this := asyncio.current_task()) is not None and not this.cancelling():
                return "silent"
            raise
        except OSError as error:
            return "too_big" if error.errno == errno.EMSGSIZE else "unreachable"
        finally:
            self._waiting.pop((family, sequence), None)

    def _read(self, family: Family) -> None:
        channel, raw = self._sockets[family]
        for _ in range(64):
            try:
                data, sender = channel.recvfrom(2048)
            except OSError:  # nothing more, or an ICMP error of an earlier question
                return
            now = time.perf_counter()
            if raw and family == 4:
                data = data[(data[0] & 0x0F) * 4 :] if data else b""
            if len(data) < _HEAD.size:
                continue
            kind, _, _, identifier, sequence = _HEAD.unpack_from(data)
            waited = self._waiting.get((family, sequence))
            if kind != _REPLY[family] or waited is None or (raw and identifier != self._identifier):
                continue
            address, began, answer = waited
            # Also who answers counts: another host's echo with our number is none of ours.
            if sender[0].partition("%")[0] != address or not data[_HEAD.size :].startswith(self._mark):
                continue
            with contextlib.suppress(asyncio.InvalidStateError):
                answer.set_result((now - began) * 1000)


def _socket(family: Family) -> tuple[socket.socket, bool] | None:
    kind, protocol = _PROTOCOLS[family]
    for how in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            channel = socket.socket(kind, how | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
        except OSError:
            continue
        with contextlib.suppress(OSError):
            channel.setsockopt(*_MTU_DISCOVER[family], _PROBE)
        return channel, how == socket.SOCK_RAW
    return None


def _packet(family: Family, identifier: int, sequence: int, body: bytes) -> bytes:
    head = _HEAD.pack(_REQUEST[family], 0, 0, identifier, sequence)
    if family == 6:
        return head + body  # the kernel fills the checksum in, it knows the addresses
    return _HEAD.pack(_REQUEST[family], 0, checksum(head + body), identifier, sequence) + body


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
