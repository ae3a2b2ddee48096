"""What the processes of a listener say to each other, and how: numbered messages over a Unix socket, each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias, cast

import msgspec

from millwright.devices.mqtt.packets import RetainedMessage

_MOST_BYTES: Final = 64 * 1024 * 1024


class Knock(msgspec.Struct, array_like=True, tag="knock", frozen=True):
    """Asks to be told when messages can be taken: the sessions are read."""

    number: int
    processes: int


class Prelude(msgspec.Struct, array_like=True, tag="prelude", frozen=True):
    """A part of what the hello that follows says: however many filters there are, no message becomes too large."""

    filters: list[str]


class Hello(msgspec.Struct, array_like=True, tag="hello", frozen=True):
    """From now on messages come over this link, and nothing more of ``number`` is put into the inbox.

    ``filters``, with those of the preludes before, are all that clients of ``number`` are subscribed to.
    """

    number: int
    filters: list[str]


class Interest(msgspec.Struct, array_like=True, tag="interest", frozen=True):
    """Clients of the sender subscribed to ``added``, and to ``removed`` no more."""

    added: list[str]
    removed: list[str]


class Forward(msgspec.Struct, array_like=True, tag="forward", frozen=True):
    """Messages for clients of the receiver; answered when what must be kept of them is. Also an entry of the inbox."""

    topic: str
    payloads: list[bytes]
    qos: int
    retain: bool
    properties: bytes = b""
    expires_ms: int = 0


class Retain(msgspec.Struct, array_like=True, tag="retain", frozen=True):
    """What is retained on a topic since ``sequence`` of the journal; ``None``: nothing."""

    topic: str
    message: RetainedMessage | None
    sequence: int


class Census(msgspec.Struct, array_like=True, tag="census", frozen=True):
    """How the sender is, several times a second; a sign of life too.

    ``waiting``: connections that have not signed in, by address. ``drawn``: messages since the last one, by what a
    rate is kept for.
    """

    connections: int = 0
    sessions: int = 0
    waiting: dict[str, int] = {}
    drawn: dict[str, int] = {}


class Done(msgspec.Struct, array_like=True, tag="done", frozen=True):
    """The answer to any of them."""


Message: TypeAlias = Knock | Prelude | Hello | Interest | Forward | Retain | Census | Done

_MOST_PART: Final = 256 * 1024


def parted(filters: Iterable[str]) -> list[list[str]]:
    """The filters in parts of about so many characters; at least one part."""
    parts: list[list[str]] = [[]]
    size = 0
    for each in filters:
        if size >= _MOST_PART:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += len(each)
    return parts


_decoder = msgspec.msgpack.Decoder(tuple[int, Message])
_encoder = msgspec.msgpack.Encoder()


class Wire(asyncio.Protocol):
    """One end of a link. ``take`` gets each message with its number, ``lost`` is called once at the end."""

    def __init__(self, take: Callable[[Wire, int, Message], None], lost: Callable[[Wire], None]) -> None:
        self._take, self._lost = take, lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self.number = 0
        """Whose messages come here."""
        self.told: set[str] = set()
        """Filters of preludes whose hello has not come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It is closed."""
        self._transport = None
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        """Some bytes of any number of messages."""
        buffer = self._buffer
        buffer += data
        position, end = 0, len(buffer)
        while end - position >= 4:
            size = int.from_bytes(buffer[position : position + 4], "big")
            if size > _MOST_BYTES:
                self.close()
                return
            if end - position - 4 < size:
                break
            try:
                number, message = _decoder.decode(memoryview(buffer)[position + 4 : position + 4 + size])
            except msgspec.MsgspecError:
                self.close()
                return
            position += 4 + size
            self._take(self, number, message)
        self._buffer = buffer[position:]

    def send(self, number: int, message: Message) -> None:
        """Send a message, or the answer to the one of this number."""
        if self._transport is not None:
            data = _encoder.encode((number, message))
            self._transport.write(len(data).to_bytes(4, "big") + data)

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()
