"""Netlink (RFC 3549; ``linux/netlink.h``): one question, the answers with their attributes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final

ROUTE: Final = 0
SOCK_DIAG: Final = 4
_REQUEST_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_ERROR: Final = 2
_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_RECEIVE: Final = 64 * 1024
_TIMEOUT_S: Final = 2.0
_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER


def dump(family: int, kind: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    """Every answer to a dump request, as (type, payload). Raises ``OSError`` when the kernel refuses or is silent.

    A dump that was interrupted by a change may miss something: it is asked again every few seconds anyway.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family) as channel:
        channel.settimeout(_TIMEOUT_S)
        channel.bind((0, 0))
        channel.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 1, 0) + body)
        while True:
            data = channel.recv(_RECEIVE)
            for found, payload in _messages(data):
                if found == _DONE:
                    return
                if found == _ERROR:
                    number = -struct.unpack_from("=i", payload)[0]
                    raise OSError(number, f"netlink refused request {kind}")
                yield found, payload


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            raise OSError(74, "netlink sent a message that is cut off")
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def attributes(data: bytes, at: int) -> dict[int, bytes]:
    """The attributes that begin at ``at``, by type; the last of a type counts. What is cut off is left out."""
    found: dict[int, bytes] = {}
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            break
        found[kind & _TYPE_MASK] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def number(data: bytes | None, default: int = 0) -> int:
    """An attribute as an unsigned number of the machine's order."""
    return int.from_bytes(data, _ORDER) if data else default


def text(data: bytes | None) -> str:
    """An attribute as text."""
    return data.split(b"\0")[0].decode(errors="replace") if data else ""


def mac(data: bytes | None) -> str:
    """A link-layer address as text; empty when it is none or all zeros."""
    return ":".join(f"{byte:02x}" for byte in data) if data and any(data) else ""


def address(data: bytes | None) -> str:
    """An IP address as text; empty when it is none."""
    if data is None or len(data) not in (4, 16):
        return ""
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


_ORDER: Final = "little" if struct.pack("=H", 1) == b"\1\0" else "big"
