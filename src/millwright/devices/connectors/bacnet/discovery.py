"""Who-Is by broadcast and the I-Am that answer it (clauses 16.10, 20 and annex J.2), octet by octet."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Final

from ..contract import Found

PORT: Final = 47808
WHO_IS: Final = bytes.fromhex("81 0b 00 0c 01 20 ff ff 00 ff 10 08")
_UNICAST, _BROADCAST, _FORWARDED = 0x0A, 0x0B, 0x04


def read_i_am(octets: bytes, sender: tuple[str, int]) -> Found | None:
    """The device that an I-Am announces; ``None`` where it is none."""
    if len(octets) < 6 or octets[0] != 0x81 or octets[1] not in (_UNICAST, _BROADCAST, _FORWARDED):
        return None
    at = 4
    if octets[1] == _FORWARDED:
        if len(octets) < 12:
            return None
        sender = (".".join(map(str, octets[4:8])), int.from_bytes(octets[8:10]))
        at = 10
    network, at = _skip_network(octets, at)
    apdu = octets[at:]
    if len(apdu) < 8 or apdu[:3] != b"\x10\x00\xc4":
        return None
    identifier = int.from_bytes(apdu[3:7])
    if identifier >> 22 != 8:
        return None
    instance = identifier & 0x3FFFFF
    host, port = sender
    settings: dict[str, object] = {"host": host, "device": instance}
    if port != PORT:
        settings["port"] = port
    detail = f"vendor {_vendor(apdu)}" + (f", behind a router, on network {network}" if network else "")
    return Found(title=f"Device {instance} at {host}", settings=settings, detail=detail)


def _skip_network(octets: bytes, at: int) -> tuple[int, int]:
    """The network that a message comes from, 0 for ours, and where its APDU begins."""
    control, at, network = octets[at + 1], at + 2, 0
    if control & 0x80:
        return 0, len(octets)
    if control & 0x20:
        at += 3 + (octets[at + 2] if at + 2 < len(octets) else 0)
    if control & 0x08:
        network = int.from_bytes(octets[at : at + 2])
        at += 3 + (octets[at + 2] if at + 2 < len(octets) else 0)
    return network, at + (1 if control & 0x20 else 0)


def _vendor(apdu: bytes) -> int:
    """The vendor, the last of the four elements; its tag says how many octets it has."""
    at = 7
    for _ in range(2):
        if at >= len(apdu):
            return 0
        at += 1 + (apdu[at] & 7)
    return int.from_bytes(apdu[at + 1 : at + 1 + (apdu[at] & 7)]) if at < len(apdu) else 0


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.found: dict[str, Found] = {}

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        found = read_i_am(data, (str(addr[0]), int(addr[1])))
        if found is not None and len(self.found) < 10_000:
            self.found[found.title] = found


async def discover(
    timeout_s: float, target: str = "255.255.255.255", port: int = PORT, ours: int = PORT
) -> Sequence[Found]:
    """Devices that answer within ``timeout_s``. Answers are mostly broadcast, so we listen on their port if we can."""
    loop = asyncio.get_running_loop()
    listener = _Listener()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        opened.setblocking(False)
        try:
            opened.bind(("0.0.0.0", ours))
        except OSError:
            opened.bind(("0.0.0.0", 0))
        transport, _ = await loop.create_datagram_endpoint(lambda: listener, sock=opened.dup())
    try:
        with contextlib.suppress(OSError):
            transport.sendto(WHO_IS, (target, port))
        await asyncio.sleep(timeout_s)
    finally:
        transport.close()
    return sorted(listener.found.values(), key=lambda found: found.title)
