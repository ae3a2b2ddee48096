"""How far this machine's clock is from a time server's: one question by SNTP (RFC 4330; RFC 5905, section 14)."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import Final

_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970
_CLIENT: Final = 0b00_100_011  # no warning, version 4, client


class ClockUnknown(Exception):
    """The server did not tell the time; the message says why."""


async def ask_clock(server: str, port: int = 123, timeout_s: float = 2.0) -> float:
    """How far this machine is ahead of ``server``, in ms. Raises :class:`ClockUnknown`."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(server, port, type=socket.SOCK_DGRAM)
        family, _, _, _, target = found[0]
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as channel:
            channel.connect(target)
            # A number nobody can guess in place of our time: what comes back must carry it (RFC 5905, section 8).
            nonce = os.urandom(8)
            sent, began = time.time(), time.perf_counter()
            await loop.sock_sendall(channel, bytes([_CLIENT]) + bytes(39) + nonce)
            data = await asyncio.wait_for(loop.sock_recv(channel, 512), timeout_s)
            took = time.perf_counter() - began
    except TimeoutError:
        raise ClockUnknown("it is silent") from None
    except OSError as error:
        raise ClockUnknown(error.strerror or str(error)) from error
    return offset_of(data, nonce, sent, sent + took)


def offset_of(data: bytes, nonce: bytes, sent_s: float, received_s: float) -> float:
    """The offset in ms that an answer tells. Raises :class:`ClockUnknown` for what is none to our question."""
    if len(data) < 48 or data[24:32] != nonce:
        raise ClockUnknown("what it sent is no answer to the question")
    flags, stratum = data[0], data[1]
    if flags & 0b111 != 4 or flags >> 6 == 3 or not 1 <= stratum <= 15:
        raise ClockUnknown("it does not know the time itself")
    took_s, gave_s = _seconds(data, 32), _seconds(data, 40)
    return ((sent_s - took_s) + (received_s - gave_s)) / 2 * 1000


def _seconds(data: bytes, at: int) -> float:
    whole: int
    part: int
    whole, part = struct.unpack_from("!II", data, at)
    # The era that begins in 2036 (RFC 4330, section 3).
    era_s = 0 if whole & 0x8000_0000 else 1 << 32
    return float(whole - _EPOCH + era_s + part / (1 << 32))
