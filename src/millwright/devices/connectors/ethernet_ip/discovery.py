"""ListIdentity by broadcast (EtherNet/IP volume 2, clause 2-4.2), and its answer."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final

from ..contract import Found

PORT: Final = 44818
REQUEST: Final = bytes((0x63, 0)) + bytes(22)
_IDENTITY: Final = 0x0C


def read_identity(octets: bytes, sender: str) -> Found | None:
    """The device that an answer describes; ``None`` where it is no answer to ListIdentity."""
    if len(octets) < 26 or octets[:2] != b"\x63\x00" or octets[24:26] == b"\x00\x00":
        return None
    item = octets[26:]
    if len(item) < 4 or int.from_bytes(item[:2], "little") != _IDENTITY:
        return None
    body = item[4 : 4 + int.from_bytes(item[2:4], "little")]
    if len(body) < 33 or len(body) < 33 + body[32]:
        return None
    vendor, kind, product = (int.from_bytes(body[at : at + 2], "little") for at in (18, 20, 22))
    serial = int.from_bytes(body[28:32], "little")
    name = body[33 : 33 + body[32]].decode("latin-1").strip()
    # Behind a translation of addresses the one it tells is not the one that it answers from.
    told = str(ipaddress.IPv4Address(body[6:10]))
    detail = f"vendor {vendor}, type {kind}, product {product}, revision {body[24]}.{body[25]}, serial {serial:08x}"
    if told not in (sender, "0.0.0.0"):
        detail += f", calls itself {told}"
    return Found(title=f"{name or 'EtherNet/IP device'} at {sender}", settings={"host": sender}, detail=detail)


class _Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Found] = {}

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        found = read_identity(data, str(addr[0]))
        if found is not None and len(self.found) < 1000:
            self.found[str(addr[0]), found.title] = found


async def discover(timeout_s: float, target: str = "255.255.255.255", port: int = PORT) -> list[Found]:
    """Devices that answer within ``timeout_s``, in the order of their titles."""
    loop = asyncio.get_running_loop()
    listener = _Listener()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: listener, local_addr=("0.0.0.0", 0), allow_broadcast=True
    )
    try:
        transport.sendto(REQUEST, (target, port))
        await asyncio.sleep(timeout_s)
    finally:
        transport.close()
    return sorted(listener.found.values(), key=lambda found: found.title)
