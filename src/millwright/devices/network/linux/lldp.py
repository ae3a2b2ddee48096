"""LLDP (IEEE 802.1AB-2016, clause 8): what a switch says of itself."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from millwright.devices.network.linux import netlink
from millwright.devices.network.model import SwitchPort

ETHERTYPE: Final = 0x88CC
GROUPS: Final = tuple(bytes.fromhex(f"0180c20000{last}") for last in ("0e", "03", "00"))
"""Where it is sent to: the nearest bridge, the nearest that is no two-port one, the nearest customer's."""
_MOST_TEXT: Final = 255
_ORGANISATION: Final = 127
_VLAN: Final = b"\x00\x80\xc2\x01"
_MAX_FRAME: Final = b"\x00\x12\x0f\x04"


def read_lldp(frame: bytes, interface: str, heard_ms: int) -> tuple[SwitchPort, int] | None:
    """The port of the switch that an Ethernet frame tells of, and for how many seconds that is valid (0: it leaves).

    ``None`` for what is no LLDP, or lacks what it must begin with.
    """
    if len(frame) < 14 or struct.unpack_from("!H", frame, 12)[0] != ETHERTYPE:
        return None
    parts = list(_values(frame[14:]))
    if [kind for kind, _ in parts[:3]] != [1, 2, 3] or any(len(value) < 2 for _, value in parts[:3]):
        return None
    chassis, port, ttl = (value for _, value in parts[:3])
    texts = {4: "", 5: "", 6: ""}
    management, vlan, max_frame = "", None, None
    for kind, value in parts[3:]:
        if kind in texts:
            texts[kind] = _text(value)
        elif kind == 8 and not management and len(value) > 1:
            management = netlink.address(value[2 : 1 + value[0]])
        elif kind == _ORGANISATION and value.startswith(_VLAN) and len(value) >= 6:
            vlan = struct.unpack_from("!H", value, 4)[0] or None
        elif kind == _ORGANISATION and value.startswith(_MAX_FRAME) and len(value) >= 6:
            max_frame = struct.unpack_from("!H", value, 4)[0]
    read = SwitchPort(
        interface=interface,
        chassis=_identity(chassis, mac=4, address=5),
        port=_identity(port, mac=3, address=4),
        name=texts[5],
        port_text=texts[4],
        text=texts[6],
        management=management,
        vlan=vlan,
        max_frame=max_frame,
        heard_ms=heard_ms,
    )
    return read, struct.unpack_from("!H", ttl)[0]


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(data):
        head = struct.unpack_from("!H", data, at)[0]
        kind, length = head >> 9, head & 0x1FF
        if kind == 0 or at + 2 + length > len(data):
            return
        yield kind, data[at + 2 : at + 2 + length]
        at += 2 + length


def _identity(value: bytes, *, mac: int, address: int) -> str:
    kind, content = value[0], value[1:]
    if kind == mac:
        return netlink.mac(content)
    if kind == address:
        return netlink.address(content[1:])
    return _text(content)


def _text(value: bytes) -> str:
    shown = value.decode(errors="replace").strip("\0 ")
    return "".join(char if char.isprintable() else "�" for char in shown)[:_MOST_TEXT]
