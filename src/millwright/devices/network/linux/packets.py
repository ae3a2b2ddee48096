"""Frames seen on the wire by packet sockets (AF_PACKET), filtered in the kernel, their heads only.

Two sockets an interface at most: one for LLDP, and where the settings say so one for the protocols of
:mod:`millwright.devices.network.protocols`. Needs CAP_NET_RAW. Nothing of a frame is kept but who spoke what with whom.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

_ALL: Final = 0x0003
_ATTACH_FILTER: Final = 26
_SOL_PACKET, _ADD_MEMBERSHIP, _MULTICAST, _PROMISCUOUS = 263, 1, 0, 1
HEAD_BYTES: Final = 96
"""How much of a frame is read."""
_LOAD_HALF, _LOAD_BYTE, _INDEXED_HALF, _LOAD_X = 0x28, 0x30, 0x48, 0xB1
_EQUAL, _ANY_BIT, _RETURN = 0x15, 0x45, 0x06
_IPV4, _IPV6, _VLAN = 0x0800, 0x86DD, 0x8100
_TCP, _UDP = 6, 17

Instruction = tuple[int, int, int, int]


class Seen(NamedTuple):
    """What the head of a frame says. Addresses are MACs and ``transport`` is ``ethernet`` for what is no IP."""

    family: int
    source: str
    target: str
    transport: str
    source_port: int
    target_port: int
    ethertype: int
    length: int


def program(ethertypes: Collection[int], tcp: Collection[int], udp: Collection[int]) -> list[Instruction]:
    """A classic BPF program that passes the heads of frames of these types and of IP packets from or to these ports."""
    lines: list[tuple[int, str | int, str | int, int]] = []
    labels: dict[str, int] = {}

    def put(code: int, k: int, yes: str | int = 0, no: str | int = 0) -> None:
        lines.append((code, yes, no, k))

    def ports(name: str, wanted: Collection[int]) -> None:
        """The port in the accumulator, against a list; a long list is cut so that no jump is too far."""
        for port in sorted(wanted):
            put(_EQUAL, port, f"pass-{name}", 0)

    put(_LOAD_HALF, 12)
    for kind in sorted(ethertypes):
        put(_EQUAL, kind, "type", 0)
    put(_EQUAL, _IPV4, "v4", 0)
    put(_EQUAL, _IPV6, "v6", "none")
    labels["type"] = len(lines)
    put(_RETURN, HEAD_BYTES)
    labels["none"] = len(lines)
    put(_RETURN, 0)
    for family, protocol_at in (("v4", 23), ("v6", 20)):
        labels[family] = len(lines)
        if family == "v4":
            put(_LOAD_HALF, 20)
            put(_ANY_BIT, 0x1FFF, "drop-v4", 0)  # not the first fragment: no ports
            put(_LOAD_X, 14)
        put(_LOAD_BYTE, protocol_at)
        put(_EQUAL, _TCP, f"{family}-tcp", 0)
        put(_EQUAL, _UDP, f"{family}-udp", f"drop-{family}")
        labels[f"drop-{family}"] = len(lines)
        put(_RETURN, 0)
        for transport, wanted in (("tcp", tcp), ("udp", udp)):
            name = f"{family}-{transport}"
            labels[name] = len(lines)
            for at in (14, 16) if family == "v4" else (54, 56):
                put(_INDEXED_HALF if family == "v4" else _LOAD_HALF, at)
                ports(name, wanted)
            put(_RETURN, 0)
            labels[f"pass-{name}"] = len(lines)
            put(_RETURN, HEAD_BYTES)

    def jump(to: str | int, at: int) -> int:
        return to if isinstance(to, int) else labels[to] - at - 1

    made = [(code, jump(yes, at), jump(no, at), k) for at, (code, yes, no, k) in enumerate(lines)]
    assert all(0 <= each[1] < 256 and 0 <= each[2] < 256 for each in made)
    return made


def open_packets(
    interface: str, instructions: Sequence[Instruction], *, groups: Sequence[bytes] = (), promiscuous: bool = False
) -> socket.socket:
    """A socket that reads what the program passes of an interface; joins multicast ``groups`` there. Raises
    ``OSError``, ``PermissionError`` without CAP_NET_RAW."""
    channel = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)
    try:
        # The filter before the interface: nothing comes through in between.
        packed = b"".join(struct.pack("=HBBI", *each) for each in instructions)
        buffer = ctypes.create_string_buffer(packed, len(packed))
        head = struct.pack("@HP", len(instructions), ctypes.addressof(buffer))
        channel.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, head)
        channel.bind((interface, _ALL))
        index = socket.if_nametoindex(interface)
        for group in groups:
            request = struct.pack("=iHH8s", index, _MULTICAST, len(group), group)
            channel.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)
        if promiscuous:
            request = struct.pack("=iHH8s", index, _PROMISCUOUS, 0, b"")
            channel.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, request)
    except BaseException:
        channel.close()
        raise
    return channel


def only(ethertype: int) -> list[Instruction]:
    """A program that passes whole frames of one type."""
    return [(_LOAD_HALF, 0, 0, 12), (_EQUAL, 0, 1, ethertype), (_RETURN, 0, 0, 0xFFFF), (_RETURN, 0, 0, 0)]


def read_head(frame: bytes) -> Seen | None:
    """What the first bytes of a frame say; ``None`` when they are too few. Lengths are those the packet states."""
    if len(frame) < 14:
        return None
    ethertype = struct.unpack_from("!H", frame, 12)[0]
    at = 14
    if ethertype == _VLAN and len(frame) >= 18:
        ethertype, at = struct.unpack_from("!H", frame, 16)[0], 18
    if ethertype == _IPV4 and len(frame) >= at + 20:
        width = (frame[at] & 0x0F) * 4
        return _packet(frame, at, at + width, 4, frame[at + 9], struct.unpack_from("!H", frame, at + 2)[0])
    if ethertype == _IPV6 and len(frame) >= at + 40:
        length = struct.unpack_from("!H", frame, at + 4)[0] + 40
        return _packet(frame, at, at + 40, 6, frame[at + 6], length)
    if ethertype in (_IPV4, _IPV6):
        return None
    source, target = (":".join(f"{byte:02x}" for byte in part) for part in (frame[6:12], frame[:6]))
    return Seen(0, source, target, "ethernet", 0, 0, ethertype, len(frame))


def _packet(frame: bytes, at: int, ports_at: int, family: int, protocol: int, length: int) -> Seen | None:
    if protocol not in (_TCP, _UDP) or len(frame) < ports_at + 4 or (family == 4 and ports_at < at + 20):
        return None
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    first, width = (at + 12, 4) if family == 4 else (at + 8, 16)
    source = socket.inet_ntop(kind, frame[first : first + width])
    target = socket.inet_ntop(kind, frame[first + width : first + 2 * width])
    source_port, target_port = struct.unpack_from("!HH", frame, ports_at)
    transport = "tcp" if protocol == _TCP else "udp"
    return Seen(family, source, target, transport, source_port, target_port, 0x0800 if family == 4 else 0x86DD, length)
