"""LLDP frames as a switch sends them."""

from __future__ import annotations

import struct


def value(kind: int, content: bytes) -> bytes:
    """A TLV (IEEE 802.1AB, 8.4)."""
    return struct.pack("!H", kind << 9 | len(content)) + content


def announcement(
    name: str,
    port: str,
    *,
    port_text: str = "",
    ttl_s: int = 120,
    vlan: int | None = None,
    max_frame: int | None = None,
) -> bytes:
    """What a switch with the MAC 02:00:00:00:00:01 says of a port."""
    mac = bytes.fromhex("020000000001")
    parts = value(1, b"\x04" + mac) + value(2, b"\x05" + port.encode()) + value(3, struct.pack("!H", ttl_s))
    parts += value(5, name.encode())
    if port_text:
        parts += value(4, port_text.encode())
    if vlan is not None:
        parts += value(127, bytes.fromhex("0080c201") + struct.pack("!H", vlan))
    if max_frame is not None:
        parts += value(127, bytes.fromhex("00120f04") + struct.pack("!H", max_frame))
    return bytes.fromhex("0180c200000e") + mac + b"\x88\xcc" + parts + bytes(2)
