"""Asking one server: over UDP, again when nothing comes, then over TCP (RFC 3652, 2.3)."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.wire.codes import LATEST, EnvelopeFlag, Flag
from millwright.identity.handle.wire.fragments import Reassembly
from millwright.identity.handle.wire.message import (
    ENVELOPE_BYTES,
    FRAGMENT_BYTES,
    Envelope,
    Message,
    decode_envelope,
    decode_message,
    digest,
    encode_message,
    encode_signed_part,
    frame,
    packets,
    split_digest,
)

UDP_WAITS_S = (0.5, 1.0, 1.5)
TCP_WAIT_S = 10.0
# A server that cuts an answer sends its first packet only: what follows would have come right behind it.
_FOLLOWING_WAIT_S = 0.15
_MOST_MESSAGES = 10_000
_MOST_BYTES = 64 * 1024 * 1024


class Address(Struct, frozen=True):
    """Where a server listens; a port of ``None`` is not there."""

    host: str
    udp_port: int | None
    tcp_port: int | None


class Exchange(Struct, frozen=True):
    """A response that belongs to its request; ``body`` is without the digest, whose kind is kept."""

    envelope: Envelope
    message: Message
    body: bytes
    digest_kind: int


class NoAnswer(Exception):
    """A server did not answer, or not so that the answer could be believed."""


class _TooLarge(Exception):
    """The answer does not come over UDP."""


def new_request_id() -> int:
    """A request id that an attacker who does not see the request cannot guess, but for one try in two billion."""
    return int.from_bytes(os.urandom(4), "big") & 0x7FFFFFFF | 1


async def ask(
    address: Address,
    request: Message,
    *,
    session_id: int = 0,
    version: tuple[int, int] = LATEST,
    tcp_only: bool = False,
    udp_waits_s: Sequence[float] = UDP_WAITS_S,
    tcp_wait_s: float = TCP_WAIT_S,
) -> list[Exchange]:
    """Ask a server; more than one response is a message that was continued. Over UDP it is asked once for each of
    ``udp_waits_s``, the time to wait for an answer. Raises :class:`NoAnswer`."""
    problem = "it has no interface"
    if address.udp_port is not None and not tcp_only:
        try:
            return [await _ask_udp(address.host, address.udp_port, request, session_id, version, udp_waits_s)]
        except (_TooLarge, NoAnswer, OSError) as error:
            problem = str(error) or type(error).__name__
    if address.tcp_port is not None:
        try:
            async with asyncio.timeout(tcp_wait_s):
                return await _ask_tcp(address.host, address.tcp_port, request, session_id, version)
        except (OSError, TimeoutError, EOFError, MessageError) as error:
            problem = str(error) or type(error).__name__
    raise NoAnswer(f"{address.host}: {problem}")


def checked(request: Message, request_id: int, envelope: Envelope, data: bytes, version: tuple[int, int]) -> Exchange:
    """A response that answers this request. Raises ``MessageError`` when it answers something else."""
    if envelope.request_id != request_id:
        raise MessageError("it answers another request")
    if envelope.flags & (EnvelopeFlag.ENCRYPTED | EnvelopeFlag.COMPRESSED):
        raise MessageError("it is encrypted or compressed")
    message = decode_message(data)
    if not message.response_code:
        raise MessageError("it is no response")
    kind, value, body = split_digest(message)
    if request.flags & Flag.REQUEST_DIGEST and value != digest(kind or 1, encode_signed_part(request, version)):
        raise MessageError("its digest is of another request")
    return Exchange(envelope, message, body, kind)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue(1024)

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - a connected socket has one peer
        with contextlib.suppress(asyncio.QueueFull):
            self.received.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there now; time tells."""


async def _ask_udp(
    host: str, port: int, request: Message, session_id: int, version: tuple[int, int], waits_s: Sequence[float]
) -> Exchange:
    request_id = new_request_id()
    made = packets(version, session_id, request_id, encode_message(request, version))
    loop = asyncio.get_running_loop()
    # A connected socket: the system drops what comes from anybody else.
    transport, protocol = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(host, port))
    try:
        for wait_s in waits_s:
            for packet in made:
                transport.sendto(packet)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    return await _receive(protocol, request, request_id, version)
    finally:
        transport.close()
    raise NoAnswer("no answer over UDP")


async def _receive(protocol: _Datagrams, request: Message, request_id: int, version: tuple[int, int]) -> Exchange:
    parts = Reassembly()
    incomplete = False
    while True:
        try:
            async with asyncio.timeout(_FOLLOWING_WAIT_S if incomplete else None):
                data = await protocol.received.get()
        except TimeoutError:
            if incomplete:
                raise _TooLarge("the answer is too large for UDP") from None
            raise
        try:
            envelope = decode_envelope(data)
            if envelope.request_id != request_id:
                continue
            if envelope.length > 65_536:
                raise _TooLarge("the answer is too large for UDP")
            whole = parts.add(("", 0), envelope, data[ENVELOPE_BYTES:], 0.0)
            if whole is not None:
                return checked(request, request_id, envelope, whole, version)
            incomplete = envelope.length > FRAGMENT_BYTES
        except MessageError:
            # Somebody guesses, or a packet is broken: the right answer may still come.
            continue


async def _ask_tcp(host: str, port: int, request: Message, session_id: int, version: tuple[int, int]) -> list[Exchange]:
    request_id = new_request_id()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(frame(version, session_id, request_id, encode_message(request, version)))
        await writer.drain()
        found: list[Exchange] = []
        size = 0
        while len(found) < _MOST_MESSAGES and size <= _MOST_BYTES:
            envelope = decode_envelope(await reader.readexactly(ENVELOPE_BYTES))
            data = await reader.readexactly(envelope.length)
            size += len(data)
            found.append(checked(request, request_id, envelope, data, version))
            if not found[-1].message.flags & Flag.CONTINUOUS:
                return found
        raise MessageError("the answer does not end")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
