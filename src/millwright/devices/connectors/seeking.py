"""Peers that do not tell that they are there: a few addresses are asked one by one, some at a time."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from millwright.devices.connectors.contract import Found
from millwright.kernel import Invalid, MillwrightError

MOST: Final = 256
"""Addresses of one search; a wider one would be a scan of somebody's plant."""
_AT_ONCE: Final = 16
_MARGIN_S: Final = 0.2
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?", re.ASCII)


def addresses_of(at: str) -> list[str]:
    """The addresses that ``at`` names. Raises ``Invalid`` (``connectors.seek_invalid``)."""
    text = at.strip()
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        if "/" not in text and _NAME.fullmatch(text):
            return [text]
        raise _wrong(f"{at!r} is no address") from None
    if network.num_addresses > MOST:
        raise _wrong(f"{text} has {network.num_addresses} addresses, and at most {MOST} are asked")
    return [str(each) for each in network.hosts()]


async def seek(at: str, timeout_s: float, ask: Callable[[str], Awaitable[Sequence[Found]]]) -> list[Found]:
    """What ``ask`` finds at each address of ``at``, in their order, of those that answered within ``timeout_s``."""
    addresses = addresses_of(at)
    found: dict[str, Sequence[Found]] = {}
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(address: str) -> None:
        async with room:
            try:
                found[address] = await ask(address)
            except (MillwrightError, OSError):
                return

    tasks = [asyncio.create_task(one(address)) for address in addresses]
    try:
        await asyncio.wait(tasks, timeout=max(0.1, timeout_s - _MARGIN_S))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [each for address in addresses for each in found.get(address, ())]


def _wrong(what: str) -> Invalid:
    return Invalid(
        f"{what}.",
        code="connectors.seek_invalid",
        hint="Name one address, as 192.168.0.10 or plc.local, or a small network, as 192.168.0.0/28.",
    )
