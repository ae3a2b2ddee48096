"""A scan of a subnet: every address is asked by echo, no faster than was said; only private networks, never many."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Final

from msgspec import structs

from millwright.devices.network.errors import scan_public, scan_refused, scan_too_large, scan_unreadable
from millwright.devices.network.linux.echo import Echo
from millwright.devices.network.model import Family, Neighbour, ScannedHost, ScanOrder, ScanResult

_TIMEOUT_S: Final = 1.0
_TAIL_S: Final = 1.2


def addresses_of(subnet: str, most: int) -> list[str]:
    """The addresses of a private subnet, without network and broadcast.

    Raises ``Invalid`` (``devices.network_scan_subnet``), ``Denied`` (``devices.network_scan_public``),
    ``LimitExceeded`` (``devices.network_scan_large``), ``Unsupported`` (``devices.network_scan_off``).
    """
    if most == 0:
        raise scan_refused()
    try:
        network = ipaddress.ip_network(subnet.strip(), strict=False)
    except ValueError:
        raise scan_unreadable(subnet) from None
    if not any(network.version == each.version and network.subnet_of(each) for each in _PRIVATE):  # type: ignore[arg-type]  # the same version
        raise scan_public(str(network))
    if network.num_addresses > most + 2:
        raise scan_too_large(str(network), most)
    return [str(each) for each in network.hosts()][:most]


_PRIVATE: Final = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]
"""RFC 1918, RFC 3927, RFC 4193 and the addresses of a link: whose hosts are nobody else's."""


class Scanner:
    """One scan at a time. ``neighbours`` are read at the end: also who ignores an echo answers to be found."""

    def __init__(self, echo: Echo, neighbours: Callable[[], list[Neighbour]], most: int) -> None:
        self._echo, self._neighbours, self._most = echo, neighbours, most
        self._task: asyncio.Task[None] | None = None
        self.result: ScanResult | None = None

    def begin(self, order: ScanOrder, interface_of: Callable[[str], str]) -> None:
        """Begin what was ordered, unless it is done or under way; another one that runs ends."""
        if self.result is not None and self.result.id == order.id:
            return
        if self._task is not None:
            self._task.cancel()
        self.result = ScanResult(id=order.id, subnet=order.subnet, state="running")
        self._task = asyncio.create_task(self._run(order, interface_of), name="network scan")

    async def stop(self) -> None:
        """End a scan that runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, order: ScanOrder, interface_of: Callable[[str], str]) -> None:
        assert self.result is not None
        result = self.result
        try:
            # What is asked here is decided here, too: the order came over a wire.
            wanted = addresses_of(order.subnet, self._most)
            result = self.result = structs.replace(result, of=len(wanted))
            answers: dict[str, float] = {}
            pause_s = 1.0 / max(1, min(order.per_s, 100))

            async def one(address: str) -> None:
                family: Family = 6 if ":" in address else 4
                answer = await self._echo.ask(address, family, interface=interface_of(address), timeout_s=_TIMEOUT_S)
                if isinstance(answer, float):
                    answers[address] = answer

            async with asyncio.TaskGroup() as group:
                for number, address in enumerate(wanted, 1):
                    group.create_task(one(address))
                    self.result = structs.replace(result, asked=number)
                    await asyncio.sleep(pause_s)
            await asyncio.sleep(_TAIL_S - _TIMEOUT_S)
            macs = {each.address: each.mac for each in await asyncio.to_thread(self._neighbours) if each.mac}
            there = [each for each in wanted if each in answers or each in macs]
            found = [
                ScannedHost(address=each, latency_ms=_rounded(answers.get(each)), mac=macs.get(each, ""))
                for each in there
            ]
            self.result = structs.replace(result, asked=len(wanted), state="done", found=found)
        except Exception as error:
            self.result = structs.replace(result, state="failed", error=str(error)[:300])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
