"""Servers that announce themselves by multicast DNS as ``_opcua-tcp._tcp`` (IEC 62541-12, annex C; RFC 6762, 6763)."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Final

SERVICE: Final = "_opcua-tcp._tcp.local"
_GROUP: Final = ("224.0.0.251", 5353)
_PTR, _TXT, _SRV, _A = 12, 16, 33, 1
_UNICAST_ANSWER: Final = 0x8001
_MOST: Final = 500


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[tuple[bytes, str]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(self.packets) < _MOST:
            self.packets.append((data, addr[0]))


async def announced(timeout_s: float) -> list[tuple[str, str]]:
    """Ask once and listen: URL and name of each server. Empty where there is no network for it."""
    loop = asyncio.get_running_loop()
    try:
        transport, listener = await loop.create_datagram_endpoint(
            _Listener, local_addr=("0.0.0.0", 0), family=socket.AF_INET
        )
    except OSError:
        return []
    try:
        with suppress(OSError):
            transport.sendto(question(), _GROUP)
        await asyncio.sleep(timeout_s)
    finally:
        transport.close()
    found: dict[str, str] = {}
    for packet, sender in listener.packets:
        with suppress(struct.error, IndexError, ValueError, UnicodeDecodeError):
            found.update(servers(packet, sender))
    return list(found.items())


def question() -> bytes:
    """A query for the service, to be answered to us alone."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in SERVICE.split("."))
    return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", _PTR, _UNICAST_ANSWER)


def servers(packet: bytes, sender: str) -> dict[str, str]:
    """The servers that an answer announces: URL → name. Raises for what is no DNS message."""
    _, _, questions, *counts = struct.unpack_from(">6H", packet)
    position = 12
    for _ in range(questions):
        _, position = _name(packet, position)
        position += 4
    places: dict[str, tuple[int, str]] = {}
    paths: dict[str, str] = {}
    hosts: dict[str, str] = {}
    for _ in range(min(_MOST, sum(counts))):
        name, position = _name(packet, position)
        kind, _, _, size = struct.unpack_from(">2HIH", packet, position)
        position += 10
        if kind == _SRV and name.endswith(SERVICE):
            (port,) = struct.unpack_from(">H", packet, position + 4)
            places[name] = port, _name(packet, position + 6)[0]
        elif kind == _TXT and name.endswith(SERVICE):
            paths[name] = _path(packet[position : position + size])
        elif kind == _A and size == 4:
            hosts[name] = socket.inet_ntoa(packet[position : position + 4])
        position += size
    return {
        f"opc.tcp://{hosts.get(host, sender)}:{port}{paths.get(name, '')}": name.removesuffix("." + SERVICE)
        for name, (port, host) in places.items()
    }


def _path(text: bytes) -> str:
    position = 0
    while position < len(text):
        entry = text[position + 1 : position + 1 + text[position]]
        position += 1 + text[position]
        key, _, value = entry.partition(b"=")
        if key == b"path" and value != b"/":
            path = value.decode()
            return path if path.startswith("/") else f"/{path}"
    return ""


def _name(packet: bytes, position: int) -> tuple[str, int]:
    labels: list[str] = []
    after: int | None = None
    for _ in range(128):
        length = packet[position]
        if length >= 0xC0:
            target = struct.unpack_from(">H", packet, position)[0] & 0x3FFF
            after = position + 2 if after is None else after
            if target >= position:
                raise ValueError("a name points forward")
            position = target
            continue
        position += 1
        if not length:
            return ".".join(labels), position if after is None else after
        labels.append(packet[position : position + length].decode())
        position += length
    raise ValueError("a name without an end")
