"""Questions and commands over a link, matched with their confirmations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from time import time

from millwright.kernel import Denied, Unavailable

from ..contract import Value
from . import asdu as asdus
from . import clock, commands
from .address import Command
from .asdu import Asdu, Cause, Layout
from .elements import NAMES
from .link import Link

Key = tuple[int, int, int]
"""Type, common address and object address that a confirmation repeats."""


class Dialogue:
    """What was asked and not answered yet. One question at a time of each :data:`Key`."""

    def __init__(self, layout: Layout, originator: int, zone: tzinfo, timeout_s: float) -> None:
        self._layout, self._originator, self._zone, self._timeout_s = layout, originator, zone, timeout_s
        self._waiting: dict[Key, asyncio.Queue[Asdu]] = {}
        self._locks: dict[tuple[int, int], asyncio.Lock] = {}

    def hear(self, asdu: Asdu) -> None:
        """Give an answer to whoever waits for it."""
        number = asdus.first_address(asdu, self._layout)
        # A station answers a question to all of them under its own address.
        for common in (asdu.common_address, self._layout.broadcast):
            if (queue := self._waiting.get((asdu.type, common, number))) is not None:
                queue.put_nowait(asdu)
                return

    async def interrogate(self, link: Link, common: int, *, counters: bool = False) -> None:
        """General or counter interrogation; returns when its values have come.

        Raises ``Denied`` (``iec104.refused``), ``Unavailable`` (``iec104.unconfirmed``).
        """
        kind, element = (101, b"\x05") if counters else (100, b"\x14")
        async with self._lock(common, 0):
            await self._exchange(link, kind, common, 0, Cause.ACTIVATION, element, until=Cause.TERMINATED)

    async def set_clock(self, link: Link, common: int) -> None:
        """Set the station's clock to ours, in its zone. Raises as :meth:`interrogate`."""
        async with self._lock(common, 0):
            stamp = clock.write_long(int(time() * 1000), self._zone)
            await self._exchange(link, 103, common, 0, Cause.ACTIVATION, stamp)

    async def request(self, link: Link, common: int, address: int, arrived: Callable[[], bool]) -> str:
        """Read one object (type 102); why it was not answered, or nothing when ``arrived``."""
        key = (102, common, address)
        queue = self._waiting.setdefault(key, asyncio.Queue())
        try:
            await link.send(self._encode(102, Cause.REQUEST, common, address, b""))
            end = asyncio.get_running_loop().time() + self._timeout_s
            while not arrived():
                left = end - asyncio.get_running_loop().time()
                if left <= 0:
                    return "not answered"
                try:
                    async with asyncio.timeout(min(left, 0.05)):
                        asdu = await queue.get()
                except TimeoutError:
                    if link.lost.done():
                        link.lost.result()
                    continue
                if asdu.negative or asdu.cause >= 44:
                    return asdu.cause_words
            return ""
        finally:
            self._waiting.pop(key, None)

    async def command(
        self, link: Link, common: int, command: Command, value: Value, *, select: bool, termination: bool
    ) -> None:
        """Carry out a command. Raises ``Invalid``, ``Denied`` (``iec104.refused``), ``Unavailable``."""
        # A bit string has no bit for selecting.
        select = select and command.base != 51
        final = commands.element(command, value, select=False)
        async with self._lock(common, command.object):
            if select:
                first = commands.element(command, value, select=True)
                await self._command(link, common, command, Cause.ACTIVATION, first)
                try:
                    await self._command(link, common, command, Cause.ACTIVATION, final, termination=termination)
                except asyncio.CancelledError:
                    # Selected and not executed: give it back, without waiting.
                    await asyncio.shield(
                        link.send(self._encode(command.type, Cause.DEACTIVATION, common, command.object, first))
                    )
                    raise
            else:
                await self._command(link, common, command, Cause.ACTIVATION, final, termination=termination)

    async def _command(
        self, link: Link, common: int, command: Command, cause: Cause, element: bytes, *, termination: bool = False
    ) -> None:
        if command.type > 51:
            element += clock.write_long(int(time() * 1000), self._zone)
        until = Cause.TERMINATED if termination else Cause.CONFIRMED
        await self._exchange(link, command.type, common, command.object, cause, element, until=until)

    async def _exchange(
        self,
        link: Link,
        kind: int,
        common: int,
        address: int,
        cause: Cause,
        element: bytes,
        *,
        until: Cause = Cause.CONFIRMED,
    ) -> None:
        key = (kind, common, address)
        queue = self._waiting[key] = asyncio.Queue()
        what = f"{NAMES[kind]} to {common}:{address}"
        try:
            async with asyncio.timeout(self._timeout_s):
                await link.send(self._encode(kind, cause, common, address, element))
                await self._answers(link, queue, what, until)
        except TimeoutError:
            raise Unavailable(
                f"The station did not answer {what} within {self._timeout_s:g} s; it may have been carried out.",
                code="iec104.unconfirmed",
                hint="Look at the value before sending it again; check common address and object address.",
            ) from None
        finally:
            self._waiting.pop(key, None)

    async def _answers(self, link: Link, queue: asyncio.Queue[Asdu], what: str, until: Cause) -> None:
        while True:
            getting = asyncio.ensure_future(queue.get())
            try:
                await asyncio.wait((getting, link.lost), return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not getting.done():
                    getting.cancel()
            if not getting.done() or getting.cancelled():
                link.lost.result()
            asdu = getting.result()
            if asdu.negative or asdu.cause >= 44:
                words = asdu.cause_words if asdu.cause >= 44 else "negative confirmation"
                raise Denied(
                    f"The station refused {what}: {words}.",
                    code="iec104.refused",
                    hint="It may be in local operation or interlocked, want a selection first, or lack the address.",
                    detail={"cause": asdu.cause, "words": words},
                )
            if asdu.cause == until or (asdu.cause == Cause.TERMINATED and until == Cause.CONFIRMED):
                return

    def _encode(self, kind: int, cause: Cause, common: int, address: int, element: bytes) -> bytes:
        return asdus.encode(kind, cause, common, address, element, layout=self._layout, originator=self._originator)

    def _lock(self, common: int, address: int) -> asyncio.Lock:
        return self._locks.setdefault((common, address), asyncio.Lock())
