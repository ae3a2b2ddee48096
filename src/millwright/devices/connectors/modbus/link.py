"""Links: one question, one answer, over a line. What cannot be is told apart:

``Refused`` – the device's exception; ``BadReply`` – nonsense came; ``NoAnswer`` – nothing came; ``Unavailable`` – the
line itself is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from typing import Final

from millwright.devices.connectors.line import Line, SerialLine, lost
from millwright.devices.connectors.modbus.framing import WRONG_SUM, TcpFrames, rtu_answer, rtu_frame, tcp_frame
from millwright.devices.connectors.modbus.pdu import BadReply, NoAnswer

_BROKEN_S: Final = 0.25


class Link(ABC):
    """Asks units over one line."""

    def __init__(self, line: Line, timeout_s: float) -> None:
        self.line, self.timeout_s = line, timeout_s
        self._ended = asyncio.Event()
        line.on_bytes, line.on_lost = self._received, self._lose

    async def until_lost(self) -> None:
        """Wait for the end of the line, and raise ``Unavailable`` then."""
        await self._ended.wait()
        raise lost(self.line.gone or "it is closed")

    def _lose(self, reason: str) -> None:
        self._ended.set()
        self._lost(reason)

    @abstractmethod
    async def ask(self, unit: int, question: bytes, timeout_s: float | None = None) -> bytes:
        """The PDU that answers, within ``timeout_s`` where that is shorter than the line's own; raises ``BadReply``,
        ``NoAnswer``, ``Unavailable``."""

    @abstractmethod
    def _received(self, data: bytes) -> None: ...

    @abstractmethod
    def _lost(self, reason: str) -> None: ...

    def close(self) -> None:
        """Let go of the line; who waits for an answer gets ``Unavailable``."""
        self.line.close()
        self._lose("it is closed")


class TcpLink(Link):
    """Modbus/TCP: answers find their questions by transaction, so several may be under way."""

    def __init__(self, line: Line, timeout_s: float, at_once: int, pause_s: float) -> None:
        super().__init__(line, timeout_s)
        self._frames = TcpFrames()
        self._waiting: dict[int, tuple[int, asyncio.Future[bytes]]] = {}
        self._transaction = 0
        self._room = asyncio.Semaphore(at_once)
        self._pause_s = pause_s

    async def ask(self, unit: int, question: bytes, timeout_s: float | None = None) -> bytes:
        """As :meth:`Link.ask`."""
        limit_s = self.timeout_s if timeout_s is None else min(timeout_s, self.timeout_s)
        async with self._room:
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            loop = asyncio.get_running_loop()
            self._transaction = transaction = (self._transaction + 1) & 0xFFFF
            answer: asyncio.Future[bytes] = loop.create_future()
            self._waiting[transaction] = (unit, answer)
            timer = loop.call_later(limit_s, self._late, answer, limit_s)
            try:
                self.line.write(tcp_frame(transaction, unit, question))
                return await answer
            finally:
                timer.cancel()
                self._waiting.pop(transaction, None)

    def _late(self, answer: asyncio.Future[bytes], limit_s: float) -> None:
        if not answer.done():
            answer.set_exception(NoAnswer(f"no answer within {limit_s:g} s"))

    def _received(self, data: bytes) -> None:
        try:
            frames = self._frames.feed(data)
        except BadReply as error:
            self.line.lose(f"the other side sent {error}")
            return
        for transaction, unit, pdu in frames:
            asked, answer = self._waiting.get(transaction, (0, None))
            if answer is None or answer.done():
                continue  # Late, or never asked: whoever asked has given up.
            if unit != asked:
                answer.set_exception(BadReply(f"an answer of unit {unit}, asked was {asked}"))
                continue
            answer.set_result(pdu)

    def _lost(self, reason: str) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(lost(reason))


class RtuLink(Link):
    """RTU: one question at a time, told apart by unit, function, size and check sum alone.

    An answer that comes after we gave up is indistinguishable from the next one to the same question; so what comes
    between questions is thrown away, and whoever did not answer rests before it is asked again.
    """

    def __init__(self, line: Line, timeout_s: float, silence_s: float, pause_s: float) -> None:
        super().__init__(line, timeout_s)
        self._turn = asyncio.Lock()
        self._silence_s = silence_s
        self._pause_s = pause_s
        self._buffer = bytearray()
        self._asked: tuple[int, bytes, asyncio.Future[bytes]] | None = None
        self._early: asyncio.TimerHandle | None = None
        self._owed: tuple[int, bytes, float] | None = None
        """A question whose asker went away, and until when its answer may come."""
        self._paid = asyncio.Event()

    async def ask(self, unit: int, question: bytes, timeout_s: float | None = None) -> bytes:
        """As :meth:`Link.ask`."""
        limit_s = self.timeout_s if timeout_s is None else min(timeout_s, self.timeout_s)
        async with self._turn:
            await self._quiet()
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[bytes] = loop.create_future()
            self._buffer.clear()
            self._asked = (unit, question, answer)
            frame = rtu_frame(unit, question)
            timer = loop.call_later(limit_s, self._late, limit_s)
            try:
                self.line.write(frame)
                return await answer
            except asyncio.CancelledError:
                self._owed = (unit, question, time.monotonic() + self.timeout_s)
                self._paid.clear()
                raise
            finally:
                timer.cancel()
                self._end_early(None)
                self._asked = None

    async def _quiet(self) -> None:
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        # An answer that is still owed would be taken for the one to the next question of the same kind.
        if self._owed is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._owed[2] - time.monotonic()):
                    await self._paid.wait()
        self._owed = None
        end = time.monotonic() + self.timeout_s
        while (rest := self.line.used_at + self._silence_s - time.monotonic()) > 0:
            if time.monotonic() > end:
                raise BadReply("the line is never silent")
            await asyncio.sleep(rest)

    def _late(self, limit_s: float) -> None:
        if self._asked is None or self._asked[2].done():
            return
        unit, question, answer = self._asked
        _, why = rtu_answer(unit, question, bytes(self._buffer))
        if why:
            answer.set_exception(BadReply(why))
        else:
            answer.set_exception(NoAnswer(f"no answer within {limit_s:g} s"))

    def _received(self, data: bytes) -> None:
        if self._asked is None or self._asked[2].done():
            self._pay(data)
            return
        unit, question, answer = self._asked
        self._buffer += data
        if len(self._buffer) > 4096:
            answer.set_exception(BadReply("bytes without end that are no answer"))
            return
        pdu, why = rtu_answer(unit, question, bytes(self._buffer))
        if pdu is not None:
            answer.set_result(pdu)
        else:
            self._end_early(_BROKEN_S if why == WRONG_SUM else None)

    def _pay(self, data: bytes) -> None:
        if self._owed is not None and len(self._buffer) < 4096:
            self._buffer += data
            if rtu_answer(self._owed[0], self._owed[1], bytes(self._buffer))[0] is not None:
                self._paid.set()

    def _end_early(self, after_s: float | None) -> None:
        """A whole answer with a wrong sum is not mended by waiting; but what looked like one may have been noise."""
        if self._early is not None:
            self._early.cancel()
        loop = asyncio.get_running_loop()
        self._early = None if after_s is None else loop.call_later(after_s, self._late, self.timeout_s)

    def _lost(self, reason: str) -> None:
        self._paid.set()
        if self._asked is not None and not self._asked[2].done():
            self._asked[2].set_exception(lost(reason))


def silence_s(baud_rate: int, line: Line) -> float:
    """The silence between frames: 3.5 characters of 11 bits, at least 1.75 ms above 19,200 (serial line, 2.5.1.1)."""
    if not isinstance(line, SerialLine):
        return 0.0
    return max(3.5 * 11 / baud_rate, 0.00175)
