"""One question, one answer, over one line; several frames are put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from millwright.devices.connectors.dlt645.frames import (
    ANYBODY,
    READ,
    READ_ADDRESS,
    READ_FOLLOWING,
    BadReply,
    Frame,
    NoAnswer,
    Refused,
    frames,
    identifier_bytes,
    question,
)
from millwright.devices.connectors.line import Line, lost

_MOST_BYTES: Final = 16_384
_MOST_UNREAD: Final = 4096


class Link:
    """Asks the meters of one line."""

    def __init__(self, line: Line, timeout_s: float, wake_up: int, pause_s: float) -> None:
        self._line, self._timeout_s, self._wake_up, self._pause_s = line, timeout_s, wake_up, pause_s
        self._turn = asyncio.Lock()
        self._ended = asyncio.Event()
        self._buffer = bytearray()
        self._asked: tuple[Callable[[Frame], bool], asyncio.Future[Frame]] | None = None
        line.on_bytes, line.on_lost = self._received, self._lost

    async def read(self, meter: str, identifier: str) -> bytes:
        """The data behind an identifier; raises ``Refused``, ``BadReply``, ``NoAnswer``, ``Unavailable``."""
        name = identifier_bytes(identifier)
        async with self._turn:
            answer = await self._ask(meter, READ, name)
            data, sequence = answer.data[4:], 0
            while answer.more:
                sequence += 1
                if sequence > 255 or len(data) > _MOST_BYTES:
                    raise BadReply("frames without end")
                answer = await self._ask(meter, READ_FOLLOWING, name, sequence)
                data += answer.data[4:-1]
            return data

    async def read_address(self) -> str:
        """The address of the one meter on the line."""
        async with self._turn:
            return (await self._ask(ANYBODY, READ_ADDRESS, b"")).data[::-1].hex()

    async def _ask(self, meter: str, function: int, name: bytes, sequence: int | None = None) -> Frame:
        def fits(frame: Frame) -> bool:
            if meter != ANYBODY and frame.meter != meter:
                return False
            if frame.function != function:
                return False
            if frame.refused:
                return len(frame.data) == 1
            if function == READ_ADDRESS:
                return len(frame.data) == 6
            if frame.data[:4] != name or len(frame.data) < (4 if sequence is None else 5):
                return False
            return sequence is None or frame.data[-1] == sequence

        if self._line.gone is not None:
            raise lost(self._line.gone)
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Frame] = loop.create_future()
        self._buffer.clear()
        self._asked = (fits, answer)
        timer = loop.call_later(self._timeout_s, self._late)
        data = name if sequence is None else name + bytes((sequence,))
        try:
            self._line.write(question(meter, function, data, self._wake_up))
            found = await answer
        finally:
            timer.cancel()
            self._asked = None
        if found.refused:
            raise Refused(found.data[0])
        return found

    def _late(self) -> None:
        if self._asked is None or self._asked[1].done():
            return
        seen, why = frames(bytes(self._buffer))
        if seen:
            why = f"an answer of meter {seen[0].meter}, control {seen[0].control:02X}H, that does not fit the question"
        if why:
            self._asked[1].set_exception(BadReply(why))
        else:
            self._asked[1].set_exception(NoAnswer(f"no answer within {self._timeout_s:g} s"))

    def _received(self, data: bytes) -> None:
        if self._asked is None or self._asked[1].done():
            return  # Too late, or nobody asked.
        fits, answer = self._asked
        self._buffer += data
        if len(self._buffer) > _MOST_UNREAD:
            answer.set_exception(BadReply("bytes without end that are no answer"))
            return
        for frame in frames(bytes(self._buffer))[0]:
            if fits(frame):
                answer.set_result(frame)
                return

    async def until_lost(self) -> None:
        """Wait for the end of the line, and raise ``Unavailable`` then."""
        await self._ended.wait()
        raise lost(self._line.gone or "it is closed")

    def _lost(self, reason: str) -> None:
        self._ended.set()
        if self._asked is not None and not self._asked[1].done():
            self._asked[1].set_exception(lost(reason))

    def close(self) -> None:
        """Let go of the line."""
        self._line.close()
        self._lost("it is closed")
