"""The sockets of some processes by sock_diag (``linux/inet_diag.h``), with what TCP measured of its path (TCP_INFO)."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from millwright.devices.network.linux import netlink
from millwright.devices.network.model import Family

_BY_FAMILY: Final = 20
_TCP, _UDP = 6, 17
_ESTABLISHED, _LISTEN = 1, 10
_REQUEST: Final = struct.Struct("=BBBxI")
_ID_BYTES: Final = 48
_HEAD: Final = struct.Struct("=BBBB")
_INFO: Final = 2  # INET_DIAG_INFO
_AF: Final[tuple[tuple[int, Family], ...]] = ((2, 4), (10, 6))


@dataclass(frozen=True, slots=True)
class Socket:
    """A socket. ``rtt_ms``, ``path_mtu``, the bytes and segments are TCP's own figures of a connection."""

    transport: Literal["tcp", "udp"]
    family: Family
    local: str
    local_port: int
    peer: str
    peer_port: int
    listening: bool
    inode: int
    rtt_ms: float | None = None
    rtt_variance_ms: float | None = None
    path_mtu: int | None = None
    retransmitted: int = 0
    segments_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


def read_sockets(inodes: Collection[int] | None = None) -> list[Socket]:
    """Open connections and served ports; only those of ``inodes`` when given. Raises ``OSError``."""
    found: list[Socket] = []
    for transport, states in ((_TCP, 1 << _ESTABLISHED | 1 << _LISTEN), (_UDP, 0xFFF)):
        for family, _ in _AF:
            extension = 1 << (_INFO - 1) if transport == _TCP else 0
            body = _REQUEST.pack(family, transport, extension, states) + bytes(_ID_BYTES)
            for _, answer in netlink.dump(netlink.SOCK_DIAG, _BY_FAMILY, body):
                read = _socket(answer, "tcp" if transport == _TCP else "udp")
                if read is not None and (inodes is None or read.inode in inodes):
                    found.append(read)
    return found


def _socket(body: bytes, transport: Literal["tcp", "udp"]) -> Socket | None:
    if len(body) < 72:
        return None
    kind, state, _, _ = _HEAD.unpack_from(body)
    family: Family = 4 if kind == 2 else 6
    local_port, peer_port = struct.unpack_from("!HH", body, 4)
    width = 4 if family == 4 else 16
    local, local_family = _plain(body[8 : 8 + width])
    peer, peer_family = _plain(body[24 : 24 + width])
    inode = struct.unpack_from("=I", body, 68)[0]
    listening = state == _LISTEN if transport == "tcp" else peer_port == 0
    seen = peer_family if not listening else local_family
    info = netlink.attributes(body, 72).get(_INFO, b"") if transport == "tcp" else b""
    figures = _tcp_info(info) if not listening else {}
    return Socket(transport, seen, local, local_port, peer, peer_port, listening, inode, **figures)  # type: ignore[arg-type]  # by name


def _plain(data: bytes) -> tuple[str, Family]:
    """An address; one of IPv4 inside IPv6 (a socket for both) as what it is."""
    if len(data) == 16 and data[:12] == b"\0" * 10 + b"\xff\xff":
        data = data[12:]
    return netlink.address(data), 4 if len(data) == 4 else 6


def _tcp_info(info: bytes) -> dict[str, float | int | None]:
    """Of ``struct tcp_info``; an older kernel's is shorter, and what is missing then stays unknown."""
    if len(info) < 104:
        return {}
    # Eight bytes of flags, then 32-bit figures; 64-bit ones from offset 104 on.
    words = struct.unpack_from("=24I", info, 8)
    found: dict[str, float | int | None] = {
        "path_mtu": words[13] or None,
        "rtt_ms": words[15] / 1000 if words[15] else None,
        "rtt_variance_ms": words[16] / 1000,
        "retransmitted": words[23],
    }
    if len(info) >= 144:
        found["bytes_out"], found["bytes_in"] = struct.unpack_from("=QQ", info, 120)
        found["segments_out"] = struct.unpack_from("=I", info, 136)[0]
    return found


def inodes_of(root_pid: int, proc: Path = Path("/proc")) -> set[int]:
    """The inodes of all sockets that a process and those it started hold. What ends meanwhile is passed over."""
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    left = [root_pid]
    while left:
        pid = left.pop()
        left += children.get(pid, [])
        try:
            for number in os.scandir(proc / str(pid) / "fd"):
                target = os.readlink(number.path)  # noqa: PTH115 - thousands of them, without an object for each
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
        except OSError:
            continue
    return found
