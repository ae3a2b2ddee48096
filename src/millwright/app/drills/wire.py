"""Asking a node as its clients do: over the Handle protocol, by UDP with a short patience."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import pairwise
from typing import Final

from millwright.identity.handle import HandleClient, HandleValue, Interface, Server, Site
from millwright.kernel import NotFound

_PATIENCE_S: Final = 0.25
_EVERY_S: Final = 0.01


def site_at(host: str, port: int) -> Site:
    """A site of one server that takes both transports."""
    interfaces = tuple(Interface(3, transport, port) for transport in (0, 1))
    return Site(servers=(Server(1, ip_address(host), b"", interfaces),))


def resolve_all(site: Site, names: Sequence[bytes], at_once: int = 16) -> list[tuple[HandleValue, ...] | None]:
    """The public values of names, in their order; ``None`` for one that is not found. Raises ``Unavailable``."""

    async def run() -> list[tuple[HandleValue, ...] | None]:
        client, places = HandleClient([site]), asyncio.Semaphore(at_once)

        async def one(name: bytes) -> tuple[HandleValue, ...] | None:
            async with places:
                try:
                    return await client.resolve(name)
                except NotFound:
                    return None

        return list(await asyncio.gather(*map(one, names)))

    return asyncio.run(run())


class Asking:
    """A client that knows several sites and asks them in turn, every ten milliseconds, in a thread of its own."""

    def __init__(self, sites: Sequence[Site], names: Sequence[bytes]) -> None:
        self._sites, self._names = sites, names
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.answers: list[float] = []
        """When an answer came (``time.perf_counter``)."""
        self.first_silent_s = 0.0
        """When the first site was found silent."""
        self.failed = 0
        """How often no site gave an answer."""

    def __enter__(self) -> Asking:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(10)

    async def _run(self) -> None:
        clients = [HandleClient([site]) for site in self._sites]
        count = 0
        while not self._ends.is_set():
            name = self._names[count % len(self._names)]
            count += 1
            # A client remembers who was silent and asks the others first.
            order = clients if not self.first_silent_s else [*clients[1:], clients[0]]
            for client in order:
                try:
                    await asyncio.wait_for(client.resolve(name), _PATIENCE_S)
                except Exception:  # whatever comes from a server that dies in the middle of an answer
                    if client is clients[0] and len(clients) > 1 and not self.first_silent_s:
                        self.first_silent_s = time.perf_counter()
                    continue
                self.answers.append(time.perf_counter())
                break
            else:
                self.failed += 1
            await asyncio.sleep(_EVERY_S)

    def after(self, moment_s: float) -> tuple[float | None, float]:
        """Seconds from a moment to the first answer behind it, and the longest time without one from then on."""
        later = [each for each in self.answers if each >= moment_s]
        if not later:
            return None, time.perf_counter() - moment_s
        moments = [moment_s, *later, time.perf_counter()]
        gaps = [second - first for first, second in pairwise(moments)]
        return later[0] - moment_s, max(gaps)
