"""Whether another machine has an IPv4 address of ours: the probe of RFC 5227, section 2.1.1."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

_ETHERTYPE: Final = 0x0806
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")


async def find_claimant(interface: str, mac: str, address: str, wait_s: float = 1.0) -> str | None:
    """The MAC address of a machine that answers for ``address`` besides this one (``mac``); ``None`` when none does.

    Raises ``OSError``, ``PermissionError`` without CAP_NET_RAW.
    """
    own, wanted = bytes.fromhex(mac.replace(":", "")), socket.inet_aton(address)
    loop = asyncio.get_running_loop()
    with socket.socket(
        socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.htons(_ETHERTYPE)
    ) as channel:
        channel.bind((interface, _ETHERTYPE))
        question = _ARP.pack(1, 0x0800, 6, 4, 1, own, bytes(4), bytes(6), wanted)
        channel.send(b"\xff" * 6 + own + struct.pack("!H", _ETHERTYPE) + question)
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    frame = await loop.sock_recv(channel, 256)
                    claimant = read_claim(frame, own, wanted)
                    if claimant is not None:
                        return claimant
        except TimeoutError:
            return None


def read_claim(frame: bytes, own: bytes, wanted: bytes) -> str | None:
    """Who says in an ARP frame that the address is its own, unless it is us."""
    if len(frame) < 14 + _ARP.size:
        return None
    hardware, protocol, _, _, _, sender, address, _, _ = _ARP.unpack_from(frame, 14)
    if (hardware, protocol) != (1, 0x0800) or address != wanted or sender == own:
        return None
    return ":".join(f"{byte:02x}" for byte in sender)
