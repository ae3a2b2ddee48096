"""One TCP connection of a Handle client (RFC 3652, 2.3): messages one after another, each behind its envelope."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

from millwright.identity.handle.dialogue import Peer
from millwright.identity.handle.errors import MessageError
from millwright.identity.handle.wire.message import ENVELOPE_BYTES, Envelope, decode_envelope, encode_envelope, frame

if TYPE_CHECKING:
    from millwright.identity.handle.server import HandleServer

_MOST_WAITING = 64
_HIGH_WATER_BYTES = 256 * 1024


class Connection(asyncio.Protocol):
    """Reads messages, answers them in order, and holds a client to its time.

    While answers wait to be taken, or many messages wait for theirs, nothing more is read.
    """

    def __init__(self, server: HandleServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._waiting: deque[tuple[Envelope, bytes]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._paused = self._closing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.address = ""
        self.peer = Peer("", "tcp")

    # --- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connects."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        name = self._transport.get_extra_info("peername")
        self.address = name[0] if name else ""
        self.peer.address = self.address
        if not self._server.admit(self):
            self.close("connections_full")
            return
        self._expect(self._server.settings.idle_timeout_s, "idle")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The connection is gone."""
        self._closing = True
        self._flowing.set()
        self._waiting.clear()
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        """Take what came; a message is done when it is whole."""
        if self._closing:
            return
        self._buffer += data
        try:
            self._take_messages()
        except MessageError as error:
            self._server.log_violation(self.address, error)
            self.close("malformed")
            return
        settings = self._server.settings
        if not self._flowing.is_set():
            return
        if self._buffer:
            self._expect(settings.message_timeout_s, "slow_message", keep=True)
        else:
            self._expect(settings.idle_timeout_s, "idle")

    def pause_writing(self) -> None:
        """The client does not take its answers."""
        self._flowing.clear()
        self._hold()
        self._expect(self._server.settings.message_timeout_s, "slow_reader")

    def resume_writing(self) -> None:
        """The client takes its answers again."""
        self._flowing.set()
        self._expect(self._server.settings.idle_timeout_s, "idle")
        self._release()
        self._work()

    # --- messages --------------------------------------------------------------------------------------------------

    def _take_messages(self) -> None:
        buffer, position = self._buffer, 0
        server, quick = self._server, not self._waiting and self._worker is None
        taken: list[tuple[Envelope, bytes]] = []
        while len(buffer) - position >= ENVELOPE_BYTES:
            envelope = decode_envelope(bytes(buffer[position : position + ENVELOPE_BYTES]))
            end = position + ENVELOPE_BYTES + envelope.length
            if end > len(buffer):
                break
            taken.append((envelope, bytes(buffer[position:end])))
            position = end
        del buffer[:position]
        server.tcp_requests += len(taken)
        # In order: what comes behind one that takes longer waits with it.
        answers = server.answer_quickly([whole for _, whole in taken], self.address) if quick and taken else []
        self._waiting += ((envelope, whole[ENVELOPE_BYTES:]) for envelope, whole in taken[len(answers) :])
        if position:
            # The next message has its own time.
            self._expect(server.settings.idle_timeout_s, "idle")
        if answers:
            self._transport.write(b"".join(frame(version, 0, number, data) for version, number, data in answers))
        if len(self._waiting) > _MOST_WAITING:
            self._hold()
        self._work()

    def _work(self) -> None:
        if self._waiting and self._worker is None and self._flowing.is_set():
            self._worker = self._server.spawn(self._answer_waiting())

    async def _answer_waiting(self) -> None:
        try:
            while self._waiting and not self._closing:
                envelope, data = self._waiting.popleft()
                async with aclosing(self._server.service.process(self.peer, envelope, data)) as answer:
                    async for head, body in answer:
                        if not await self._write(encode_envelope(head) + body):
                            break
        finally:
            self._worker = None
            if len(self._waiting) <= _MOST_WAITING:
                self._release()
            if not self._closing:
                self._work()

    async def _write(self, data: bytes) -> bool:
        """Send, and wait until the client takes more; false when it is gone."""
        if not self._closing:
            self._transport.write(data)
        await self._flowing.wait()
        return not self._closing

    # --- time ------------------------------------------------------------------------------------------------------

    def _expect(self, seconds: float, reason: str, *, keep: bool = False) -> None:
        """Close in some seconds unless something else is expected by then; ``keep`` leaves a running time as it is."""
        if self._closing:
            return
        if self._deadline is not None:
            if keep and self._reason == reason:
                return
            self._deadline.cancel()
        self._reason = reason
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.close, reason)

    _reason = ""

    def _hold(self) -> None:
        if not self._paused and not self._closing:
            self._paused = True
            self._transport.pause_reading()

    def _release(self) -> None:
        if self._paused and self._flowing.is_set() and not self._closing:
            self._paused = False
            self._transport.resume_reading()

    def close(self, reason: str) -> None:
        """End the connection at once; what was not taken is lost."""
        if self._closing:
            return
        self._closing = True
        self._server.closed[reason] += 1
        self._transport.abort()
