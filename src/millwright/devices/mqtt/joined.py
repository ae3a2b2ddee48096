"""When several things are kept."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

Durable: TypeAlias = "asyncio.Future[None] | None"
"""Done when what was changed is kept; ``None`` when nothing has to be."""


def joined(first: Durable, second: Durable) -> Durable:
    """Done when both are."""
    if first is None or first is second or (second is not None and first.done()):
        return second
    if second is None or second.done():
        return first
    both: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left = 2

    def one(_: object) -> None:
        nonlocal left
        left -= 1
        if not left and not both.done():
            both.set_result(None)

    first.add_done_callback(one)
    second.add_done_callback(one)
    return both
