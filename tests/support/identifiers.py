"""Registers of identifiers for tests: over a log in memory, or over a real stream."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from millwright.engines.nats import NatsConnection
from millwright.identity.handle import HandleValue
from millwright.identity.records import Prefix, Records, SigningKeys, StreamLog
from millwright.kernel import Conflict, SystemClock


class MemoryLog:
    """A log that is as true as its process is long (:class:`millwright.identity.records.ChangeLog`)."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.end = 0
        self.told: list[int] = []
        self.before_answer: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    async def open(self) -> None:
        pass

    def last(self) -> int:
        return self.end

    def first(self) -> int:
        return min(self.messages, default=0)

    def size(self) -> int:
        return sum(map(len, self.messages.values()))

    def fetch_snapshot(self, folder: Path, at_least: int) -> Path | None:
        return None

    def append(self, message: bytes, after: int) -> int:
        with self._lock:
            if after != self.end:
                raise Conflict("It moved.", code="engines.stream_moved")
            self.end += 1
            self.messages[self.end] = message
        self.before_answer()
        return self.end

    def find(self, position: int) -> bytes | None:
        return self.messages.get(position)

    def page(self, first: int, last: int) -> list[tuple[int, bytes]]:
        found = [(at, self.messages[at]) for at in range(first, last + 1) if at in self.messages]
        return found[:3]

    def announce(self, position: int) -> None:
        self.told.append(position)

    def keep(self, messages: Any) -> None:
        pass

    async def close(self) -> None:
        pass


def make_records(folder: Path, log: Any = None, **more: Any) -> Records:
    """A register in ``folder``, not opened yet; its key lies beside the index."""
    keys = more.pop("keys", None) or SigningKeys(folder / "identifiers.key", "test", more.pop("trusted", ()))
    chosen: dict[str, Any] = {"origin": "test", "durable": False, "keys": keys} | more
    clock = chosen.pop("clock", None) or SystemClock()
    return Records(folder / "identifiers", log or MemoryLog(), clock, **chosen)


def open_records(folder: Path, log: Any = None, **more: Any) -> Records:
    """The same, opened."""
    records = make_records(folder, log, **more)
    records.open()
    return records


def home(records: Records, *prefixes: bytes, organisation_id: str = "org_test") -> None:
    """Keep the names of these prefixes here from now on."""
    entries = [Prefix(prefix=each.decode(), organisation_id=organisation_id, state="active") for each in prefixes]
    records.change_many((), who="test", prefixes=entries)


def put(records: Records, *named: tuple[bytes, tuple[HandleValue, ...]]) -> None:
    records.put_many(named, who="test")


@contextmanager
def in_a_loop(url: str) -> Iterator[tuple[NatsConnection, Callable[[Awaitable[Any]], Any]]]:
    """A connection to NATS in the loop of a thread of its own, for a process that is not asynchronous; and a function
    that runs something there and waits for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    bus = NatsConnection(url, "test")
    run(bus.start())
    try:
        yield bus, run
    finally:
        run(bus.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def records_over(url: str, folder: Path, **more: Any) -> Iterator[Records]:
    """A register over a real stream, opened, in a process that is not asynchronous."""
    with in_a_loop(url) as (bus, run):
        log = StreamLog(bus)
        run(log.open())
        records = open_records(folder, log, **more)
        try:
            yield records
        finally:
            records.close()
