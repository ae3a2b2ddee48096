"""From one state of a command to the next, written down and told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from millwright.devices.commands.model import Command, Outcome
from millwright.devices.commands.store import CommandStore
from millwright.kernel import Clock

Moved = Callable[[Command], Awaitable[None]]
"""Told of a command in its new state."""


class Mover:
    """Moves commands."""

    def __init__(self, store: CommandStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def __call__(
        self,
        command: Command,
        allowed: tuple[str, ...],
        state: Any,
        moved: Moved,
        outcome: Outcome | None = None,
        *,
        text: str = "",
        code: str = "",
        **changes: Any,
    ) -> Command | None:
        """Write ``state`` where it is one of ``allowed`` now, and tell; ``None`` where it is not. ``changes`` as of the
        store."""

        def work() -> Command | None:
            now_ms = self._clock.now_ms()
            return self._store.move(command.id, allowed, state, now_ms, outcome, text=text, code=code, **changes)

        found = await asyncio.to_thread(work)
        if found is not None:
            await moved(found)
        return found
