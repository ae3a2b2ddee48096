"""Admission of clients that sign in, also when all of them come back at once.

So many are looked at together that the devices which are in already go on being read; those that wait are taken in
turns by address, so that one address with many clients (or many wrong credentials) does not keep the others out.
Waiting costs the open connection alone, and ends with the time a client has to sign in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator


class Gate:
    """Lets ``most`` through at one time."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waits = 0

    @property
    def waiting(self) -> int:
        """How many stand before it."""
        return sum(map(len, self._waiting.values()))

    @contextlib.asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait until it is the address's turn, then keep a place while the block runs."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(address)
        try:
            yield
        finally:
            self._free += 1
            self._next()

    async def _wait(self, address: str) -> None:
        self.waits += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given a place just before it was cancelled
                self._free += 1
                self._next()
            raise

    def _next(self) -> None:
        while self._free and self._waiting:
            address, waiting = self._waiting.popitem(last=False)
            turn = waiting.popleft()
            if waiting:
                self._waiting[address] = waiting  # at the end: the others first
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
